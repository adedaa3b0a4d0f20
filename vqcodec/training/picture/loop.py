"""The training loop: steps, averages, logs, checks and checkpoints."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.training.common import checkpoint
from vqcodec.training.common.recipe import Recipe, Stage
from vqcodec.training.picture.batches import to_tensors
from vqcodec.training.picture.check import Checker
from vqcodec.training.picture.data import Batch, Draw, PairSampler, load_clips
from vqcodec.training.picture.discriminator import Opponent
from vqcodec.training.picture.losses import PerceptualLoss
from vqcodec.training.picture.model import Tokenizer
from vqcodec.training.picture.objective import Look, Objective

LOG_EVERY = 100


class _Meter:
    """Means of what steps report, and the time they took."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.count, self.started = 0, time.monotonic()
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def add(self, values: dict[str, float]) -> None:
        self.count += 1
        for key, value in values.items():  # not every step has every loss
            self._sums[key] = self._sums.get(key, 0.0) + value
            self._counts[key] = self._counts.get(key, 0) + 1

    def take(self) -> tuple[float, dict[str, float]]:
        """Seconds since the last call, and means by name with "count"."""
        elapsed = time.monotonic() - self.started
        means = {k: round(v / self._counts[k], 5) for k, v in self._sums.items()} | {
            "count": self.count
        }
        self.restart()
        return elapsed, means


class Trainer:
    """Runs a recipe; everything it makes goes to one folder: checkpoint, log.jsonl, sheets."""

    def __init__(
        self, recipe: Recipe, basis: LandmarkBasis, cache: Path, out: Path, *, device: torch.device
    ) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.basis, self.cache, self.out, self.device = (
            recipe,
            basis,
            cache,
            out,
            device,
        )
        out.mkdir(parents=True, exist_ok=True)
        self.model = Tokenizer(basis).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.perceptual = PerceptualLoss().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        if recipe.keep_motion_space:
            checkpoint.load_shipped(self.model, None)
            self.model.cnn.requires_grad_(False)
        self._losses = Objective(self.model, self.perceptual)
        self.objective: torch.nn.Module = self._losses
        self.opponent: Opponent | None = None
        self.rank, self.world = 0, 1
        if torch.distributed.is_initialized():
            self.rank, self.world = torch.distributed.get_rank(), torch.distributed.get_world_size()
            # a stage trains only part of the network
            self.objective = torch.nn.parallel.DistributedDataParallel(
                self.objective, find_unused_parameters=True
            )
        self.optimizer = torch.optim.AdamW(
            self._parameter_groups(), lr=1e-3, betas=(0.9, 0.99), weight_decay=1e-4
        )
        self.ema = {n: p.detach().clone() for n, p in self.model.named_parameters()}
        self.step, self.trained_s = 0, 0.0

    @property
    def checkpoint_path(self) -> Path:
        """Where this run keeps its state."""
        return self.out / "checkpoint.safetensors"

    @property
    def _opponent_path(self) -> Path:
        return self.out / "discriminator.safetensors"

    def resume(self) -> None:
        """Go on from the checkpoint in the output folder; if there is none, from the shipped weights."""
        if not self.checkpoint_path.is_file():
            checkpoint.load_shipped(self.model, self.ema)
            return
        facts = checkpoint.load(self.checkpoint_path, self.model, self.ema, self.optimizer)
        self.step, self.trained_s = int(facts["step"]), float(facts["trained_s"])

    def save(self) -> None:
        """Write the checkpoint (the first process only)."""
        if self.rank:
            return
        checkpoint.save(
            self.checkpoint_path,
            self.model,
            self.ema,
            self.optimizer,
            dict(step=self.step, trained_s=self.trained_s, recipe=self.recipe.name),
        )
        if self.opponent is not None:
            self.opponent.save(self._opponent_path)

    def _parameter_groups(self) -> list[dict[str, Any]]:
        """The landmark widths are single numbers that many pixels depend on: they may move faster than the weights."""
        named = [(n, p) for n, p in self.model.named_parameters() if p.requires_grad]
        widths = [p for n, p in named if "landmark_flow" in n]
        return [
            dict(params=[p for n, p in named if "landmark_flow" not in n], scale=1.0),
            dict(params=widths, scale=5.0),
        ]

    def _rate(self, stage: Stage, step: int) -> float:
        done = min(step / stage.steps, 1.0)
        rate = stage.lr_end + (stage.lr - stage.lr_end) * 0.5 * (1 + math.cos(math.pi * done))
        return rate * min(1.0, (step + 1) / stage.warmup)

    def train_step(self, batch: dict[str, Tensor], stage: Stage, step: int) -> dict[str, float]:
        """One optimizer step; returns the losses."""
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate(stage, step) * group["scale"]
        with torch.autocast(self.device.type, torch.bfloat16):
            losses = self.objective(
                batch,
                stage.size_px == 512,
                None if self.opponent is None else self.opponent.net,
                Look(stage.enlarged, stage.enlarged_gain),
            )
            total = torch.stack([stage.weights[k] * v.float() for k, v in losses.items()]).sum()
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
        if torch.isfinite(norm):
            self.optimizer.step()
            with torch.no_grad():
                decay = min(self.recipe.ema, (1 + self.step) / (10 + self.step))
                names = list(self.ema)
                parameters = dict(self.model.named_parameters())
                torch._foreach_lerp_(
                    [self.ema[n] for n in names], [parameters[n] for n in names], 1 - decay
                )
        told = {**{k: float(v.detach()) for k, v in losses.items()}, "norm": float(norm)}
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
                ).prefetch()
            yield stage, sampler

    def run(self, *, minutes: float | None = None, steps: int | None = None) -> None:
        """Train until the recipe's end, a time limit or a number of further steps; an interrupt saves first."""
        last = self.recipe.total_steps if steps is None else self.step + steps
        deadline = math.inf if minutes is None else time.monotonic() + minutes * 60
        try:
            self._run(last, deadline)
        finally:
            self.save()

    def _run(self, last: int, deadline: float) -> None:
        checker = (
            None
            if self.rank
            else Checker(self.cache, self.basis, self.perceptual, self.out, self.device)
        )
        meter = _Meter()
        saved = time.monotonic()
        for stage, sampler in self._stages():
            meter.add(
                self.train_step(
                    to_tensors(next(sampler), self.device), stage, self.recipe.at(self.step)[1]
                )
            )
            self.step += 1
            over = self._agreed(self.step >= last or time.monotonic() > deadline)
            if meter.count == LOG_EVERY or over:
                elapsed, values = meter.take()
                self.trained_s += elapsed
                pairs = values.pop("count") * stage.portraits * stage.targets * self.world
                self._log(
                    dict(
                        stage=stage.name,
                        step=self.step,
                        trained_s=round(self.trained_s),
                        pairs_per_s=round(pairs / elapsed, 2),
                        **values,
                    )
                )
            if self.step % self.recipe.check_every == 0 or over:
                if checker is not None:
                    self._log(
                        dict(step=self.step, check=checker.run(self.model, self.ema, self.step))
                    )
                meter.restart()
            if time.monotonic() - saved > self.recipe.save_every_s:
                self.save()
                saved = time.monotonic()
            if over:
                return

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

    def _agreed(self, over: bool) -> bool:
        """Processes must stop at the same step, whatever their clocks say: the first one decides."""
        if self.world == 1:
            return over
        flag = torch.tensor([float(over)], device=self.device)
        torch.distributed.broadcast(flag, 0)
        return bool(flag.item())

    def _log(self, entry: dict[str, Any]) -> None:
        if self.rank:
            return
        with (self.out / "log.jsonl").open("a") as handle:
            handle.write(json.dumps(entry) + "\n")
