"""All losses as one module, so that DistributedDataParallel can wrap it."""
from __future__ import annotations

import torch
from torch import Tensor, nn

from vqcodec.training.detail import detail_losses
from vqcodec.training.losses import (
    PerceptualLoss,
    feature_window,
    flow_smoothness,
    landmark_flow_error,
    random_window,
    region_weight,
    weighted_l1,
)
from vqcodec.training.model import Tokenizer

PERCEPTUAL_SHARE = 0.75  # of the picture's side: the perceptual network is a third of a step's cost
FEATURE_ODDS = 0.4  # steps whose perceptual window is the mouth or the eyes, enlarged


def losses_of(model: Tokenizer, perceptual: PerceptualLoss, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Every loss by name, unweighted."""
    rendering, learned_units = model(batch)
    target = batch["target"]
    weight = region_weight(batch["maps_t"], target.shape[-1])
    if target.shape[-1] >= 256 and torch.rand(()) < FEATURE_ODDS:
        seen = feature_window(rendering.output, target, landmarks=batch["true_t"])
    else:
        seen = random_window(rendering.output, target, share=PERCEPTUAL_SHARE)
    true_s = batch["true_s"].repeat_interleave(len(target) // len(batch["source"]), 0)
    return dict(
        output=weighted_l1(rendering.output, target, weight),
        generated=weighted_l1(rendering.generated, target, weight),
        warped=weighted_l1(rendering.warped, target, weight),
        perceptual=perceptual(*seen).mean(),
        landmark=landmark_flow_error(rendering.flow128, true_s, batch["true_t"]),
        smooth=flow_smoothness(rendering.flow64),
        rate=learned_units.abs().mean())


class Objective(nn.Module):
    """Batch -> losses by name, unweighted."""

    def __init__(self, model: Tokenizer, perceptual: PerceptualLoss) -> None:
        super().__init__()
        self.model, self.perceptual = model, perceptual

    def forward(self, batch: dict[str, Tensor], detail: bool) -> dict[str, Tensor]:
        """Losses of the whole at 128 or 256, or of the 512 head alone when `detail`."""
        return (detail_losses if detail else losses_of)(self.model, self.perceptual, batch)
