"""The last step on a CPU: enlarge what is blended, blend at full size, round to bytes; plane by plane, so that it stays in cache.

The same sums as network.blend, in a third of the time; pictures differ by rounding only (level B of the specification).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor


def composited(
    small: Tensor, warped: Tensor, still: Tensor, ghost: Tensor | None = None
) -> NDArray[np.uint8]:
    """Blend at full size.

    Args:
        small: (N, 5, s, s) float32 of blending.premultiplied: weights of warped and still, and what is added.
        warped: (N, 3, S, S) float32 in 0..1.
        still: (N or 1, 3, S, S) float32 in 0..1.
        ghost: (N, 1, g, g) float32 where warped takes the place of still (blending.without_ghost); None: nowhere.

    Returns:
        (N, S, S, 3) uint8.
    """
    count, _, size, _ = warped.shape
    out = np.empty((count, size, size, 3), np.uint8)
    product = np.empty((size, size), np.float32)
    shared = _planes(still[0])
    for number, (layers, picture) in enumerate(
        zip(small.contiguous().numpy(), warped, strict=True)
    ):
        first, second, *added = (
            cv2.resize(plane, (size, size), interpolation=cv2.INTER_LINEAR) for plane in layers
        )
        if ghost is not None and ghost[number].any():  # a share of still becomes warped's
            mask = ghost[number, 0].numpy()
            mask = cv2.resize(mask, (size, size), interpolation=cv2.INTER_LINEAR)
            np.multiply(second, mask, out=product)
            np.add(first, product, out=first)
            np.subtract(second, product, out=second)
        behind = shared if len(still) == 1 else _planes(still[number])
        planes = []
        for plane, front, back in zip(added, _planes(picture), behind, strict=True):
            np.add(plane, np.multiply(first, front, out=product), out=plane)
            np.add(plane, np.multiply(second, back, out=product), out=plane)
            planes.append(
                cv2.addWeighted(plane, 255.0, plane, 0.0, 0.0, dtype=cv2.CV_8U)
            )  # rounds and saturates
        cv2.merge(planes, dst=out[number])
    return out


def _planes(picture: Tensor) -> list[NDArray[np.float32]]:
    """(3, S, S) in any layout -> three (S, S)."""
    return [
        np.ascontiguousarray(plane, np.float32)
        for plane in cv2.split(picture.permute(1, 2, 0).contiguous().numpy())
    ]
