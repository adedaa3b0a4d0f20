"""How far a rendered picture is from the real frame, with gradients and without a trained network.

    distance = mean of w |x - y|  +  STRUCTURE * mean over scales of w (1 - s),   w: mouth and eyes count most

    s = (2 cov(x, y) + c) / (var x + var y + c)      in windows of 7 luma pixels at 256, 128 and 64

s is the structure term of SSIM (Wang et al. 2004, IEEE TIP, eq. 10 with contrast): it asks for edges in the right place and
as sharp as they were, where plain differences are content with blur.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

STRUCTURE = 0.2
SCALES = 3
_WINDOW_PX = 7
_STEADY = 0.03**2  # SSIM's second constant
_LUMA = (0.299, 0.587, 0.114)


def importance(maps: Tensor, size_px: int) -> Tensor:
    """Where an error counts more: mouth 10, eyes 7, face 1.5 times the background.

    Args:
        maps: (N, 8, h, w) landmark maps of the frames (render.maps), 0..1.
        size_px: side of the result.

    Returns:
        (N, 1, size_px, size_px), mean about 1.
    """
    coarse = F.avg_pool2d(maps, 2)
    near = F.max_pool2d(coarse[:, 1:5], 5, 1, 2)
    weight = 1 + 0.5 * coarse[:, :1] + 9 * near[:, :1] + 6 * near[:, 2:].amax(1, keepdim=True)
    weight = weight / weight.mean((1, 2, 3), keepdim=True)
    return F.interpolate(weight, size=(size_px, size_px), mode="bilinear", align_corners=False)


def _luma(rgb: Tensor) -> Tensor:
    return torch.stack([part * rgb[:, i] for i, part in enumerate(_LUMA)], 1).sum(1, keepdim=True)


def _blur(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, _WINDOW_PX, 1, _WINDOW_PX // 2, count_include_pad=False)


def structure_error(output: Tensor, target: Tensor) -> Tensor:
    """1 - s of two luma pictures (N, 1, S, S) in 0..1 -> (N, 1, S, S), 0 where they agree, at most 2."""
    mean_x, mean_y = _blur(output), _blur(target)
    spread = _blur(output * output) - mean_x * mean_x + _blur(target * target) - mean_y * mean_y
    common = _blur(output * target) - mean_x * mean_y
    return 1 - (2 * common + _STEADY) / (spread.clamp(min=0) + _STEADY)


def distance(output: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Weighted distance of pictures.

    Args:
        output: (N, 3, S, S) about 0..1, with gradients.
        target: (N, 3, S, S) in 0..1.
        weight: (N, 1, S, S) from `importance`.

    Returns:
        (N,) at least 0, 0 when equal.
    """
    plain = ((output - target).abs() * weight).mean((1, 2, 3))
    x, y, structure = _luma(output), _luma(target), torch.zeros_like(plain)
    for scale in range(SCALES):
        if scale:
            x, y, weight = (F.avg_pool2d(part, 2) for part in (x, y, weight))
        structure = structure + (structure_error(x, y) * weight).mean((1, 2, 3))
    return plain + STRUCTURE / SCALES * structure
