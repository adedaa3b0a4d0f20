"""Figures of others, typed in: the paper's Tables 1 and 3, and its field measured with one script on its authors' clips.

Paper: Liu et al., "VQTalker: Towards Multilingual Talking Avatars Through Facial Motion Tokenization".
"""

from __future__ import annotations

from dataclasses import dataclass

TABLE_1_SOURCE = "as printed there: HDTF, measured at 256x256, portrait = first frame"
AUTHORS_SOURCE = (
    "results that the paper's authors show with their demo clips, measured by a script whose definitions "
    "vqcodec/evaluation/metrics shares, at 256x256, portrait = first frame"
)


@dataclass(frozen=True, slots=True)
class Other:
    """One row of another's figures; what is not known is not there.

    Attributes:
        method: its name.
        values: by the name of the column (papertable.py); rates in kbit/s, as the source counts them.
    """

    method: str
    values: dict[str, float]


def _table_1(
    method: str, size_px: int, kbps: float, ssim: float, lpips: float, csim: float, cpbd: float
) -> Other:
    return Other(
        method,
        {
            "size_px": size_px,
            "raw_kbps": kbps,
            "ssim": ssim,
            "lpips": lpips,
            "csim": csim,
            "cpbd": cpbd,
        },
    )


TABLE_1 = (
    _table_1("FOMM", 256, 48, 0.775, 0.178, 0.830, 0.339),
    _table_1("DPE", 256, 16, 0.861, 0.151, 0.912, 0.354),
    _table_1("MTIA", 256, 48, 0.870, 0.122, 0.929, 0.316),
    _table_1("Vid2Vid", 256, 36, 0.870, 0.115, 0.924, 0.386),
    _table_1("LIA", 256, 16, 0.831, 0.137, 0.916, 0.297),
    _table_1("FADM", 256, 36, 0.849, 0.147, 0.916, 0.332),
    _table_1("AniTalker", 256, 16, 0.905, 0.079, 0.927, 0.367),
    _table_1("LivePortrait", 512, 50, 0.800, 0.134, 0.883, 0.374),
    _table_1("EMOPortrait", 512, 102, 0.736, 0.206, 0.657, 0.434),
    _table_1("VQTalker", 512, 11, 0.874, 0.083, 0.919, 0.421),
)
"""The H.264 row (512, about 347 kbit/s) has no other figure and is left out."""


def _measured(
    method: str,
    kbps: float,
    psnr_db: float,
    ssim: float,
    ms_ssim: float,
    perc: float,
    lmd: float,
    lmd_mouth: float,
    cpbd: float,
) -> Other:
    return Other(
        method,
        {
            "raw_kbps": kbps,
            "psnr_db": psnr_db,
            "ssim": ssim,
            "ms_ssim": ms_ssim,
            "perc": perc,
            "lmd": lmd,
            "lmd_mouth": lmd_mouth,
            "cpbd": cpbd,
            "cpbd_reference": 0.414,
        },
    )


AUTHORS_CLIPS = (
    _measured("still first frame", 0, 24.79, 0.759, 0.780, 0.396, 0.0753, 0.0777, 0.443),
    _measured("MTIA", 48, 28.27, 0.879, 0.959, 0.235, 0.0080, 0.0096, 0.297),
    _measured("AniTalker", 16, 25.80, 0.894, 0.951, 0.199, 0.0136, 0.0186, 0.338),
    _measured("LivePortrait", 50, 24.74, 0.778, 0.845, 0.384, 0.0505, 0.0626, 0.350),
    _measured("VQTalker", 11, 25.48, 0.866, 0.935, 0.226, 0.0153, 0.0176, 0.414),
)


@dataclass(frozen=True, slots=True)
class PaperRow:
    """A row of the paper's Table 3: bit rate as printed, CSIM, MSI and codebook utilisation in per cent."""

    kbps: str
    csim: float
    msi: float
    utilisation_pct: float


TABLE_3 = {
    "vq": PaperRow("<1", 0.588, 0.588, 0.35),
    "gvq": PaperRow("8", 0.548, 0.052, 88.89),
    "rvq": PaperRow("8", 0.561, 0.473, 50.00),
    "grvq": PaperRow("12", 0.572, 0.359, 26.78),
    "grfsq-8x4-5": PaperRow("≈7", 0.576, 1.016, 73.99),
    "grfsq-12x2-5": PaperRow("≈6", 0.576, 0.616, 56.89),
    "grfsq-12x4-4": PaperRow("9.6", 0.570, 0.656, 59.68),
    "grfsq-12x4-6": PaperRow("≈12", 0.571, 0.932, 65.64),
    "grfsq-12x4-5": PaperRow("≈11", 0.571, 0.992, 78.74),
}
"""By the key of `vqcodec.lab.paper.designs.DESIGNS`."""
