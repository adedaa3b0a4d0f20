"""High dynamic range (PQ, HLG) to sRGB, as one look-up table: telephones record it by default.

The picture is converted to 8-bit R'G'B' in its own transfer and primaries by swscale, and this table does the rest:
signal -> light (ITU-R BT.2100) -> highlights rolled off above diffuse white (BT.2408: 203 cd/m2) -> BT.709 primaries
(BT.2087) -> display gamma.
"""
from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

PQ, HLG = 16, 18  # ITU-T H.273 transfer characteristics
BT2020_PRIMARIES = 9
_SIZE = 33
_WHITE_NITS = 203.0
_LUMA_2020 = np.array([0.2627, 0.6780, 0.0593])
_TO_709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])


def _pq_nits(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """BT.2100 table 4: PQ EOTF, display light in cd/m2."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = signal ** (1 / m2)
    return np.asarray(10000 * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1))


def _hlg_nits(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """BT.2100 table 5: HLG inverse OETF and the system gamma 1.2 of a 1000 cd/m2 display."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal ** 2 / 3, (np.exp((signal - c) / a) + b) / 12)
    luma = np.maximum(scene @ _LUMA_2020, 1e-9)[..., None]
    return np.asarray(1000 * scene * luma ** 0.2)


@lru_cache(maxsize=4)
def _table(transfer: int, wide: bool) -> ImageFilter.Color3DLUT:
    axis = np.linspace(0, 1, _SIZE)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")  # Color3DLUT: red changes fastest
    signal = np.stack([red, green, blue], axis=-1)
    light = (_pq_nits if transfer == PQ else _hlg_nits)(signal) / _WHITE_NITS
    luma = np.maximum(light @ _LUMA_2020, 1e-9)[..., None]
    # Linear up to 0.6 of diffuse white, then an asymptote at 1: faces keep their contrast, lamps don't clip hard.
    knee = 0.6
    rolled = np.where(luma <= knee, luma, knee + (1 - knee) * np.tanh((luma - knee) / (2 * (1 - knee))))
    light = light * (rolled / luma)
    if wide:
        light = light @ _TO_709.T
    shown = np.clip(light, 0, 1) ** (1 / 2.2)
    return ImageFilter.Color3DLUT(_SIZE, shown.reshape(-1).tolist())


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
    shown = Image.fromarray(rgb).filter(_table(transfer, primaries == BT2020_PRIMARIES))
    return np.asarray(shown)
