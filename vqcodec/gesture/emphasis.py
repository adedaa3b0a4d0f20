"""Lips that open as far as real ones: what a network thinks likeliest moves less than what people do.

The likeliest or expected motion is an average over all ways to say the same; it keeps time and loses size. The lower face's
motion about its closed state is therefore enlarged by one number, fitted so that openings of held-out training clips spread
as real ones do (vqcodec.training.generator.lip_gain). Where lips rest (speech.rest) it is lessened instead, down to nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqcodec.format import REACH
from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.geometry.controls import HeadShape
from vqcodec.geometry.layout import LANDMARK_DIMS
from vqcodec.geometry.mesh import INNER_LIPS
from vqcodec.geometry.openings import lip_gap

CLOSED_SHARE = 0.2
"""Of the frames of a window, those with the smallest openings: their mean is the closed state."""

Floats = NDArray[np.float32]


def lower_face(shape: HeadShape) -> Floats:
    """(478, 1) share of each landmark that moves with jaw and lips: 0 from the nose up, 1 at the lips."""
    down = shape.points[:, 1] - shape.points[1, 1]
    mouth = float(shape.points[list(INNER_LIPS), 1].mean() - shape.points[1, 1])
    return np.asarray(np.clip(down / (0.7 * mouth), 0, 1)[:, None], np.float32)


class LipEmphasis:
    """Enlarges the motion of the lower face.

    Args:
        basis: of the motion space.
        shape: the mean head.
    """

    def __init__(self, basis: LandmarkBasis, shape: HeadShape) -> None:
        self._basis = basis
        self._lower = basis.part(lower_face(shape)[:, 0])

    def __call__(
        self, values: Floats, turned: Floats, portrait: Floats, gain: float | Floats
    ) -> Floats:
        """Motion with larger lip movements, or smaller ones.

        Args:
            values: (T, 48) units.
            turned: (T, 36) units, what the head's turn alone does (generate.inputs): it stays.
            portrait: (48,) features f_s.
            gain: of all frames, or (T,) of each: 1 changes nothing, 0 holds the closed state.

        Returns:
            (T, 48) units, at most 170.
        """
        if not len(values) or np.all(np.equal(gain, 1)):
            return values
        units = self._basis.units
        points = self._basis.landmarks((portrait + values * units).astype(np.float32))
        opening = lip_gap(points)
        own = (values[:, :LANDMARK_DIMS] - turned) * units[:LANDMARK_DIMS]
        closed = own[
            np.argsort(opening, kind="stable")[: max(round(CLOSED_SHARE * len(own)), 1)]
        ].mean(0)
        out = values.copy()
        more = np.broadcast_to(np.asarray(gain, np.float32) - 1, len(values))[:, None]
        out[:, :LANDMARK_DIMS] += more * ((own - closed) @ self._lower) / units[:LANDMARK_DIMS]
        return np.clip(out, -REACH, REACH).astype(np.float32)
