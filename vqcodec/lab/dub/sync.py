"""Do the lips of a dub move as the real ones did? From landmarks alone, with or without rendering.

    lip_corr        correlation over time of the lips' opening with the real clip's (metrics/lipsync.py), at no lag
    lip_best        the same at the lag where it is highest
    lip_within      the same at the best lag of at most 80 ms either way
    lip_lag_ms      lag of lip_best, positive when the dub is late
    opening_ratio   standard deviation of the dub's opening over the real one's: 1 opens the mouth as far
    lmd, lmd_mouth  landmark distances, mean over frames, in eye distances

Where the real lips move and the dub's never do, or show no face, the correlation is 0, not unknown: leaving such clips out
would flatter.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vqcodec.evaluation.metrics.landmarks import landmark_distance
from vqcodec.evaluation.metrics.lipsync import lip_correlation, opening_track
from vqcodec.evaluation.validate.record import mean_of
from vqcodec.format import from_indices
from vqcodec.geometry.basis import LandmarkBasis, read_basis
from vqcodec.geometry.mesh import LIPS
from vqcodec.geometry.openings import MIN_CORRELATED_FRAMES
from vqcodec.lab.dub.clips import FRAME_RATE_HZ
from vqcodec.models import store
from vqcodec.quantize.grfsq import dequantize

LIP_FIGURES = ("lip_corr", "lip_within", "lip_best", "lip_lag_ms", "opening_ratio")
WITHIN_MS = 80

Points = NDArray[np.float32]
Figures = dict[str, float]


class DubPortrait(Protocol):
    """What is needed of a portrait (vqcodec.geometry.portrait.PortraitFacts)."""

    @property
    def features(self) -> NDArray[np.float32]:
        """(48,) its own motion features."""
        ...


@lru_cache(maxsize=1)
def shipped_basis() -> LandmarkBasis:
    """Landmarks of the motion space of generated motion, without its network."""
    return read_basis(store.plain_motion_space().path)


def lip_sync(reference: Sequence[Points | None], shown: Sequence[Points | None]) -> Figures:
    """LIP_FIGURES of landmarks, one entry per frame at 25 a second, None where no face is seen; in any unit.

    NaN where the real lips don't move, or are seen in fewer than 10 frames.
    """
    count = min(len(reference), len(shown))
    real, ours = opening_track(reference[:count]), opening_track(shown[:count])
    known = ~np.isnan(real)
    if known.sum() < MIN_CORRELATED_FRAMES or real[known].std() < 1e-9:
        return dict.fromkeys(LIP_FIGURES, float("nan"))
    sync, both = lip_correlation(real, ours, FRAME_RATE_HZ), known & ~np.isnan(ours)
    if np.isnan(sync.correlation):
        return dict.fromkeys(LIP_FIGURES, 0.0) | {"lip_lag_ms": float("nan")}
    near = lip_correlation(real, ours, FRAME_RATE_HZ, WITHIN_MS)
    return {
        "lip_corr": sync.correlation,
        "lip_within": near.best,
        "lip_best": sync.best,
        "lip_lag_ms": sync.lag_ms,
        "opening_ratio": float(ours[both].std() / real[both].std()),
    }


def distances(
    reference: Sequence[Points | None], shown: Sequence[Points | None], every: int = 1
) -> Figures:
    """Figures lmd and lmd_mouth, over every so many frames in which both show a face; NaN without any."""
    both = [
        (p, q)
        for p, q in zip(reference[::every], shown[::every], strict=False)
        if p is not None and q is not None
    ]
    return {
        "lmd": mean_of([landmark_distance(p, q) for p, q in both]),
        "lmd_mouth": mean_of([landmark_distance(p, q, LIPS) for p, q in both]),
    }


def seen_points(landmarks: NDArray[np.float32] | Sequence[Points | None]) -> list[Points | None]:
    """Landmarks per frame; a frame of NaN in an array counts as one without a face."""
    return [None if p is None or bool(np.isnan(p).any()) else p for p in landmarks]


def feature_sync(
    features: NDArray[np.float32],
    reference: NDArray[np.float32] | Sequence[Points | None],
    basis: LandmarkBasis,
) -> Figures:
    """All figures of this module for motion features, without rendering.

    Args:
        features: (T, 48) float32 f_t.
        reference: (T, 478, 2) real landmarks in 0..1 of the square, NaN or None where no face is seen.
        basis: landmarks of the motion space.
    """
    shown: list[Points | None] = list(basis.landmarks(features))
    real = seen_points(reference)
    return lip_sync(real, shown) | distances(real, shown)


def whole_units(motion: NDArray[np.integer]) -> NDArray[np.int16]:
    """(T, 48) whole units of the motion space, from those or from (T, 12, L) tokens."""
    return from_indices(motion) if motion.ndim == 3 else motion.astype(np.int16)


def motion_sync(
    tokens: NDArray[np.integer],
    portrait: DubPortrait,
    reference_landmarks: NDArray[np.float32] | Sequence[Points | None],
    basis: LandmarkBasis | None = None,
) -> Figures:
    """All figures of this module for generated tokens, without rendering: quick enough to watch a training by.

    Args:
        tokens: (T, 12, L) in 0..624 of f_t - f_s, or (T, 48) the same in whole units, as the generator gives it.
        portrait: its features f_s.
        reference_landmarks: (T, 478, 2) real landmarks in 0..1 of the square, NaN or None where no face is seen.
        basis: landmarks of the motion space; None for the shipped one.
    """
    basis = basis or shipped_basis()
    features = (portrait.features + dequantize(whole_units(tokens), basis.units)).astype(np.float32)
    return feature_sync(features, reference_landmarks, basis)
