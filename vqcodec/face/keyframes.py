"""How sharp a face is, and how far a head has turned: what makes a frame a good portrait of others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqcodec.face.crop import face_box
from vqcodec.geometry.mesh import SKULL
from vqcodec.runtime.opencv import cv2

Points = NDArray[np.float32]


def sharpness(square: NDArray[np.uint8], points: Points) -> float:
    """Logarithm of the variance of the Laplacian over the face.

    Args:
        square: (S, S, 3) uint8.
        points: (478, 2) landmarks in 0..1 of it.
    """
    side = square.shape[0]
    x, y, width, height = face_box(points) * side
    left, top = max(int(x - width / 2), 0), max(int(y - height / 2), 0)
    face = square[top : max(int(y + height / 2), top + 8), left : max(int(x + width / 2), left + 8)]
    if face.size == 0:
        return 0.0
    return float(np.log1p(cv2.Laplacian(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), cv2.CV_32F).var()))


def pose_distance(portrait: Points, points: Points) -> tuple[float, float]:
    """How far the head has turned since the portrait, and how much larger or smaller it is.

    Turning in the picture plane, moving and scaling are undone (the renderer's warp does these well); what is left of
    the rigid points is out-of-plane rotation, which uncovers skin that the portrait doesn't show.

    Returns:
        RMS residual over the size of the point set, and the scale ratio, >= 1.
    """
    a = portrait[list(SKULL)].astype(np.float64)
    b = points[list(SKULL)].astype(np.float64)
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    size_a, size_b = np.sqrt((a**2).sum()), np.sqrt((b**2).sum())
    if min(size_a, size_b) < 1e-9:
        return 0.0, 1.0
    # the best similarity between two centred point sets, as complex numbers: its modulus is their correlation
    match = abs(np.vdot(a[:, 0] + 1j * a[:, 1], b[:, 0] + 1j * b[:, 1])) / (size_a * size_b)
    return float(np.sqrt(max(1 - match**2, 0.0))), float(max(size_a, size_b) / min(size_a, size_b))
