"""PSNR and SSIM of a decoded file with the packages every installation has, for the `demo` command.

The same definitions as `metrics/fidelity.py` (which needs torchmetrics), at 256x256.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import MediaError, UsageError
from vqcodec.evaluation.tools.frames import METRIC_SIDE_PX, PathLike, coded_square, paired, to_side
from vqcodec.types import Crop

_WINDOW_PX = 11
_SIGMA_PX = 1.5
_C1, _C2 = 0.01**2, 0.03**2
_MSE_FLOOR = 1e-10


@dataclass(frozen=True, slots=True)
class Quality:
    """Means over the compared frames.

    Attributes:
        frames: frames compared.
        psnr_db: dB, 100 for identical pictures; higher is better.
        ssim: 1 for identical pictures; higher is better.
    """

    frames: int
    psnr_db: float
    ssim: float

    def to_json(self) -> dict[str, Any]:
        """JSON-ready fields."""
        return asdict(self)


def frame_psnr_db(reference: NDArray[np.uint8], output: NDArray[np.uint8]) -> float:
    """PSNR in dB of two (H, W, 3) uint8 pictures, values in 0..1, at most 100."""
    error = (reference.astype(np.float64) - output) / 255
    return float(-10 * np.log10(np.square(error).mean() + _MSE_FLOOR))


def _blur(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(
        cv2.GaussianBlur(
            picture, (_WINDOW_PX, _WINDOW_PX), _SIGMA_PX, borderType=cv2.BORDER_REFLECT_101
        )
    )


def frame_ssim(reference: NDArray[np.uint8], output: NDArray[np.uint8]) -> float:
    """SSIM (Wang et al. 2004, eq. 13) of two (H, W, 3) uint8 pictures, mean over positions and R, G, B, edges mirrored.

    Args:
        reference: at least 11x11.
        output: the same shape.
    """
    first, second = reference.astype(np.float64) / 255, output.astype(np.float64) / 255
    mean_1, mean_2 = _blur(first), _blur(second)
    var_1 = _blur(first * first) - mean_1**2
    var_2 = _blur(second * second) - mean_2**2
    both = _blur(first * second) - mean_1 * mean_2
    score = (
        (2 * mean_1 * mean_2 + _C1)
        * (2 * both + _C2)
        / ((mean_1**2 + mean_2**2 + _C1) * (var_1 + var_2 + _C2))
    )
    return float(score.mean())


def quality(
    reference: PathLike, output: PathLike, *, crop: Crop | None = None, every: int = 1
) -> Quality:
    """Compare a decoded video with its source, frames paired by time, at 256x256.

    Args:
        reference: the source video.
        output: the decoded video.
        crop: the coded square (`EncodeReport.crop`); None stands for the largest centred one.
        every: compare every so many frames, >= 1.

    Raises:
        MediaError: a file can't be read, or has no frame to compare.
        UsageError: `every` is below 1.
    """
    if every < 1:
        raise UsageError(f"every {every} frames is not a sampling step", hint="Choose 1 or more.")
    values = []
    for number, (source, shown) in enumerate(paired(reference, output)):
        if number % every == 0:
            pair = coded_square(source.rgb, crop, METRIC_SIDE_PX), to_side(shown.rgb)
            values.append((frame_psnr_db(*pair), frame_ssim(*pair)))
    if not values:
        raise MediaError("there is no frame to compare")
    psnr_db, ssim = np.mean(values, axis=0)
    return Quality(len(values), float(psnr_db), float(ssim))
