"""What is known of a portrait whose face is to be moved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vqcodec.geometry.controls import Controls


@dataclass(frozen=True, slots=True)
class PortraitFacts:
    """What the generator knows of a portrait.

    Attributes:
        features: (48,) float32 f_s as the decoder will have it.
        controls: its own pose, gaze and blink, one frame.
        landmarks: (478, 2) float32 in 0..1 of the square.
    """

    features: NDArray[np.float32]
    controls: Controls
    landmarks: NDArray[np.float32]
