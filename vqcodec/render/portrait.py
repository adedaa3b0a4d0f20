"""A portrait made ready to be rendered from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vqcodec.render.source import SourceFeatures


@dataclass(frozen=True, slots=True)
class PortraitState:
    """A portrait made ready: pictures at both sizes, network features, landmarks, its own motion features.

    Attributes:
        features: (D,) float32 f_s.
        large: (1, 3, 512, 512) float32 in 0..1.
        folded: (1, 12, 256, 256) the same for the 512 head.
        small: (1, 3, 256, 256) float32 in 0..1.
        source: what the network keeps of it, float32.
        maps: (1, 8, 128, 128) its landmark maps.
        landmarks: (1, 478, 2) in -1..1.
    """

    features: NDArray[np.float32]
    large: Tensor
    folded: Tensor
    small: Tensor
    source: SourceFeatures
    maps: Tensor
    landmarks: Tensor
