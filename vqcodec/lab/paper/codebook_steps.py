"""How one row of Table 3 is trained: on motion features first, then through the frozen renderer as well."""

from __future__ import annotations

import copy
import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vqcodec.format import FEATURE_SIZE_PX, LANDMARKS
from vqcodec.geometry.basis import LandmarkBasis, landmark_weights
from vqcodec.geometry.layout import LANDMARK_DIMS
from vqcodec.lab.paper.codebook_data import MotionData
from vqcodec.lab.paper.motioncoder import MotionCoder
from vqcodec.render.conditioning import MOTION_SPREAD_UNITS, STATE_SPREAD_UNITS
from vqcodec.render.likeness import importance
from vqcodec.render.maps import draw_maps
from vqcodec.render.network import PortraitView, Rendering
from vqcodec.training.common import checkpoint
from vqcodec.training.picture.losses import (
    PerceptualLoss,
    landmark_flow_error,
    random_window,
    weighted_l1,
)
from vqcodec.training.picture.model import PictureAutoencoder

STRAY_WEIGHT = 0.25
PICTURE_WEIGHTS = {"output": 10.0, "warped": 2.0, "perceptual": 3.5, "landmark": 20.0}
"""As in the renderer's own recipe, so far as they can tell one motion from another."""
FEATURE_WEIGHT = 100.0
"""Of the mean square error in 20 units: one unit everywhere costs 0.25, about a tenth of a picture's loss."""
PERCEPTUAL_SHARE = 0.75
_REVIVE_EVERY = 50
_SETTLE_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class RowSettings:
    """The same for every row.

    Attributes:
        feature_steps: steps on motion features alone.
        picture_steps: further steps on features and pictures.
        motion_batch: pairs of features a step.
        fit_pairs: pairs of features from which the quantizer starts.
        targets: pictures a picture step, of one portrait, 256x256.
        rate: peak learning rate of head and tail; the conditioning's is a fifth.
        seed: of everything random.
    """

    feature_steps: int = 2000
    picture_steps: int = 200
    motion_batch: int = 256
    fit_pairs: int = 16384
    targets: int = 4
    rate: float = 1e-3
    seed: int = 0

    def to_json(self) -> dict[str, Any]:
        """JSON-ready fields."""
        return asdict(self)


class PictureModel(nn.Module):
    """Frozen image CNN and renderer with a trainable copy of the conditioning; renders motion that a coder decoded."""

    def __init__(self, basis: LandmarkBasis) -> None:
        super().__init__()
        self.frozen = PictureAutoencoder(basis)
        checkpoint.load_shipped(self.frozen, None)
        self.frozen.requires_grad_(False)
        self._shipped = copy.deepcopy(self.conditioning.state_dict())
        self.mean: Tensor
        self.components: Tensor
        self.weights: Tensor
        for name, value in (
            ("mean", basis.mean),
            ("components", basis.components),
            ("weights", landmark_weights()),
        ):
            self.register_buffer(name, torch.from_numpy(value), persistent=False)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def conditioning(self) -> nn.Module:
        """The renderer's layers from motion to FiLM's input."""
        return self.frozen.renderer.film

    def start(self) -> None:
        """The shipped conditioning again, trainable."""
        self.conditioning.load_state_dict(self._shipped)
        self.conditioning.requires_grad_(True)

    def landmark_features(self, points: Tensor) -> Tensor:
        """(N, 478, 2) in -1..1 -> (N, 36)."""
        return (
            ((points.flatten(1) + 1) * (FEATURE_SIZE_PX / 2) - self.mean) * self.weights
        ) @ self.components.T

    def landmarks(self, features: Tensor) -> Tensor:
        """(N, 36) -> (N, 478, 2) in -1..1, differentiable."""
        flat = (features @ self.components) / self.weights + self.mean
        return (flat / (FEATURE_SIZE_PX / 2) - 1).unflatten(1, (LANDMARKS, 2))

    def motion(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """A batch of one portrait and K targets -> (K, 48) motion and (1, 48) the portrait's features."""
        with torch.no_grad():
            learned = self.frozen.cnn(torch.cat([batch["source"][0], batch["target"]])).float()
            state = torch.cat([batch["state"][0], learned[:1]], 1)
            return torch.cat(
                [self.landmark_features(batch["true_t"]), learned[1:]], 1
            ) - state, state

    def forward(self, batch: dict[str, Tensor], delta: Tensor, state: Tensor) -> Rendering:
        """Render (K, 48) decoded motion of one portrait; gradients reach the motion and the conditioning."""
        count = len(delta)
        points = self.landmarks(state[:, :LANDMARK_DIMS] + delta[:, :LANDMARK_DIMS])
        drawn = np.stack([draw_maps(p) for p in (points.detach().numpy() + 1) / 2])
        maps_t = (
            torch.from_numpy(drawn).float().div(255).contiguous(memory_format=torch.channels_last)
        )
        scale = torch.ones_like(state[0])
        scale[:LANDMARK_DIMS] = self.frozen.units[:LANDMARK_DIMS]
        motion, still = scale.clone(), scale.clone()
        motion[:LANDMARK_DIMS] *= MOTION_SPREAD_UNITS
        still[:LANDMARK_DIMS] *= STATE_SPREAD_UNITS
        net = self.frozen.renderer
        z = net.conditioning(delta / motion, (state / still).expand(count, -1))
        portrait, maps, landmarks = (batch[key][0] for key in ("source", "maps_s", "lm_s"))
        source = net.encoder(portrait, maps)
        source = type(source)(*(x.expand(count, -1, -1, -1) for x in source))
        view = PortraitView(
            portrait.expand(count, -1, -1, -1),
            source,
            maps.expand(count, -1, -1, -1),
            landmarks.expand(count, -1, -1),
            z,
        )
        rendering: Rendering = net([view], maps_t, points)
        return rendering


def picture_losses(
    rendering: Rendering, batch: dict[str, Tensor], perceptual: PerceptualLoss
) -> dict[str, Tensor]:
    """PICTURE_WEIGHTS' losses by name, unweighted."""
    target = batch["target"]
    weight = importance(batch["maps_t"], target.shape[-1])
    seen = random_window(rendering.output, target, share=PERCEPTUAL_SHARE)
    return {
        "output": weighted_l1(rendering.output, target, weight),
        "warped": weighted_l1(rendering.warped, target, weight),
        "perceptual": perceptual(*seen).mean(),
        "landmark": landmark_flow_error(
            rendering.placed[0].flow128,
            batch["true_s"][0].expand(len(target), -1, -1),
            batch["true_t"],
        ),
    }


class RowTrainer:
    """Trains one coder and the conditioning beside it.

    Args:
        coder: fitted already.
        pictures: shared between rows; its conditioning starts anew.
        perceptual: shared, too.
        settings: the same for every row.
    """

    def __init__(
        self,
        coder: MotionCoder,
        pictures: PictureModel,
        perceptual: PerceptualLoss,
        settings: RowSettings,
    ) -> None:
        self.coder, self.pictures, self.perceptual, self.settings = (
            coder,
            pictures,
            perceptual,
            settings,
        )
        pictures.start()
        self.step = 0
        self.total = settings.feature_steps + settings.picture_steps
        self._groups: list[dict[str, Any]] = [
            dict(params=list(coder.parameters()), share=1.0),
            dict(params=list(pictures.conditioning.parameters()), share=0.2),
        ]
        self._optimizer = torch.optim.AdamW(
            self._groups, lr=settings.rate, betas=(0.9, 0.99), weight_decay=1e-4
        )

    def _motion_loss(self, deltas: Tensor) -> dict[str, Tensor]:
        revive = (
            self.step % _REVIVE_EVERY == _REVIVE_EVERY - 1
            and self.step < (1 - _SETTLE_SHARE) * self.total
        )
        coded = self.coder(deltas, learn=True, revive=revive)
        error = ((coded.delta - deltas) / self.coder.scale).square().mean()
        return {"motion": error, "stray": coded.stray}

    def train_step(
        self, deltas: Tensor, batch: dict[str, Tensor] | None = None
    ) -> dict[str, float]:
        """One step on (N, 48) motion, and on pictures where there are any; returns the losses."""
        for group in self._optimizer.param_groups:
            fallen = 0.5 * (1 + math.cos(math.pi * min(self.step / self.total, 1.0)))
            group["lr"] = self.settings.rate * group["share"] * max(0.02, fallen)
        losses = self._motion_loss(deltas)
        total = FEATURE_WEIGHT * (losses["motion"] + STRAY_WEIGHT * losses["stray"])
        if batch is not None:
            delta, state = self.pictures.motion(batch)
            decoded = self.coder(delta).delta
            with torch.autocast("cpu", torch.bfloat16):
                seen = picture_losses(self.pictures(batch, decoded, state), batch, self.perceptual)
            losses |= seen
            total = (
                total + torch.stack([PICTURE_WEIGHTS[k] * v.float() for k, v in seen.items()]).sum()
            )
        self._optimizer.zero_grad(set_to_none=True)
        total.backward()
        for group in self._groups:
            torch.nn.utils.clip_grad_norm_(group["params"], 5.0)
        self._optimizer.step()
        self.step += 1
        return {k: float(v.detach()) for k, v in losses.items()}


def start_coder(
    coder: MotionCoder, data: MotionData, settings: RowSettings, rng: np.random.Generator
) -> None:
    """Fit head, tail and quantizer to `fit_pairs` pairs."""
    coder.fit(data.deltas(rng, settings.fit_pairs))
