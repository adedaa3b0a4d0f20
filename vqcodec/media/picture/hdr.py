"""High dynamic range (PQ, HLG) to sRGB: telephones record it by default.

swscale gives 8-bit R'G'B' in the picture's own transfer and primaries; two tables and a matrix do the rest:
signal -> light (ITU-R BT.2100) -> highlights rolled off above diffuse white (BT.2408: 203 cd/m2) -> BT.709 primaries
(BT.2087) -> display gamma. The tone curve works on each channel alone, as film does: greys stay grey, and bright colours
pale instead of clipping.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vqcodec.runtime.opencv import cv2

PQ, HLG = 16, 18  # ITU-T H.273 transfer characteristics
BT2020_PRIMARIES = 9
_WHITE_NITS = 203.0
_KNEE = 0.6
_STEPS = 4096
_TO_709 = np.array(
    [[1.6605, -0.5876, -0.0729], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1188]], np.float32
)


def _pq_nits(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """BT.2100 table 4: PQ EOTF, display light in cd/m2."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = signal ** (1 / m2)
    return np.asarray(10000 * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1))


def _hlg_nits(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """BT.2100 table 5: HLG inverse OETF, and the system gamma 1.2 of a 1000 cd/m2 display taken for each channel."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    return np.asarray(1000 * scene**1.2)


@lru_cache(maxsize=2)
def _light(transfer: int) -> NDArray[np.float32]:
    """(256,) light of each 8-bit signal value after the tone curve, 0..1."""
    light = (_pq_nits if transfer == PQ else _hlg_nits)(np.linspace(0, 1, 256)) / _WHITE_NITS
    # Linear up to 0.6 of diffuse white, then an asymptote at 1: faces keep their contrast, lamps roll off.
    rolled = _KNEE + (1 - _KNEE) * np.tanh((light - _KNEE) / (2 * (1 - _KNEE)))
    return np.where(light <= _KNEE, light, rolled).astype(np.float32)


@lru_cache(maxsize=1)
def _gamma() -> NDArray[np.uint8]:
    """(_STEPS,) 8-bit display signal of light 0..1."""
    return np.rint(255 * np.linspace(0, 1, _STEPS) ** (1 / 2.2)).astype(np.uint8)


def is_hdr(transfer: int) -> bool:
    """Whether a picture with this H.273 transfer characteristic needs `to_sdr`."""
    return transfer in (PQ, HLG)


def to_sdr(rgb: NDArray[np.uint8], transfer: int, primaries: int) -> NDArray[np.uint8]:
    """Map an HDR picture to sRGB.

    Args:
        rgb: (H, W, 3), R'G'B' in the transfer and primaries named.
        transfer: PQ or HLG.
        primaries: H.273 number; 9 is BT.2020, anything else is taken as BT.709.
    """
    light = cv2.LUT(rgb, _light(transfer))
    if primaries == BT2020_PRIMARIES:
        light = cv2.transform(light, _TO_709)
    steps = np.clip(light * np.float32(_STEPS - 1) + np.float32(0.5), 0, _STEPS - 1).astype(
        np.uint16
    )
    return np.asarray(_gamma()[steps])
