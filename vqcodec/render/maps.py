"""Landmarks drawn as pictures: where the lips, the open mouth, the eyes, brows and irises are.

A network that is told "the inner mouth covers these pixels" needs not learn geometry from 48 numbers.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vqcodec.geometry import mesh as t

MAP_CHANNELS = 8
MAP_SIDE = 128
_SHIFT = 6  # fixed-point bits below the pixel for cv2

FILLED = (
    (t.OVAL,),
    (t.LIPS_OUTER,),
    (t.LIPS_INNER,),
    (t.EYE_RIGHT,),
    (t.EYE_LEFT,),
    (t.BROW_RIGHT, t.BROW_LEFT),
    (t.IRIS_RIGHT, t.IRIS_LEFT),
)
NOSE_LINES = ((168, 6, 197, 195, 5, 4, 1, 2), (64, 98, 2, 327, 294), (48, 64), (278, 294))


def draw_maps(landmarks: NDArray[np.float32], side: int = MAP_SIDE) -> NDArray[np.uint8]:
    """Draw one face.

    Args:
        landmarks: (478, 2) in 0..1 of the crop.
        side: side of the maps in pixels.

    Returns:
        (8, side, side) uint8: face oval, lips with mouth, inner mouth, right eye, left eye, brows, irises, nose lines.
    """
    # pixel centres of the crop lie at +0.5; cv2 puts integer coordinates at centres
    points = np.round((np.clip(landmarks, -1, 2) * side - 0.5) * (1 << _SHIFT)).astype(np.int32)
    maps = np.zeros((MAP_CHANNELS, side, side), np.uint8)
    for layer, rings in zip(maps, FILLED, strict=False):
        for ring in rings:
            cv2.fillPoly(layer, [points[list(ring)]], 255, cv2.LINE_AA, _SHIFT)
    cv2.polylines(
        maps[-1], [points[list(line)] for line in NOSE_LINES], False, 255, 1, cv2.LINE_AA, _SHIFT
    )
    return maps
