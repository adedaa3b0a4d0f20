"""Sharpness without a reference: cumulative probability of blur detection (CPBD)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vqcodec.evaluation.tools.extras import require


def cpbd(frame: NDArray[np.uint8]) -> float:
    """Cumulative probability of blur detection of one frame (Narvekar and Karam 2011, IEEE TIP 20(9)).

    In 64x64 blocks with edges, an edge of width w is seen as blurred with probability 1 - exp(-(w / w_jnb)^3.6), w_jnb
    5 px at contrasts up to 50 and 3 px above. The figure is the share of edges for which that probability is below
    63 %, the just noticeable blur. Range 0..1; higher is sharper, and it grows with noise too: compare with the
    reference's own value, not with 1. It depends on the picture's size (this project: 256x256).

    Args:
        frame: (H, W, 3) uint8 RGB; measured on BT.601 luma.

    Raises:
        MissingExtraError: cpbd-py312 is not installed.
    """
    package = require("cpbd", "sharpness (CPBD)")
    return float(package.compute(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)))
