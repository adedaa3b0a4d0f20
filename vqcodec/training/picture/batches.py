"""Batches of PairSampler as the network takes them."""

from __future__ import annotations

import torch
from torch import Tensor

from vqcodec.training.picture.samples import Batch

_OF_PORTRAITS = ("source", "maps_s", "lm_s", "true_s", "state")
_OF_TARGETS = ("target", "maps_t", "lm_t", "true_t", "layers", "learned")
_OF_BOTH = ("delta", "around", "field")


def to_tensors(batch: Batch, device: torch.device) -> dict[str, Tensor]:
    """Numpy batch of PairSampler -> tensors: images channel-first in 0..1 channels-last in memory.

    K is folded into B for what targets have, and the P portraits lead: source (P, B, 3, S, S), delta (P, B*K, 36).
    """
    out: dict[str, Tensor] = {}
    for key, value in batch.items():
        x = torch.from_numpy(value)
        if key in _OF_TARGETS:
            x = x.flatten(0, 1)
        elif key in _OF_PORTRAITS:
            x = x.transpose(0, 1)
        elif key in _OF_BOTH:
            x = x.transpose(0, 1).flatten(1, 2)
        if key in ("source", "target"):
            x = x.movedim(-1, -3)
        x = x.to(device, non_blocking=True)
        if x.dtype == torch.uint8:
            x = _unit(x)
        if key in ("lm_s", "lm_t", "true_s", "true_t"):
            x = x * 2 - 1
        out[key] = x
    return out


def _unit(x: Tensor) -> Tensor:
    """(..., C, h, w) uint8 -> 0..1, channels-last."""
    flat = (
        x.reshape(-1, *x.shape[-3:]).float().div(255).contiguous(memory_format=torch.channels_last)
    )
    return flat.unflatten(0, x.shape[:-3])


def only(tensors: dict[str, Tensor], portrait: int, targets: Tensor) -> dict[str, Tensor]:
    """Some targets of a batch of one sample, from one of its portraits.

    Args:
        tensors: of `to_tensors`, B = 1.
        portrait: which one.
        targets: their numbers.
    """
    out = {key: tensors[key][portrait : portrait + 1] for key in _OF_PORTRAITS}
    out |= {key: tensors[key][portrait : portrait + 1, targets] for key in _OF_BOTH}
    return out | {key: tensors[key][targets] for key in _OF_TARGETS}
