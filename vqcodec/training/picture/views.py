"""What a crop or a mirror does to landmarks and surroundings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqcodec.format import FEATURE_SIZE_PX
from vqcodec.geometry.similarity import to_matrix, to_numbers


def _pair_up(distance: NDArray[np.float64]) -> NDArray[np.int64]:
    """Greedy symmetric assignment, nearest pairs first; irises only among themselves (they lie on top of mesh points)."""
    distance = distance + distance.T
    distance[:468, 468:] = distance[468:, :468] = np.inf
    permutation = np.full(len(distance), -1)
    for flat in np.argsort(distance, axis=None):
        i, j = divmod(int(flat), len(distance))
        if permutation[i] < 0 and permutation[j] < 0:
            permutation[i], permutation[j] = j, i
    return permutation


def mirror_permutation(mean: NDArray[np.float32]) -> NDArray[np.int64]:
    """Index of each landmark's mirror image, from the mean face ((956,) of LandmarkBasis.mean).

    The mean face is reflected, matched, bent to fit by a cubic (the mean is not quite symmetric), and matched again.
    """
    points = mean.reshape(-1, 2).astype(np.float64)
    reflected = points.copy()
    reflected[:, 0] = 2 * points[[10, 152, 1, 168], 0].mean() - reflected[:, 0]
    x, y = (reflected / FEATURE_SIZE_PX).T
    terms = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y, x**3, y**3], 1)
    permutation = _pair_up(np.linalg.norm(points[:, None] - reflected, axis=-1))
    for _ in range(3):
        bent = terms @ np.linalg.lstsq(terms[permutation], points, rcond=None)[0]
        permutation = _pair_up(np.linalg.norm(points[:, None] - bent, axis=-1))
    return permutation


def seen_through(
    surroundings: NDArray[np.float32], view: NDArray[np.float32], flip: bool, side: int, size: int
) -> NDArray[np.float32]:
    """Surroundings of frames that are shown through a view: (N, 8) -> (N, 8).

    Args:
        surroundings: of the whole frames.
        view: (2, 3) scale and shift, frame pixels -> view pixels.
        flip: the view is mirrored after that.
        side: of the frames.
        size: of the view.
    """
    scale = float(view[0, 0]) * side / size
    change = np.array(
        [
            [scale, 0, scale - 1 + 2 * view[0, 2] / size],
            [0, scale, scale - 1 + 2 * view[1, 2] / size],
            [0, 0, 1],
        ]
    )
    change = np.diag([-1.0 if flip else 1.0, 1, 1]) @ change
    moved = (
        change @ to_matrix(surroundings.reshape(len(surroundings), -1, 4)) @ np.linalg.inv(change)
    )
    return to_numbers(moved).reshape(len(surroundings), -1)
