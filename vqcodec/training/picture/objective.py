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
    unsteadiness,
    weighted_l1,
)
from vqcodec.training.picture.model import PictureAutoencoder

PERCEPTUAL_SHARE = 0.75  # of the picture's side: the perceptual network is a third of a step's cost
STEADY_SIDE = 64  # of the flow by which an error is carried to the next picture


class Enlargement(NamedTuple):
    """How a step looks at mouths and eyes.

    Attributes:
        enlarged: odds that its perceptual window is the mouth or the eyes, enlarged.
        gain: how much more the discriminator's verdict counts there.
    """

    enlarged: float = 0.4
    gain: float = 1.0


NOT_ENLARGED = Enlargement()


class Seen(NamedTuple):
    """Features of a step's windows without gradients, for the discriminator to learn from."""

    made: list[Tensor]
    real: list[Tensor]
    enlarged: bool


def losses_of(
    model: PictureAutoencoder,
    perceptual: PerceptualLoss,
    batch: dict[str, Tensor],
    discriminator: Discriminator | None = None,
    look: Enlargement = NOT_ENLARGED,
) -> tuple[dict[str, Tensor], Seen]:
    """Every loss by name, unweighted, and what was seen."""
    rendering, learned_units = model(batch)
    target = batch["target"]
    weight = importance(batch["maps_t"], target.shape[-1])
    enlarged = target.shape[-1] >= 256 and bool(torch.rand(()) < look.enlarged)
    if enlarged:
        seen = feature_window(rendering.output, target, landmarks=batch["true_t"])
    else:
        seen = random_window(rendering.output, target, share=PERCEPTUAL_SHARE)
    with torch.no_grad():
        wanted = perceptual.features(seen[1])
    made = perceptual.features(seen[0])
    count = len(target) // batch["source"].shape[1]
    losses = dict(
        output=weighted_l1(rendering.output, target, weight),
        generated=weighted_l1(rendering.generated, target, weight),
        warped=weighted_l1(rendering.warped, target, weight),
        perceptual=feature_distance(made, wanted).mean(),
        landmark=torch.stack(
            [
                landmark_flow_error(p.flow128, true.repeat_interleave(count, 0), batch["true_t"])
                for p, true in zip(rendering.placed, batch["true_s"], strict=True)
            ]
        ).mean(),
        smooth=torch.stack([flow_smoothness(p.flow64) for p in rendering.placed]).mean(),
        rate=learned_units.abs().mean(),
    )
    if discriminator is not None:
        gain = look.gain if enlarged else 1.0
        losses["adversarial"], losses["matching"] = (
            x * gain for x in discriminator.fooled(made, wanted, enlarged)
        )
    if bool(batch["steady"].any()):
        losses["steady"] = _unsteady(model, batch, rendering.output, weight)
    return losses, Seen([x.detach() for x in made], wanted, enlarged)


def _unsteady(
    model: PictureAutoencoder, batch: dict[str, Tensor], output: Tensor, weight: Tensor
) -> Tensor:
    """The loss of samples whose targets are neighbours; the others don't count."""
    points = batch["lm_t"]
    with torch.no_grad():
        flow = model.renderer.landmark_flow(points[::2], points[1::2], STEADY_SIDE)
    told = batch["steady"].repeat_interleave(len(points) // len(batch["steady"]), 0)[
        :, None, None, None
    ]
    return unsteadiness(output, batch["target"], flow, weight * told)


class Objective(nn.Module):
    """Batch -> losses by name, unweighted."""

    def __init__(self, model: PictureAutoencoder, perceptual: PerceptualLoss) -> None:
        super().__init__()
        self.model, self.perceptual = model, perceptual
        self.seen: Seen | None = None

    def forward(
        self,
        batch: dict[str, Tensor],
        detail: bool,
        discriminator: Discriminator | None = None,
        look: Enlargement = NOT_ENLARGED,
    ) -> dict[str, Tensor]:
        """Losses of the whole at 128 or 256, or of the 512 head alone when `detail`; `seen` keeps the features."""
        if detail:
            return detail_losses(self.model, self.perceptual, batch)
        losses, self.seen = losses_of(self.model, self.perceptual, batch, discriminator, look)
        return losses
