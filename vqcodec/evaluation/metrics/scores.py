"""Figures of one video: per frame, and their means."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vqcodec.evaluation.metrics.landmarks import (
    jitter,
)

Frames: TypeAlias = NDArray[np.uint8]


_LATER = ("perc_mouth", "perc_eyes", "st_lpips")  # figures that old result files lack


@dataclass(frozen=True, slots=True)
class Scores:
    """Mean figures of one video; NaN where nothing could be measured. Definitions: the modules of this package.

    Attributes:
        frames: frames compared.
        faces: sampled frames with a face in both, over which all figures but psnr_db, ssim, ms_ssim, perc and st_lpips are taken.
        psnr_db: higher is better.
        ssim: higher is better.
        ms_ssim: higher is better.
        perc: perceptual distance, lower is better.
        id_dist: identity distance, lower is better.
        lmd: landmark distance, lower is better.
        lmd_mouth: the same over the lips, lower is better.
        cpbd: sharpness of the output; compare with cpbd_reference.
        cpbd_reference: sharpness of the reference.
        jitter: landmark motion of the output over the reference's, 1 is right.
        perc_mouth: perceptual distance of the enlarged mouth, lower is better; NaN in results from before it was measured.
        perc_eyes: the same of the eyes.
        st_lpips: ST-LPIPS, lower is better; NaN likewise.
    """

    frames: int
    faces: int
    psnr_db: float
    ssim: float
    ms_ssim: float
    perc: float
    id_dist: float
    lmd: float
    lmd_mouth: float
    cpbd: float
    cpbd_reference: float
    jitter: float
    perc_mouth: float = float("nan")
    perc_eyes: float = float("nan")
    st_lpips: float = float("nan")

    def to_json(self) -> dict[str, Any]:
        """JSON-ready fields; NaN becomes null."""
        return {
            k: None if isinstance(v, float) and np.isnan(v) else v for k, v in asdict(self).items()
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Scores:
        """The inverse of `to_json`; raises KeyError when a figure is missing that there always was."""
        known: dict[str, Any] = {}
        for name in (f.name for f in fields(cls)):
            value = values.get(name) if name in _LATER else values[name]
            known[name] = float("nan") if value is None else value
        return cls(**known)


@dataclass(frozen=True, slots=True)
class FrameScores:
    """Figures per frame: every frame for the first five, the frames numbered `sampled` for the rest."""

    psnr_db: NDArray[np.float32]
    ssim: NDArray[np.float32]
    ms_ssim: NDArray[np.float32]
    perc: NDArray[np.float32]
    st_lpips: NDArray[np.float32]
    sampled: list[int]
    id_dist: list[float]
    lmd: list[float]
    lmd_mouth: list[float]
    perc_mouth: list[float]
    perc_eyes: list[float]
    cpbd: list[float]
    cpbd_reference: list[float]
    steps: list[float]
    steps_reference: list[float]

    def mean(self) -> Scores:
        """Mean over frames; `jitter` is the ratio of mean steps."""

        def of(values: Any) -> float:
            return float(np.mean(values, dtype=np.float64)) if len(values) else float("nan")

        return Scores(
            len(self.psnr_db),
            len(self.sampled),
            of(self.psnr_db),
            of(self.ssim),
            of(self.ms_ssim),
            of(self.perc),
            of(self.id_dist),
            of(self.lmd),
            of(self.lmd_mouth),
            of(self.cpbd),
            of(self.cpbd_reference),
            jitter(self.steps_reference, self.steps),
            of(self.perc_mouth),
            of(self.perc_eyes),
            of(self.st_lpips),
        )
