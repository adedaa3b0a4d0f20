"""How badly a portrait serves a frame.

    frame --+-- landmarks: turned, larger, moved, mouth or eyes opened ---+
            +-- 64x64 luma: the face after aligning, the rest in place ---+--> mismatch
            +-- full size: a face that is sharper than the portrait's ----+

The weights were fitted on 336 pairs of a portrait and a frame of 56 recordings: the sum is about the perceptual distance
(evaluation/metrics/perceptual.py) that a portrait of the same quarter of a second would save (correlation .79, slope 1.05).
The mouth weighs more than that fit wants: it is small in the picture, but it is what people look at.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vqcodec.face.keyframes import Points, pose_distance, sharpness
from vqcodec.geometry.mesh import SKULL
from vqcodec.geometry.openings import lid_gap_per_eye_width, lip_gap_per_mouth_width
from vqcodec.runtime.opencv import cv2

THUMB_PX = 64
TURN_WEIGHT, SCALE_WEIGHT, SHIFT_WEIGHT = 0.7, 0.25, 0.6
MOUTH_WEIGHT, EYE_WEIGHT = 0.1, 0.1
SOFT_WEIGHT, SOFT_SLACK = 0.1, 0.2
"""A frame looks as soft as its portrait: so much for each unit of `face.keyframes.sharpness` that the portrait lacks beyond
the slack, which is what focus and noise change from frame to frame. 110 pairs of 11 recordings want .043."""
FACE_WEIGHT, SURROUNDINGS_WEIGHT = 0.5, 1.0
LIGHT_WEIGHT, LIGHT_SLACK = 0.5, 0.04
"""The face's mean brightness, which no motion changes: a fade, a lamp. Below the slack it is a camera's exposure."""
HALO_PX = 5


@dataclass(frozen=True, slots=True)
class Look:
    """What is compared of a frame.

    Attributes:
        points: (478, 2) landmarks in 0..1 of the square.
        luma: (64, 64) float32, 0..1.
        mouth: `lip_gap_per_mouth_width`.
        eyes: `lid_gap_per_eye_width`.
        sharp: `sharpness` of the face.
    """

    points: Points
    luma: NDArray[np.float32]
    mouth: float
    eyes: float
    sharp: float

    @classmethod
    def at(cls, square: NDArray[np.uint8], points: Points) -> Look:
        """Measure a frame: its (S, S, 3) uint8 square and (478, 2) landmarks in 0..1 of it."""
        small = cv2.resize(square, (THUMB_PX, THUMB_PX), interpolation=cv2.INTER_AREA)
        luma = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32) / np.float32(255)
        return cls(
            points,
            luma,
            lip_gap_per_mouth_width(points),
            lid_gap_per_eye_width(points),
            sharpness(square, points),
        )


def _aligning(source: Points, target: Points) -> NDArray[np.float64]:
    """(2, 3) the similarity that brings the rigid points of `source` nearest to those of `target`, in thumbnail pixels."""
    a, b = (points[list(SKULL)].astype(np.float64) * THUMB_PX - 0.5 for points in (source, target))
    from_, to = (x[:, 0] + 1j * x[:, 1] for x in (a, b))
    centred = from_ - from_.mean()
    turn = np.vdot(centred, to - to.mean()) / max(np.vdot(centred, centred).real, 1e-9)
    shift = to.mean() - turn * from_.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def face_mask(points: Points) -> NDArray[np.uint8]:
    """(64, 64) uint8, 1 inside the outline of (478, 2) landmarks in 0..1."""
    mask = np.zeros((THUMB_PX, THUMB_PX), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.rint(points * THUMB_PX).astype(np.int32)), 1)
    return mask


def picture_difference(portrait: Look, frame: Look) -> tuple[float, float]:
    """Mean absolute difference, 0..1, of the aligned faces without their mean brightness, and of what lies around them."""
    _, face, around = _picture_terms(portrait, frame)
    return face, around


def light_and_surroundings(portrait: Look, frame: Look) -> tuple[float, float]:
    """Difference of the aligned faces' mean brightness, and mean absolute difference of what lies around them, 0..1."""
    light, _, around = _picture_terms(portrait, frame)
    return light, around


def _picture_terms(portrait: Look, frame: Look) -> tuple[float, float, float]:
    """Difference of the aligned faces' mean brightness, 0..1, and `picture_difference`."""
    face, around = _differences(portrait, frame)
    light = face.mean() if face.size else np.float32(0)
    return (
        abs(float(light)),
        float(np.abs(face - light).mean()) if face.size else 0.0,
        float(np.abs(around).mean()) if around.size else 0.0,
    )


def _differences(portrait: Look, frame: Look) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Pixels of the frame less those of the portrait: of the aligned faces, and of what lies around."""
    now, then = face_mask(frame.points), face_mask(portrait.points)
    moved = cv2.warpAffine(
        portrait.luma,
        _aligning(portrait.points, frame.points),
        (THUMB_PX, THUMB_PX),
        borderMode=cv2.BORDER_REPLICATE,
    )
    away = cv2.dilate(now | then, np.ones((HALO_PX, HALO_PX), np.uint8)) == 0
    return (frame.luma - moved)[now > 0], (frame.luma - portrait.luma)[away]


def mismatch(portrait: Look, frame: Look) -> float:
    """How badly a portrait serves a frame: about the perceptual distance that another one would save, >= 0."""
    turn, scale = pose_distance(portrait.points, frame.points)
    shift = float(np.hypot(*(frame.points.mean(axis=0) - portrait.points.mean(axis=0))))
    light, face, around = _picture_terms(portrait, frame)
    return (
        TURN_WEIGHT * turn
        + SCALE_WEIGHT * float(np.log(scale))
        + SHIFT_WEIGHT * shift
        + MOUTH_WEIGHT * max(frame.mouth - portrait.mouth, 0.0)
        + EYE_WEIGHT * max(frame.eyes - portrait.eyes, 0.0)
        + SOFT_WEIGHT * max(frame.sharp - portrait.sharp - SOFT_SLACK, 0.0)
        + FACE_WEIGHT * face
        + SURROUNDINGS_WEIGHT * around
        + LIGHT_WEIGHT * max(light - LIGHT_SLACK, 0.0)
    )
