"""GRFSQ with straight-through gradients, for training (paper, Algorithm 1; the integer form is grfsq.py)."""

from __future__ import annotations

import torch
from torch import Tensor

from vqcodec.types import LAYERS, LEVELS


def _half_away(x: Tensor) -> Tensor:
    return torch.sign(x) * torch.floor(x.abs() + 0.5)


def straight_through(delta: Tensor, units: Tensor, layers: Tensor) -> Tensor:
    """Quantize with `layers` residual layers and pass the gradient through unchanged.

    Args:
        delta: (N, D) f_t - f_s.
        units: (D,) size of the finest step.
        layers: (N,) int, residual layers kept, 1..4.

    Returns:
        (N, D) quantized delta; equal to dequantize(from_indices(to_indices(quantize(delta))[..., :layers])).
    """
    with torch.no_grad():
        half = LEVELS // 2
        reach = half * (4**LAYERS - 1) // 3
        rest = _half_away(delta / units).clamp(-reach, reach)
        total = torch.zeros_like(rest)
        for stage in range(LAYERS):
            step = 4 ** (LAYERS - 1 - stage)
            digit = (_half_away(rest / step)).clamp(-half, half) * step
            total = total + digit * (layers > stage).to(digit.dtype)[:, None]
            rest = rest - digit
        quantized = total * units
    return delta + (quantized - delta).detach()
