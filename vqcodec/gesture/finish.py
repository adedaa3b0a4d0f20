"""What is done to generated motion: a face that doesn't tremble, lips as large as real ones, shut when told, lids that blink."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.geometry.controls import Controls
from vqcodec.geometry.headpose import HeadShape
from vqcodec.geometry.openings import upright_lid_gap_per_eye_width
from vqcodec.geometry.portrait import PortraitFacts
from vqcodec.gesture.apertures import Closer, Lids, Lips
from vqcodec.gesture.emphasis import LipEmphasis
from vqcodec.gesture.steady import Steadying

Floats = NDArray[np.float32]


class MotionFinish:
    """The `Finish` of vqcodec.generate.generator that a dub joins to it.

    Args:
        basis: of the motion space.
        shape: the mean head.
    """

    def __init__(self, basis: LandmarkBasis, shape: HeadShape) -> None:
        self._basis, self._shape = basis, shape
        self._emphasis = LipEmphasis(basis, shape)
        self._steadying = Steadying(basis, shape)
        self._lids, self._lips = Lids(shape), Lips(shape)
        self._shut_lids, self._shut_lips = Closer(basis, self._lids), Closer(basis, self._lips)

    def __call__(
        self,
        values: Floats,
        turned: Floats,
        controls: Controls,
        portrait: PortraitFacts,
        rest: Floats,
        shut: Floats,
        lip_gain: float,
    ) -> Floats:
        """Motion whose lips move as far as real ones, are shut at rest and for a p, and whose lids blink as told.

        Args:
            values: (T, 48) units.
            turned: (T, 36) units, what the head's turn alone does.
            controls: T frames.
            portrait: whose face moves.
            rest: (T,) how far lips rest, 0..1.
            shut: (T,) how far they are on their way to each other, 0..1: the jaw stays as it is.
            lip_gain: how much lip motion is enlarged.

        Returns:
            (T, 48) units, at most 170.
        """
        values = self._steadying(values, turned)
        made = self._emphasis(values, turned, portrait.features, lip_gain * (1 - rest))
        shut = np.maximum(rest, shut)
        if shut.any():
            features = (portrait.features + made * self._basis.units).astype(np.float32)
            ajar = self._lips.opening(self._basis.landmarks(features))
            made = self._shut_lips(made, portrait.features, self._lips.most(ajar, shut))
        own = float(upright_lid_gap_per_eye_width(portrait.landmarks[None], self._shape)[0])
        return self._shut_lids(made, portrait.features, self._lids.most(controls.blink, own))
