"""The numbers that tell how background and torso have moved, and the maps they stand for (motion-2).

    x' = (1 + a) x - b y + tx,   y' = b x + (1 + a) y + ty        x, y in -1..1 of the square

A similarity is kept as four numbers in pixels of a 256 px square: 128 tx, 128 ty, and 128 a, 128 b (what scaling and turning
move at the picture's edge).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqcodec.format import FEATURE_SIZE_PX
from vqcodec.geometry.layout import SURROUND_DIMS

RADIUS_PX = FEATURE_SIZE_PX / 2
NUMBERS = 4
PARTS = SURROUND_DIMS // NUMBERS

Matrix = NDArray[np.float64]


def to_matrix(numbers: NDArray[np.floating]) -> Matrix:
    """(..., 4) numbers -> (..., 3, 3) similarities on coordinates of -1..1."""
    tx, ty, a, b = np.moveaxis(np.asarray(numbers, np.float64) / RADIUS_PX, -1, 0)
    matrix = np.zeros((*tx.shape, 3, 3))
    matrix[..., 0, 0] = matrix[..., 1, 1] = 1 + a
    matrix[..., 0, 1], matrix[..., 1, 0] = -b, b
    matrix[..., 0, 2], matrix[..., 1, 2], matrix[..., 2, 2] = tx, ty, 1
    return matrix


def to_numbers(matrix: Matrix) -> NDArray[np.float32]:
    """(..., 3, 3) similarities -> (..., 4) numbers in pixels: the inverse of `to_matrix`."""
    numbers = np.stack(
        [matrix[..., 0, 2], matrix[..., 1, 2], matrix[..., 0, 0] - 1, matrix[..., 1, 0]], -1
    )
    return (numbers * RADIUS_PX).astype(np.float32)


def between(portrait: NDArray[np.floating], frames: NDArray[np.floating]) -> NDArray[np.float32]:
    """Maps from frames back to their portrait, which is how pictures are warped.

    Args:
        portrait: (1 or N, 8) surroundings of the portrait.
        frames: (N, 8) of the frames.

    Returns:
        (N, 2, 3, 3) float32 on -1..1: background, torso; exactly the identity where nothing moved.
    """
    there = to_matrix(frames.reshape(len(frames), PARTS, NUMBERS))
    # a damaged or made-up stream may say that everything shrank to nothing: that can't be undone
    flat = np.abs(np.linalg.det(there)) < 1e-3
    there[flat] = np.eye(3)
    back = to_matrix(portrait.reshape(len(portrait), PARTS, NUMBERS)) @ np.linalg.inv(there)
    back[(portrait == frames).reshape(-1, PARTS, NUMBERS).all(-1) | flat] = np.eye(3)
    return back.astype(np.float32)
