"""How badly each of many portraits would serve each of many frames: `face.mismatch` for all pairs at once.

The same sum of the same terms; what depends on one picture alone is computed once, and what depends on landmarks alone is a
product of matrices. A minute of 500 frames and 300 portraits takes some five seconds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vqcodec.face.mismatch import (
    EYE_WEIGHT,
    FACE_WEIGHT,
    HALO_PX,
    LIGHT_SLACK,
    LIGHT_WEIGHT,
    MOUTH_WEIGHT,
    SCALE_WEIGHT,
    SHIFT_WEIGHT,
    SOFT_SLACK,
    SOFT_WEIGHT,
    SURROUNDINGS_WEIGHT,
    THUMB_PX,
    TURN_WEIGHT,
    Look,
    face_mask,
)
from vqcodec.geometry.mesh import SKULL
from vqcodec.runtime.opencv import cv2

Floats = NDArray[np.float64]


def serving_costs(portraits: Sequence[Look], frames: Sequence[Look]) -> NDArray[np.float32]:
    """`mismatch` of every portrait with every frame.

    Args:
        portraits: C of them.
        frames: R of them.

    Returns:
        (R, C) float32, about the perceptual distance that a portrait of the frame itself would save, >= 0.
    """
    if not portraits or not frames:
        return np.zeros((len(frames), len(portraits)), np.float32)
    a, b = (np.stack([_rigid(look) for look in looks]) for looks in (portraits, frames))
    costs = _landmark_terms(a, b, portraits, frames)
    masks = [[_masks(look) for look in looks] for looks in (portraits, frames)]
    turns, shifts = _alignments(a, b)
    for c, portrait in enumerate(portraits):
        around_c = masks[0][c][1]
        for r, frame in enumerate(frames):
            face, around_r = masks[1][r]
            turn, shift = turns[r, c], shifts[r, c]
            matrix = np.array(
                [[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]]
            )
            costs[r, c] += _picture_terms(portrait, frame, matrix, face, around_c & around_r)
    return costs.astype(np.float32)


def _rigid(look: Look) -> NDArray[np.complex128]:
    points = look.points[list(SKULL)].astype(np.float64)
    return np.asarray(points[:, 0] + 1j * points[:, 1])


def _landmark_terms(
    a: NDArray[np.complex128],
    b: NDArray[np.complex128],
    portraits: Sequence[Look],
    frames: Sequence[Look],
) -> Floats:
    a, b = a - a.mean(1, keepdims=True), b - b.mean(1, keepdims=True)
    size_a, size_b = (np.sqrt((np.abs(x) ** 2).sum(1)).clip(1e-9) for x in (a, b))
    match = np.abs(b @ a.conj().T) / np.outer(size_b, size_a)
    turn = np.sqrt((1 - match**2).clip(0))
    scale = np.abs(np.log(size_b[:, None] / size_a[None]))
    centre_a, centre_b = (
        np.array([look.points.mean(axis=0) for look in looks]) for looks in (portraits, frames)
    )
    shift = np.linalg.norm(centre_b[:, None] - centre_a[None], axis=-1)
    mouth, eyes, sharp = (
        np.array([[getattr(f, name) - getattr(p, name) for p in portraits] for f in frames])
        for name in ("mouth", "eyes", "sharp")
    )
    return np.asarray(
        TURN_WEIGHT * turn
        + SCALE_WEIGHT * scale
        + SHIFT_WEIGHT * shift
        + MOUTH_WEIGHT * mouth.clip(0)
        + EYE_WEIGHT * eyes.clip(0)
        + SOFT_WEIGHT * (sharp - SOFT_SLACK).clip(0),
        np.float64,
    )


def _alignments(
    a: NDArray[np.complex128], b: NDArray[np.complex128]
) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """(R, C) turn and shift of the similarities from each portrait to each frame, in thumbnail pixels."""
    a, b = a * THUMB_PX - 0.5 * (1 + 1j), b * THUMB_PX - 0.5 * (1 + 1j)
    mean_a, mean_b = a.mean(1), b.mean(1)
    centred_a, centred_b = a - mean_a[:, None], b - mean_b[:, None]
    energy = (np.abs(centred_a) ** 2).sum(1).clip(1e-9)
    turns = (centred_b @ centred_a.conj().T) / energy[None]
    return turns, mean_b[:, None] - turns * mean_a[None]


def _masks(look: Look) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """(64, 64) 255 on the face, and 255 away from it."""
    face = face_mask(look.points)
    near = cv2.dilate(face, np.ones((HALO_PX, HALO_PX), np.uint8))
    return np.asarray(face * 255, np.uint8), np.asarray((near == 0) * 255, np.uint8)


def _picture_terms(
    portrait: Look,
    frame: Look,
    matrix: Floats,
    face: NDArray[np.uint8],
    around: NDArray[np.uint8],
) -> float:
    size = (THUMB_PX, THUMB_PX)
    moved = cv2.warpAffine(portrait.luma, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    difference = cv2.subtract(frame.luma, moved)
    offset = cv2.mean(difference, face)[0]
    inside = cv2.mean(np.abs(difference - np.float32(offset)), face)[0]
    outside = cv2.mean(cv2.absdiff(frame.luma, portrait.luma), around)[0]
    light = max(abs(offset) - LIGHT_SLACK, 0.0)
    return float(FACE_WEIGHT * inside + SURROUNDINGS_WEIGHT * outside + LIGHT_WEIGHT * light)
