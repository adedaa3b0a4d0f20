"""Signal fidelity: PSNR, SSIM and MS-SSIM of frame pairs, SSIM family by torchmetrics' functional interface.

All three take two aligned stacks (N, H, W, 3) uint8 RGB and return one figure per frame, (N,) float32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import UsageError
from vqcodec.evaluation.tools.extras import require

if TYPE_CHECKING:
    import torch

MSE_FLOOR = 1e-10
PSNR_CEILING_DB = 100.0


def unit_tensor(frames: NDArray[np.uint8]) -> torch.Tensor:
    """(N, H, W, 3) uint8 -> (N, 3, H, W) float32 in 0..1."""
    import torch

    return torch.from_numpy(np.array(frames, order="C")).permute(0, 3, 1, 2).float() / 255


def check_pair(reference: NDArray[np.uint8], output: NDArray[np.uint8]) -> None:
    """Refuse stacks that can't be compared frame by frame.

    Raises:
        UsageError: shapes differ or are not (N, H, W, 3), or a value is not uint8.
    """
    if reference.shape != output.shape or reference.ndim != 4 or reference.shape[3] != 3:
        raise UsageError(
            f"frames of shapes {reference.shape} and {output.shape} are not two equal (N, H, W, 3) stacks"
        )
    if reference.dtype != np.uint8 or output.dtype != np.uint8:
        raise UsageError(f"frames are {reference.dtype} and {output.dtype}, not uint8")


def psnr_db(reference: NDArray[np.uint8], output: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Peak signal-to-noise ratio per frame, in dB.

    -10 log10(mse + 1e-10), mse over all pixels and R, G, B with values in 0..1. Range 0..100 (identical frames give
    100, because of the floor); higher is better. Averages over frames are means of dB values, as is usual in video
    coding, not the PSNR of the mean error.
    """
    check_pair(reference, output)
    error = (reference.astype(np.float32) - output.astype(np.float32)) / np.float32(255)
    mse = np.square(error).mean(axis=(1, 2, 3), dtype=np.float64)
    return np.asarray(-10 * np.log10(mse + MSE_FLOOR), np.float32)


def ssim(reference: NDArray[np.uint8], output: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Structural similarity per frame (Wang, Bovik, Sheikh, Simoncelli 2004, IEEE TIP 13(4), eq. 13).

    (2 mx my + C1)(2 sxy + C2) / ((mx^2 + my^2 + C1)(sx^2 + sy^2 + C2)) in an 11x11 Gaussian window of sigma 1.5, with
    C1 = 0.01^2, C2 = 0.03^2 for values in 0..1; mean over all positions, the picture mirrored at its edges, and over
    R, G, B (not of luma alone). Range -1..1, 1 for identical frames; higher is better.
    """
    check_pair(reference, output)
    import torch

    function = require("torchmetrics.functional.image", "SSIM").structural_similarity_index_measure
    with torch.inference_mode():
        value = function(
            unit_tensor(output), unit_tensor(reference), data_range=1.0, reduction="none"
        )
    return np.asarray(value.reshape(-1).numpy(), np.float32)


def ms_ssim(reference: NDArray[np.uint8], output: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Multi-scale structural similarity per frame (Wang, Simoncelli, Bovik 2003, Asilomar, eq. 7).

    Product over five dyadic scales of the contrast-structure term to the power .0448, .2856, .3001, .2363, .1333, with
    the luminance term at the coarsest; window and constants as in `ssim`, but finer scales leave out windows that cross
    the edge. Frames must be larger than 160 px (11x11 windows at a sixteenth). Range 0..1, 1 for identical frames;
    higher is better.
    """
    check_pair(reference, output)
    import torch

    function = require(
        "torchmetrics.functional.image", "MS-SSIM"
    ).multiscale_structural_similarity_index_measure
    with torch.inference_mode():
        value = function(
            unit_tensor(output), unit_tensor(reference), data_range=1.0, reduction="none"
        )
    return np.asarray(value.reshape(-1).numpy(), np.float32)
