"""Fields to be found: a smooth basis, a picture with texture everywhere, the picture bent by known coefficients."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vqcodec.format import FEATURE_SIZE_PX
from vqcodec.geometry.field import FieldBasis
from vqcodec.motion.field import CELLS, GRID

Floats = NDArray[np.float32]
Grey = NDArray[np.uint8]

TOLD = np.array([1.5, -0.8, 0.6, 0.0, -1.0, 0.5, 0.0, 0.7], np.float32)
STILL = np.zeros((GRID, GRID, 2), np.float32)


def smooth_basis(count: int = len(TOLD)) -> FieldBasis:
    """Waves over the picture, each about a pixel high."""
    at = (np.arange(CELLS) + 0.5) / CELLS
    waves = [
        np.outer(np.cos(np.pi * i * at), np.cos(np.pi * j * at)) for i in (0, 1) for j in (0, 1)
    ]
    parts = [np.stack([w, 0 * w], -1) for w in waves] + [np.stack([0 * w, w], -1) for w in waves]
    return FieldBasis(np.array(parts[:count], np.float32))


def picture(seed: int = 0) -> Grey:
    """(256, 256) uint8 spots."""
    noise = np.random.default_rng(seed).random((40, 40), np.float32)
    size = (FEATURE_SIZE_PX, FEATURE_SIZE_PX)
    return np.asarray(
        cv2.resize(noise, size, interpolation=cv2.INTER_CUBIC).clip(0, 1) * 255, np.uint8
    )


def bent(source: NDArray[np.uint8], field: FieldBasis, told: Floats) -> NDArray[np.uint8]:
    """The picture, (256, 256) or with channels, whose backward flow to `source` is what `told` says."""
    flow = field.flow(told[None], FEATURE_SIZE_PX)[0]
    at = np.arange(FEATURE_SIZE_PX, dtype=np.float32)
    moved = cv2.remap(
        source,
        at + flow[..., 0],
        at[:, None] + flow[..., 1],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(moved, np.uint8)
