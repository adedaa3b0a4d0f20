"""Which frame becomes the portrait, and when it no longer serves."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from vqcodec.face.crop import face_box
from vqcodec.geometry.mesh import SKULL
from vqcodec.geometry.openings import (
    OPEN_EYE_RATIO,
    OPEN_SHARE,
    lid_gap_per_eye_width,
    lip_gap_per_mouth_width,
)
from vqcodec.runtime.opencv import cv2

Points = NDArray[np.float32]

REFRESH_DISTANCE = 0.28
"""Ordinary clips stay for two seconds at .25 at most (95 % of 474 single-shot clips, from their first frame)."""
REFRESH_SCALE = 1.7
REFRESH_AFTER_S = Fraction(2)
REFRESH_GAP_S = Fraction(5)


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


def portrait_score(square: NDArray[np.uint8], points: Points) -> float:
    """How well a frame would serve as portrait; higher is better, comparable within one shot only.

    Open eyes count most (a portrait with shut eyes has no irises to show), then a closed mouth, then sharpness: half a
    nat of it, which is plain motion blur, weighs like a mouth opened by a third.
    """
    eyes = min(lid_gap_per_eye_width(points) / OPEN_EYE_RATIO, 1.0)
    return (
        3.0 * eyes
        - 1.2 * min(lip_gap_per_mouth_width(points), 0.5)
        + 0.8 * sharpness(square, points)
    )


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


class RefreshWatch:
    """Says when a key frame should be replaced within a shot: the head has been turned far away from it for a while.

    A part of PortraitWatch (face/mismatch.py), which looks at more.

    Refreshing costs a portrait (8 kB is ten seconds of motion), so the least time between two doubles with each.
    """

    def __init__(self) -> None:
        self._portrait: Points | None = None
        self._since_s: Fraction | None = None
        self._key_s = Fraction(0)
        self._gap_s = REFRESH_GAP_S

    def start(self, portrait: Points, time_s: Fraction, *, new_shot: bool) -> None:
        """A key frame with these landmarks, (478, 2), holds from now on."""
        self._portrait, self._key_s, self._since_s = portrait, time_s, None
        self._gap_s = REFRESH_GAP_S if new_shot else self._gap_s * 2

    def is_due(self, points: Points, time_s: Fraction) -> bool:
        """Take the next frame's landmarks; true when this frame should become the new key frame."""
        if self._portrait is None:
            return False
        distance, scale = pose_distance(self._portrait, points)
        if distance < REFRESH_DISTANCE and scale < REFRESH_SCALE:
            self._since_s = None
            return False
        if self._since_s is None:
            self._since_s = time_s
        return (
            time_s - self._since_s >= REFRESH_AFTER_S
            and time_s - self._key_s >= self._gap_s
            and lid_gap_per_eye_width(points) >= OPEN_SHARE * OPEN_EYE_RATIO
        )
