"""The training of what makes pictures: stages, a discriminator, several processes, over the common loop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.models import store
from vqcodec.training.common import checkpoint
from vqcodec.training.common.loop import Loop, Pace, cosine_rate
from vqcodec.training.common.recipe import Recipe, Stage
from vqcodec.training.picture.batches import to_tensors
from vqcodec.training.picture.check import Checker
from vqcodec.training.picture.clips import load_clips
from vqcodec.training.picture.data import Draw, PairSampler
from vqcodec.training.picture.discriminator import Opponent
from vqcodec.training.picture.fields import FieldTeller
from vqcodec.training.picture.losses import PerceptualLoss
from vqcodec.training.picture.model import PictureAutoencoder
from vqcodec.training.picture.objective import Enlargement, Objective
from vqcodec.training.picture.samples import Batch

LOG_EVERY = 100
CLIP_NORM = 5.0


class Trainer(Loop):
    """Runs a recipe; everything it makes goes to one folder: checkpoint, log.jsonl, sheets."""

    def __init__(
        self, recipe: Recipe, basis: LandmarkBasis, cache: Path, out: Path, *, device: torch.device
    ) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.basis, self.cache = recipe, basis, cache
        self.fields = (
            FieldTeller.of_space(store.current("motion_space").path)
            if recipe.keep_motion_space
            else None
        )
        model = PictureAutoencoder(basis).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.perceptual = PerceptualLoss().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._losses = Objective(model, self.perceptual)
        self.objective: torch.nn.Module = self._losses
        self.opponent: Opponent | None = None
        self.world = 1
        if torch.distributed.is_initialized():
            self.rank, self.world = torch.distributed.get_rank(), torch.distributed.get_world_size()
            # a stage trains only part of the network
            self.objective = torch.nn.parallel.DistributedDataParallel(
                self.objective, find_unused_parameters=True
            )
        if recipe.keep_motion_space:
            checkpoint.load_shipped(model, None)
            model.cnn.requires_grad_(False)
        optimizer = torch.optim.AdamW(
            parameter_groups(model), lr=1e-3, betas=(0.9, 0.99), weight_decay=1e-4
        )
        pace = Pace(recipe.ema, CLIP_NORM, LOG_EVERY, recipe.check_every, recipe.save_every_s)
        super().__init__(model, optimizer, out, device, pace)
        self.model: PictureAutoencoder = model
        self._drawn = self._stages()
        self._checker: Checker | None = None

    @property
    def _opponent_path(self) -> Path:
        return self.out / "discriminator.safetensors"

    def resume(self) -> None:
        """Go on from the checkpoint in the output folder; if there is none, from the shipped weights."""
        if not self.restore():
            checkpoint.load_shipped(self.model, self.ema)

    def save(self) -> None:
        """Write the checkpoint and the discriminator's (the first process only)."""
        super().save()
        if self.opponent is not None and not self.rank:
            self.opponent.save(self._opponent_path)

    def checkpoint_facts(self) -> dict[str, Any]:
        """Which recipe it was."""
        return {"recipe": self.recipe.name}

    def pace_facts(self, count: int, elapsed_s: float) -> dict[str, Any]:
        """The stage, and pairs of all processes."""
        stage = self._stage
        pairs = count * stage.portraits * stage.targets * self.world
        return {"stage": stage.name, "pairs_per_s": round(pairs / elapsed_s, 2)}

    def advance(self) -> dict[str, float]:
        """One step of the stage that the recipe is at."""
        self._stage, sampler = next(self._drawn)
        batch = to_tensors(next(sampler), self.device)
        return self.train_step(batch, self._stage, self.recipe.at(self.step)[1])

    def train_step(self, batch: dict[str, Tensor], stage: Stage, step: int) -> dict[str, float]:
        """One optimizer step; returns the losses."""
        with torch.autocast(self.device.type, torch.bfloat16):
            losses = self.objective(
                batch,
                stage.size_px == 512,
                None if self.opponent is None else self.opponent.net,
                Enlargement(stage.enlarged, stage.enlarged_gain),
            )
            total = torch.stack([stage.weights[k] * v.float() for k, v in losses.items()]).sum()
        rate = cosine_rate(
            step, steps=stage.steps, lr=stage.lr, lr_end=stage.lr_end, warmup=stage.warmup
        )
        norm = self.update(total, rate)
        told = {**{k: float(v.detach()) for k, v in losses.items()}, "norm": norm}
        if self.opponent is not None and self._losses.seen is not None:
            told["hinge"] = self.opponent.learn(*self._losses.seen)
        return told

    def _stages(self) -> Iterator[tuple[Stage, Iterator[Batch]]]:
        current: Stage | None = None
        sampler: Iterator[Batch] = iter(())
        while True:
            stage, _ = self.recipe.at(self.step)
            if stage is not current:
                current = stage
                if stage.freeze_space:
                    self._freeze_space()
                self._meet_opponent(stage)
                clips = load_clips(self.cache, "train", side=max(stage.size_px, 256))
                seed = self.recipe.seed * 1000003 + self.step * self.world + self.rank
                sampler = PairSampler(
                    clips,
                    self.basis,
                    size=stage.size_px,
                    portraits=stage.portraits,
                    targets=stage.targets,
                    seed=seed,
                    real_weight=stage.real_weight,
                    draw=Draw(**stage.draw),
                    fields=self.fields,
                ).prefetch()
            yield stage, sampler

    def run(self, *, minutes: float | None = None, steps: int | None = None) -> None:
        """Train until the recipe's end, a time limit or a number of further steps; an interrupt saves first."""
        last = self.recipe.total_steps if steps is None else self.step + steps
        self.train_until(last, minutes)

    def check(self) -> dict[str, Any] | None:
        """Figures and a sheet of fixed validation pictures, by the first process."""
        if self.rank:
            return None
        if self._checker is None:
            self._checker = Checker(
                self.cache, self.basis, self.perceptual, self.out, self.device, fields=self.fields
            )
        return self._checker.run(self.model, self.ema, self.step)

    def _freeze_space(self) -> None:
        """Give the CNN its averaged weights as they will be exported (fp16), and keep them."""
        with torch.no_grad():
            for name, parameter in self.model.cnn.named_parameters():
                parameter.copy_(self.ema[f"cnn.{name}"].half().float())
                self.ema[f"cnn.{name}"].copy_(parameter)
                parameter.requires_grad_(False)
                parameter.grad = None

    def _meet_opponent(self, stage: Stage) -> None:
        """A stage with an adversarial weight has a discriminator, the run's own if there was one before."""
        if not stage.weights.get("adversarial"):
            self.opponent = None
        elif self.opponent is None:
            self.opponent = Opponent(self.device)
            if self._opponent_path.is_file():
                self.opponent.load(self._opponent_path)

    def agreed(self, over: bool) -> bool:
        """Processes must stop at the same step, whatever their clocks say: the first one decides."""
        if self.world == 1:
            return over
        flag = torch.tensor([float(over)], device=self.device)
        torch.distributed.broadcast(flag, 0)
        return bool(flag.item())


def parameter_groups(model: torch.nn.Module) -> list[dict[str, Any]]:
    """Landmark widths and what chooses between portraits: few numbers, many pixels, faster steps."""
    named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    fast = [n for n, _ in named if "landmark_flow" in n or "fusion" in n]
    return [
        dict(params=[p for n, p in named if n not in fast], scale=1.0),
        dict(params=[p for n, p in named if n in fast], scale=5.0),
    ]
