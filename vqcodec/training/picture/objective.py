"""All losses as one module, so that DistributedDataParallel can wrap it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from vqcodec.render.likeness import importance
from vqcodec.training.picture.detail import detail_losses
from vqcodec.training.picture.discriminator import Discriminator
from vqcodec.training.picture.losses import (
    PerceptualLoss,
    feature_distance,
    feature_window,
    flow_smoothness,
    landmark_flow_error,
    random_window,
    weighted_l1,
)
from vqcodec.training.picture.model import Tokenizer

PERCEPTUAL_SHARE = 0.75  # of the picture's side: the perceptual network is a third of a step's cost
FEATURE_ODDS = 0.4  # steps whose perceptual window is the mouth or the eyes, enlarged


class Seen(NamedTuple):
    """Features of a step's windows without gradients, for the discriminator to learn from."""

    made: list[Tensor]
    real: list[Tensor]
    enlarged: bool


def losses_of(
    model: Tokenizer,
    perceptual: PerceptualLoss,
    batch: dict[str, Tensor],
    discriminator: Discriminator | None = None,
) -> tuple[dict[str, Tensor], Seen]:
    """Every loss by name, unweighted, and what was seen."""
    rendering, learned_units = model(batch)
    target = batch["target"]
    weight = importance(batch["maps_t"], target.shape[-1])
    enlarged = target.shape[-1] >= 256 and bool(torch.rand(()) < FEATURE_ODDS)
    if enlarged:
        seen = feature_window(rendering.output, target, landmarks=batch["true_t"])
    else:
        seen = random_window(rendering.output, target, share=PERCEPTUAL_SHARE)
    with torch.no_grad():
        wanted = perceptual.features(seen[1])
    made = perceptual.features(seen[0])
    true_s = batch["true_s"].repeat_interleave(len(target) // len(batch["source"]), 0)
    losses = dict(
        output=weighted_l1(rendering.output, target, weight),
        generated=weighted_l1(rendering.generated, target, weight),
        warped=weighted_l1(rendering.warped, target, weight),
        perceptual=feature_distance(made, wanted).mean(),
        landmark=landmark_flow_error(rendering.flow128, true_s, batch["true_t"]),
        smooth=flow_smoothness(rendering.flow64),
        rate=learned_units.abs().mean(),
    )
    if discriminator is not None:
        losses["adversarial"], losses["matching"] = discriminator.fooled(made, wanted, enlarged)
    return losses, Seen([x.detach() for x in made], wanted, enlarged)


class Objective(nn.Module):
    """Batch -> losses by name, unweighted."""

    def __init__(self, model: Tokenizer, perceptual: PerceptualLoss) -> None:
        super().__init__()
        self.model, self.perceptual = model, perceptual
        self.seen: Seen | None = None

    def forward(
        self, batch: dict[str, Tensor], detail: bool, discriminator: Discriminator | None = None
    ) -> dict[str, Tensor]:
        """Losses of the whole at 128 or 256, or of the 512 head alone when `detail`; `seen` keeps the features."""
        if detail:
            return detail_losses(self.model, self.perceptual, batch)
        losses, self.seen = losses_of(self.model, self.perceptual, batch, discriminator)
        return losses
