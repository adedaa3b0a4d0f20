"""Lids and lips that shut as far as they are told.

A network that expects the likeliest motion follows a blink half way, most of all on wide eyes, and leaves some mouths ajar in
silence. What was made is therefore measured, and where an eye or a mouth is further open than wanted it is shut along the
way its own contours would go, as far as the motion space can say it.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vqcodec.format import REACH
from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.geometry.controls import HeadShape
from vqcodec.geometry.layout import LANDMARK_DIMS
from vqcodec.geometry.mesh import (
    EYE_LEFT,
    EYE_RIGHT,
    FOLD_LEFT,
    FOLD_RIGHT,
    LIPS_INNER,
    LIPS_OUTER,
    MOUTH_CORNERS,
)
from vqcodec.geometry.openings import (
    LIDS_OPEN,
    LIDS_SHUT,
    SHUT_LIPS,
    lip_gap_per_eye_distance,
    upright_lid_gap_per_eye_width,
)

# upper and lower contour from the outer to the inner corner; the fold above; the picture's left eye first
_LIDS = (
    (EYE_RIGHT[:8:-1], EYE_RIGHT[1:8], FOLD_RIGHT),
    (EYE_LEFT[:8:-1], EYE_LEFT[1:8], FOLD_LEFT),
)
_UPPER_LID, _LOWER_LID, _FOLD = 0.85, -0.15, 0.3
# inner contour of the lips, upper and lower, without the corners; the outer one below
_LIPS = (LIPS_INNER[:10:-1], LIPS_INNER[1:10])
_LOWER_LIP = LIPS_OUTER[1:10]
_JAW = 0.8
# lids may be so much wider than told, less and less up to this blink
_SLACK, _BLINKING = 0.3, 0.25
_ROUNDS, _LEAST_EFFECT, _LARGEST_STEP = 3, 0.1, 2.0

Floats = NDArray[np.float32]


class _Aperture(Protocol):
    """Something that opens and shuts."""

    def opening(self, points: Floats) -> Floats:
        """(T, 478, 2) -> (T,)."""
        ...

    def closing(self, points: Floats) -> Floats:
        """(T, 478, 2) -> (T, 478, 2) the way of each landmark until it is shut."""
        ...


class Lids:
    """Both eyes. Opening: `upright_lid_gap_per_eye_width`.

    Args:
        shape: the mean head.
    """

    def __init__(self, shape: HeadShape) -> None:
        self._shape = shape

    def opening(self, points: Floats) -> Floats:
        """See _Aperture."""
        return upright_lid_gap_per_eye_width(points, self._shape)

    def closing(self, points: Floats) -> Floats:
        """See _Aperture."""
        way = np.zeros_like(points)
        for upper, lower, fold in _LIDS:
            gap = points[:, lower] - points[:, upper]
            way[:, upper], way[:, lower], way[:, fold] = (
                _UPPER_LID * gap,
                _LOWER_LID * gap,
                _FOLD * gap,
            )
        return way

    def most(self, blink: Floats, rest: float) -> Floats:
        """How far lids may be open at a blink of 0 open .. 1 shut, for a portrait whose own are `rest` apart.

        What is no blink says little, since a wide eye and a wider one are both at 0: there the bound is loose.
        """
        wide, shut = max(rest, LIDS_OPEN), np.clip(blink, 0, 1)
        slack = _SLACK * np.clip(1 - shut / _BLINKING, 0, 1)
        return np.asarray(wide + (LIDS_SHUT - wide) * shut + slack, np.float32)


class Lips:
    """The mouth. Opening: `lip_gap_per_eye_distance`.

    Args:
        shape: the mean head.
    """

    def __init__(self, shape: HeadShape) -> None:
        x, y = shape.points[:, 0], shape.points[:, 1]
        half = float(np.abs(x[list(MOUTH_CORNERS)]).mean())
        jaw = np.exp(-((x / half) ** 2)) * (y > float(y[list(_LOWER_LIP)].max()))
        self._share = (_JAW * jaw).astype(np.float32)[:, None]

    def opening(self, points: Floats) -> Floats:
        """See _Aperture."""
        return np.asarray(lip_gap_per_eye_distance(points), np.float32)

    @staticmethod
    def most(opening: Floats, closing: Floats) -> Floats:
        """How far lips may be open that are `closing` of their way to each other, 0 as they were .. 1 shut."""
        return np.asarray(opening + closing * (SHUT_LIPS - opening), np.float32)

    def closing(self, points: Floats) -> Floats:
        """See _Aperture."""
        upper, lower = (list(row) for row in _LIPS)
        gap = points[:, upper] - points[:, lower]
        way: Floats = self._share * gap[:, len(upper) // 2][:, None]
        way[:, lower], way[:, list(_LOWER_LIP)] = _JAW * gap, _JAW * gap
        way[:, upper] = (_JAW - 1) * gap
        return way


class Closer:
    """Shuts an aperture of made motion.

    Args:
        basis: of the motion space.
        aperture: what is shut.
    """

    def __init__(self, basis: LandmarkBasis, aperture: _Aperture) -> None:
        self._basis, self._aperture = basis, aperture

    def __call__(self, values: Floats, portrait: Floats, most: Floats) -> Floats:
        """Motion whose aperture is at most so wide, or nearly so.

        Args:
            values: (T, 48) units.
            portrait: (48,) features f_s.
            most: (T,) how wide it may be, in the aperture's own measure.

        Returns:
            (T, 48) units, at most 170; frames that are shut enough are as they were.
        """
        out = values.copy()
        units = self._basis.units
        for _ in range(_ROUNDS):
            features = (portrait + out * units).astype(np.float32)
            opening = self._aperture.opening(self._basis.landmarks(features))
            wide = np.flatnonzero(opening > most + 1e-3)
            if not len(wide):
                break
            points = self._basis.landmarks(features[wide])
            way = self._basis.project(
                points + self._aperture.closing(points)
            ) - self._basis.project(points)
            gone = features[wide]
            gone[:, :LANDMARK_DIMS] += way
            effect = opening[wide] - self._aperture.opening(self._basis.landmarks(gone))
            step = (opening[wide] - most[wide]) / np.maximum(effect, _LEAST_EFFECT * opening[wide])
            out[wide, :LANDMARK_DIMS] += (
                np.clip(step, 0, _LARGEST_STEP)[:, None] * way / units[:LANDMARK_DIMS]
            )
            out = np.clip(out, -REACH, REACH)
        return out.astype(np.float32)
