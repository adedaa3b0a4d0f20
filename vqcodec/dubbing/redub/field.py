"""A recorded field without what it says of the old mouth: there, it goes on as it is all around.

c' = argmin of  sum over cells outside |flow(c') - flow(c)|^2 + HELD sum over cells of mouth and jaw |flow(c')|^2
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqcodec.geometry.field import FieldBasis
from vqcodec.geometry.mesh import LIPS_OUTER
from vqcodec.runtime.opencv import cv2

CELLS = 16
HELD = 0.1
"""Weight of a mouth that stands still, so that what is said elsewhere isn't enlarged there."""
_RIDGE = 1e-3
_FINE = 8
JAW = (234, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 454)
"""The oval's lower half, from ear to ear."""

Floats = NDArray[np.float32]


class MouthlessField:
    """Takes the mouth out of fields.

    Args:
        basis: what coefficients mean.
    """

    def __init__(self, basis: FieldBasis) -> None:
        cells = basis.at(CELLS).astype(np.float64)
        flat = cells.reshape(len(cells), CELLS * CELLS, 2)
        self._products = np.einsum("kcd,lcd->ckl", flat, flat)
        self._ridge = _RIDGE * np.trace(self._products.sum(0)) / len(cells) * np.eye(len(cells))

    def __call__(self, told: Floats, points: Floats) -> Floats:
        """Coefficients (T, K) of frames with landmarks (T, 478, 2) in 0..1, without those of the mouth."""
        if not told.any():
            return told
        mouth = np.stack([lower_face_cells(own) for own in points]).reshape(len(points), -1)
        outside = np.tensordot(1 - mouth, self._products, 1)
        inside = np.tensordot(mouth, self._products, 1)
        wanted = np.einsum("tkl,tl->tk", outside + self._ridge, told.astype(np.float64))
        found = np.linalg.solve(outside + HELD * inside + self._ridge, wanted[..., None])
        return np.asarray(found[..., 0], np.float32)


def lower_face_cells(points: Floats) -> NDArray[np.float64]:
    """(16, 16) share of each cell of the square that mouth and jaw of (478, 2) landmarks in 0..1 cover."""
    side = CELLS * _FINE
    rim = points[[*JAW, *LIPS_OUTER, 2]]
    low = float(points[2, 1])
    rim = rim[rim[:, 1] >= low] if (rim[:, 1] >= low).sum() > 2 else rim
    mask = np.zeros((side, side), np.uint8)
    hull = cv2.convexHull(np.rint(rim * side).astype(np.int32))
    cv2.fillConvexPoly(mask, hull, 255)
    small = cv2.resize(mask, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float64) / 255
