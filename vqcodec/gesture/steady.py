"""Nose, cheeks and brows that don't tremble.

A generator names every frame's digits anew, and what it isn't sure of wavers from frame to frame: a nose in a head that turns
slowly by .6 px of 512 in second differences. Lips and lids are quick; nothing else in a face is. So whatever moves besides
them, and besides the head's turn, is averaged over a fifth of a second, as far as the motion space can tell it apart.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqcodec.format import REACH
from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.geometry.controls import HeadShape
from vqcodec.geometry.layout import LANDMARK_DIMS
from vqcodec.geometry.mesh import EYES, FOLD_LEFT, FOLD_RIGHT, IRISES
from vqcodec.gesture.emphasis import lower_face

_KERNEL = np.array([1, 4, 6, 4, 1], np.float32) / 16

Floats = NDArray[np.float32]


class Steadying:
    """Averages over time what neither lips, jaw nor lids do.

    Args:
        basis: of the motion space.
        shape: the mean head.
    """

    def __init__(self, basis: LandmarkBasis, shape: HeadShape) -> None:
        share = 1 - lower_face(shape)[:, 0]
        share[[*EYES, *FOLD_LEFT, *FOLD_RIGHT, *IRISES]] = 0
        self._units = basis.units[:LANDMARK_DIMS]
        self._slow = basis.part(share)

    def __call__(self, values: Floats, turned: Floats) -> Floats:
        """Motion that trembles less.

        Args:
            values: (T, 48) units, 25 a second.
            turned: (T, 36) units, what the head's turn alone does (generate.inputs): it stays.

        Returns:
            (T, 48) units, at most 170.
        """
        if not len(values):
            return values
        own = values[:, :LANDMARK_DIMS] - turned
        beside = len(_KERNEL) // 2
        padded = np.pad(own, ((beside, beside), (0, 0)), mode="edge")
        mean = sum(weight * padded[n : n + len(own)] for n, weight in enumerate(_KERNEL.tolist()))
        out = values.astype(np.float32)
        out[:, :LANDMARK_DIMS] += ((mean - own) * self._units) @ self._slow / self._units
        return np.clip(out, -REACH, REACH)
