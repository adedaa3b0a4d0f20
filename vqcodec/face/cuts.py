"""Cuts: where one shot ends and the next begins.

Thresholds were set on 150 single-shot clips sampled at 8-12 frames a second (largest step between neighbours: .185)
and on 3,000 pairs of frames of different clips (smallest 1 %: .13 and .30).
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from vqcodec.runtime.opencv import cv2

THUMB_PX = 32
STEP_MIN = 0.12
HISTOGRAM_MIN = 0.30
USUAL_RATIO = 3.0
USUAL_STEPS = 12
JUMP_STEP_MIN = 0.05
JUMP_SHARE = 0.25
JUMP_SIZE_RATIO = 1.25
JUMP_WITHIN_S = Fraction(1, 5)


def _thumbnail(rgb: NDArray[np.uint8]) -> NDArray[np.int16]:
    # every n-th pixel first: area averaging of a large picture costs more than the rest of the crop stage
    stride = max(min(rgb.shape[:2]) // 256, 1)
    small = np.ascontiguousarray(rgb[::stride, ::stride])
    return cv2.resize(small, (THUMB_PX, THUMB_PX), interpolation=cv2.INTER_AREA).astype(np.int16)


def _histograms(thumb: NDArray[np.int16]) -> NDArray[np.float64]:
    """Colour histograms, (4, 64): four quadrants, two bits per channel."""
    bins = (thumb >> 6) @ np.array([16, 4, 1], np.int16)
    half = THUMB_PX // 2
    quadrants = (bins[y : y + half, x : x + half].ravel() for y in (0, half) for x in (0, half))
    return np.stack([np.bincount(q, minlength=64) for q in quadrants]) / half**2


class CutDetector:
    """Compares each frame with the one before.

    Attributes:
        step: mean absolute difference, 0..1, of the last frame's thumbnail from the one before it.
    """

    def __init__(self) -> None:
        self.step = 0.0
        self._thumb: NDArray[np.int16] | None = None
        self._histogram = np.zeros((4, 64))
        self._usual = 0.0

    def is_cut(self, rgb: NDArray[np.uint8]) -> bool:
        """Take the next frame, (H, W, 3) uint8; true when it begins a new shot (never for the first frame).

        A cut changes both the picture (mean difference) and its colours place by place (histograms), and stands out
        from the differences of the frames before it: a fast gesture or a hand-held camera does not.
        """
        thumb = _thumbnail(rgb)
        histogram = _histograms(thumb)
        last, self._thumb = self._thumb, thumb
        change = float(np.abs(histogram - self._histogram).sum()) / 8
        self._histogram = histogram
        if last is None:
            return False
        self.step = float(np.abs(thumb - last).mean()) / 255
        cut = (
            self.step > STEP_MIN
            and change > HISTOGRAM_MIN
            and self.step > USUAL_RATIO * self._usual
        )
        if not cut:
            self._usual += (self.step - self._usual) / USUAL_STEPS
        return cut


def is_jump(
    box: NDArray[np.float64], last: NDArray[np.float64], gap_s: Fraction, step: float
) -> bool:
    """True when a face moved between two frames as no head does: a cut within one scene (a jump cut).

    Args:
        box: `face_box` now.
        last: `face_box` when the face was last seen.
        gap_s: time between them.
        step: CutDetector.step; a landmark glitch on an unchanged picture is no cut.
    """
    if step < JUMP_STEP_MIN or gap_s > JUMP_WITHIN_S:
        return False
    ratio = float(box[3] / max(last[3], 1e-6))
    moved = float(np.hypot(*(box[:2] - last[:2]))) / max(float(last[3]), 1e-6)
    return moved > JUMP_SHARE or not 1 / JUMP_SIZE_RATIO < ratio < JUMP_SIZE_RATIO
