"""GRFSQ with straight-through gradients, for training (paper, Algorithm 1; the integer form is grfsq.py)."""

from __future__ import annotations

import torch
from torch import Tensor

from vqcodec.format import HALF, LAYER_STEPS, REACH


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
        rest = _half_away(delta / units).clamp(-REACH, REACH)
        total = torch.zeros_like(rest)
        for stage, step in enumerate(LAYER_STEPS):
            digit = (_half_away(rest / step)).clamp(-HALF, HALF) * step
            total = total + digit * (layers > stage).to(digit.dtype)[:, None]
            rest = rest - digit
        quantized = total * units
    return delta + (quantized - delta).detach()
