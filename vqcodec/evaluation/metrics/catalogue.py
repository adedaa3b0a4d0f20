"""Every metric of a comparison: its name in result files, how it is written for people, and which way is better.

Formula, range and source in full: the docstring of the function or class that computes it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

Better = Literal["higher", "lower", "one"]
Kind = Literal["frame", "clip", "set"]


@dataclass(frozen=True, slots=True)
class Metric:
    """What a reader must know of one metric.

    Attributes:
        name: key in result files; carries the unit.
        title: for axes and table heads, without the unit.
        unit: "" for a bare number.
        better: "higher", "lower", or "one" where 1 is right and both sides of it are wrong.
        kind: "frame": one value per frame, the clip's is their mean; "clip": one value per clip, of its motion over
            time; "set": one value for all clips of a codec together, because it compares distributions.
        source: where the definition is from.
    """

    name: str
    title: str
    unit: str
    better: Better
    kind: Kind
    source: str

    def to_json(self) -> dict[str, str]:
        """JSON-ready fields."""
        return asdict(self)


_METRICS = (
    Metric(
        "psnr_db",
        "PSNR",
        "dB",
        "higher",
        "frame",
        "ratio of 255^2 to the mean squared error over R, G and B",
    ),
    Metric(
        "ssim",
        "SSIM",
        "",
        "higher",
        "frame",
        "Wang et al. 2004, IEEE TIP 13(4); mean of R, G and B",
    ),
    Metric(
        "ms_ssim",
        "MS-SSIM",
        "",
        "higher",
        "frame",
        "Wang et al. 2003, Asilomar; mean of R, G and B",
    ),
    Metric(
        "vmaf", "VMAF", "", "higher", "frame", "Netflix vmaf_v0.6.1, as in vmaf-torch; BT.601 luma"
    ),
    Metric(
        "perc",
        "Perceptual distance",
        "",
        "lower",
        "frame",
        "this project: EfficientNet-Lite0 features compared as in Zhang et al. 2018, CVPR",
    ),
    Metric(
        "st_lpips",
        "ST-LPIPS",
        "",
        "lower",
        "frame",
        "Ghildyal and Liu 2022, ECCV; AlexNet, vST0.0: no training here has seen it",
    ),
    Metric(
        "perc_mouth",
        "Perceptual distance, mouth",
        "",
        "lower",
        "frame",
        "this project: as the perceptual distance, of the enlarged mouth",
    ),
    Metric(
        "perc_eyes",
        "Perceptual distance, eyes",
        "",
        "lower",
        "frame",
        "this project: as the perceptual distance, of the enlarged eyes",
    ),
    Metric("lpips", "LPIPS", "", "lower", "frame", "Zhang et al. 2018, CVPR; AlexNet, version 0.1"),
    Metric("dists", "DISTS", "", "lower", "frame", "Ding et al. 2022, IEEE TPAMI 44(5); VGG16"),
    Metric(
        "id_dist",
        "Identity distance",
        "",
        "lower",
        "frame",
        "King 2017, dlib's face recognition ResNet",
    ),
    Metric(
        "lmd",
        "Landmark distance",
        "eye distances",
        "lower",
        "frame",
        "after Chen et al. 2018, ECCV; MediaPipe's 478 points",
    ),
    Metric(
        "lmd_mouth",
        "Landmark distance, lips",
        "eye distances",
        "lower",
        "frame",
        "Chen et al. 2018, ECCV; 40 lip points",
    ),
    Metric(
        "cpbd", "Sharpness (CPBD)", "", "higher", "frame", "Narvekar and Karam 2011, IEEE TIP 20(9)"
    ),
    Metric(
        "warp_error",
        "Warping error",
        "",
        "lower",
        "frame",
        "Lai et al. 2018, ECCV; DIS optical flow of the reference",
    ),
    Metric("jitter", "Landmark motion, output over reference", "", "one", "clip", "this project"),
    Metric(
        "msi",
        "Motion stability index",
        "",
        "higher",
        "clip",
        "Ling et al. 2023, IEEE JSTSP (StableFace)",
    ),
    Metric(
        "lip_corr",
        "Lip sync correlation",
        "",
        "higher",
        "clip",
        "this project: lip opening against the reference's",
    ),
    Metric(
        "lip_lag_ms",
        "Lip sync lag",
        "ms",
        "lower",
        "clip",
        "this project: lag of the best correlation; its size counts",
    ),
    Metric("fid", "FID", "", "lower", "set", "Heusel et al. 2017, NeurIPS; Inception pool3"),
    Metric("fvd", "FVD", "", "lower", "set", "Unterthiner et al. 2019; I3D, Kinetics-400"),
)

CATALOGUE: dict[str, Metric] = {metric.name: metric for metric in _METRICS}
