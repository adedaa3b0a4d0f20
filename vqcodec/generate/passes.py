"""Four passes over one stretch of frames: from what the network says to digits, and their sum."""

from __future__ import annotations

import torch
from torch import Tensor

from vqcodec.format import DIMS, HALF, LAYER_STEPS, LAYERS, LEVELS
from vqcodec.generate.network import GeneratorNetwork


def chosen(
    logits: Tensor,
    temperature: float = 0.0,
    noise: torch.Generator | None = None,
    *,
    expected: bool = False,
) -> Tensor:
    """Digits -2..2 out of logits.

    Args:
        logits: (B, T, 48, 5).
        temperature: 0 takes the likeliest.
        noise: where chance comes from.
        expected: at temperature 0 take the digit nearest to the mean instead.

    Returns:
        (B, T, 48) float.
    """
    if expected and temperature == 0:
        levels = torch.arange(LEVELS, device=logits.device) - HALF
        nearest: Tensor = (logits.float().softmax(-1) * levels).sum(-1).round()
        return nearest
    if temperature > 0:
        chance = torch.empty(logits.shape).exponential_(generator=noise).to(logits.device)
        picked = (logits.float() / temperature - chance.log()).argmax(-1)
    else:
        picked = logits.argmax(-1)
    return picked.float() - HALF


@torch.inference_mode()
def coarse_to_fine(
    network: GeneratorNetwork,
    speech: Tensor,
    controls: Tensor,
    turned: Tensor,
    portrait: Tensor,
    mask: Tensor | None = None,
    *,
    temperature: float = 0.0,
    noise: torch.Generator | None = None,
    expected: bool = False,
) -> Tensor:
    """All layers of a batch of stretches that fit into the network at once (paper, Figure 3).

    Args: as GeneratorNetwork.forward and `chosen`; `expected` holds from the second layer on, because halfway between two
    coarse digits the finer layers can still go either way.

    Returns:
        (B, T, 48) motion in units.
    """
    batch, length = controls.shape[:2]
    digits = torch.zeros(batch, length, DIMS, LAYERS, device=controls.device)
    for layer in range(LAYERS):
        which = torch.full((batch,), layer, dtype=torch.int64, device=controls.device)
        logits = network.logits(speech, controls, turned, portrait, digits, which, mask)
        digits[..., layer] = chosen(logits, temperature, noise, expected=expected and layer > 0)
    values: Tensor = digits @ torch.tensor(LAYER_STEPS, dtype=torch.float32, device=digits.device)
    return values
