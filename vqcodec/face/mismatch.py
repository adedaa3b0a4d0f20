"""How badly a portrait serves a frame, and when the shot should get another one.

    frame --+-- landmarks: turned, larger, moved, mouth or eyes opened ---+
            +-- 64x64 luma: the face after aligning, the rest in place ---+--> mismatch --> due, when high for a while

The weights were fitted on 336 pairs of a portrait and a frame of 56 recordings: the sum is about the perceptual distance
(evaluation/metrics/perceptual.py) that a portrait of the same quarter of a second would save (correlation .79, slope 1.05).
The mouth weighs more than that fit wants: it is small in the picture, but it is what people look at.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from vqcodec.config import Refs
from vqcodec.face.keyframes import (
    Points,
    RefreshWatch,
    pose_distance,
)
from vqcodec.geometry.mesh import SKULL
from vqcodec.geometry.openings import (
    OPEN_EYE_RATIO,
    OPEN_SHARE,
    lid_gap_per_eye_width,
    lip_gap_per_mouth_width,
)
from vqcodec.runtime.opencv import cv2

THUMB_PX = 64
TURN_WEIGHT, SCALE_WEIGHT, SHIFT_WEIGHT = 0.7, 0.25, 0.6
MOUTH_WEIGHT, EYE_WEIGHT = 0.1, 0.1
FACE_WEIGHT, SURROUNDINGS_WEIGHT = 0.5, 1.0
_HALO_PX = 5

AFTER_S = Fraction(2, 5)
GAP_S = Fraction(1)
LEVEL_FULL, LEVEL_STEP, LEVEL_MIN = 0.28, 0.03, 0.15
"""A fresh portrait, a quarter of a second away, has .06 (median) to .15 (of ten frames, one has more)."""

PAST_S = Fraction(8)
PAST_STEP_S = Fraction(1, 2)
LEAST_GAIN = 0.05
"""There is no way back to a portrait but to send it again: one that serves a passing pose only does harm afterwards."""

FAST_LEVEL = 0.5
"""Of 336 frames of ordinary recordings with any portrait of theirs, three in a hundred are worse."""
FAST_AFTER_S = Fraction(1, 2)
FAST_GAP_S = Fraction(5, 2)


@dataclass(frozen=True, slots=True)
class Look:
    """What is compared of a frame.

    Attributes:
        points: (478, 2) landmarks in 0..1 of the square.
        luma: (64, 64) float32, 0..1.
        mouth: `lip_gap_per_mouth_width`.
        eyes: `lid_gap_per_eye_width`.
    """

    points: Points
    luma: NDArray[np.float32]
    mouth: float
    eyes: float

    @classmethod
    def at(cls, square: NDArray[np.uint8], points: Points) -> Look:
        """Measure a frame: its (S, S, 3) uint8 square and (478, 2) landmarks in 0..1 of it."""
        small = cv2.resize(square, (THUMB_PX, THUMB_PX), interpolation=cv2.INTER_AREA)
        luma = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32) / np.float32(255)
        return cls(points, luma, lip_gap_per_mouth_width(points), lid_gap_per_eye_width(points))


def _aligning(source: Points, target: Points) -> NDArray[np.float64]:
    """(2, 3) the similarity that brings the rigid points of `source` nearest to those of `target`, in thumbnail pixels."""
    a, b = (points[list(SKULL)].astype(np.float64) * THUMB_PX - 0.5 for points in (source, target))
    from_, to = (x[:, 0] + 1j * x[:, 1] for x in (a, b))
    centred = from_ - from_.mean()
    turn = np.vdot(centred, to - to.mean()) / max(np.vdot(centred, centred).real, 1e-9)
    shift = to.mean() - turn * from_.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def _face_mask(points: Points) -> NDArray[np.uint8]:
    mask = np.zeros((THUMB_PX, THUMB_PX), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.rint(points * THUMB_PX).astype(np.int32)), 1)
    return mask


def picture_difference(portrait: Look, frame: Look) -> tuple[float, float]:
    """Mean absolute difference, 0..1, of the aligned faces without their mean brightness, and of what lies around them."""
    now, then = _face_mask(frame.points), _face_mask(portrait.points)
    moved = cv2.warpAffine(
        portrait.luma,
        _aligning(portrait.points, frame.points),
        (THUMB_PX, THUMB_PX),
        borderMode=cv2.BORDER_REPLICATE,
    )
    face = (frame.luma - moved)[now > 0]
    around = (frame.luma - portrait.luma)[
        cv2.dilate(now | then, np.ones((_HALO_PX, _HALO_PX), np.uint8)) == 0
    ]
    return (
        float(np.abs(face - face.mean()).mean()) if face.size else 0.0,
        float(np.abs(around).mean()) if around.size else 0.0,
    )


def mismatch(portrait: Look, frame: Look) -> float:
    """How badly a portrait serves a frame: about the perceptual distance that another one would save, >= 0."""
    turn, scale = pose_distance(portrait.points, frame.points)
    shift = float(np.hypot(*(frame.points.mean(axis=0) - portrait.points.mean(axis=0))))
    face, around = picture_difference(portrait, frame)
    return (
        TURN_WEIGHT * turn
        + SCALE_WEIGHT * float(np.log(scale))
        + SHIFT_WEIGHT * shift
        + MOUTH_WEIGHT * max(frame.mouth - portrait.mouth, 0.0)
        + EYE_WEIGHT * max(frame.eyes - portrait.eyes, 0.0)
        + FACE_WEIGHT * face
        + SURROUNDINGS_WEIGHT * around
    )


def level_with(left: int) -> float:
    """The mismatch that is worth a portrait while so many may still be spent in the shot: the last ones are dearer."""
    return max(LEVEL_FULL - LEVEL_STEP * left, LEVEL_MIN)


def past_with(left: int) -> Fraction:
    """Seconds of the past that a new portrait must have served better, while so many may still be spent in the shot."""
    return PAST_S / left**2


class PortraitWatch:
    """Says when a shot should get another portrait.

    The one in force has served badly for a while, and a new one would have served the last seconds better: the fewer are
    left, the more of them.

    Args:
        refs: portraits per shot: a number, or "auto": those of RefreshWatch, and where the portrait serves very badly.
    """

    def __init__(self, refs: Refs) -> None:
        self._refs = refs
        self._turned = RefreshWatch()
        self._portrait: Look | None = None
        self._used = 0
        self._key_s = Fraction(0)
        self._since_s: Fraction | None = None
        self._past: deque[tuple[Fraction, Look]] = deque(maxlen=int(PAST_S / PAST_STEP_S))

    def start(
        self, square: NDArray[np.uint8], points: Points, time_s: Fraction, *, new_shot: bool
    ) -> None:
        """A portrait, (S, S, 3) uint8 with (478, 2) landmarks in 0..1, holds from now on."""
        self._portrait, self._key_s, self._since_s = Look.at(square, points), time_s, None
        self._used = 1 if new_shot else self._used + 1
        if new_shot:
            self._past.clear()
        self._turned.start(points, time_s, new_shot=new_shot)

    def is_due(self, square: NDArray[np.uint8], points: Points, time_s: Fraction) -> bool:
        """Take the next frame; true when the portrait should be replaced now, or as soon as a good frame comes."""
        if self._portrait is None or self._used == self._refs:
            return False
        look = Look.at(square, points)
        if not self._past or time_s - self._past[-1][0] >= PAST_STEP_S:
            self._past.append((time_s, look))
        if self._refs == "auto":
            fast_gap_s = FAST_GAP_S * 2 ** (self._used - 1)
            bad = self._is_bad(look, time_s, FAST_LEVEL, FAST_AFTER_S, fast_gap_s)
            return self._turned.is_due(points, time_s) or (
                bad and self._pays(look, time_s - PAST_S)
            )
        left = self._refs - self._used
        return self._is_bad(look, time_s, level_with(left), AFTER_S, GAP_S) and self._pays(
            look, time_s - past_with(left)
        )

    def _pays(self, look: Look, from_s: Fraction) -> bool:
        """Whether this frame would have been the better portrait of those since a time, itself included."""
        assert self._portrait is not None
        shown = [past for time_s, past in self._past if time_s >= from_s] + [look]
        gain = sum(mismatch(self._portrait, past) - mismatch(look, past) for past in shown) / len(
            shown
        )
        return bool(gain >= LEAST_GAIN)

    def _is_bad(
        self, look: Look, time_s: Fraction, level: float, after_s: Fraction, gap_s: Fraction
    ) -> bool:
        assert self._portrait is not None
        if mismatch(self._portrait, look) < level:
            self._since_s = None
            return False
        self._since_s = time_s if self._since_s is None else self._since_s
        return (
            time_s - self._since_s >= after_s
            and time_s - self._key_s >= gap_s
            and look.eyes >= OPEN_SHARE * OPEN_EYE_RATIO
        )
