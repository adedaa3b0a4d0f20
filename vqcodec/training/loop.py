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

from vqcodec.models.basis import LandmarkBasis
from vqcodec.training import checkpoint
from vqcodec.training.check import Checker
from vqcodec.training.data import Batch, PairSampler, load_clips
from vqcodec.training.losses import PerceptualLoss, flow_smoothness, landmark_flow_error, random_window, region_weight, weighted_l1
from vqcodec.training.model import Tokenizer
from vqcodec.training.recipe import Recipe, Stage


PERCEPTUAL_SHARE = 0.75  # of the picture's side: the perceptual network is a third of a step's cost


def to_tensors(batch: Batch, device: torch.device) -> dict[str, Tensor]:
    """Numpy batch of PairSampler -> tensors: images channel-first in 0..1 channels-last in memory, K folded into N."""
    out: dict[str, Tensor] = {}
    for key, value in batch.items():
        x = torch.from_numpy(value)
        if key in ("target", "maps_t", "lm_t", "true_t", "delta", "layers"):
            x = x.flatten(0, 1)
        if key in ("source", "target"):
            x = x.permute(0, 3, 1, 2)
        x = x.to(device, non_blocking=True)
        if x.dtype == torch.uint8:
            x = x.float().div(255).contiguous(memory_format=torch.channels_last)
        if key in ("lm_s", "lm_t", "true_s", "true_t"):
            x = x * 2 - 1
        out[key] = x
    return out


def losses_of(model: Tokenizer, perceptual: PerceptualLoss, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Every loss by name, unweighted."""
    rendering, learned_units = model(batch)
    target = batch["target"]
    weight = region_weight(batch["maps_t"], target.shape[-1])
    true_s = batch["true_s"].repeat_interleave(len(target) // len(batch["source"]), 0)
    return dict(
        output=weighted_l1(rendering.output, target, weight),
        generated=weighted_l1(rendering.generated, target, weight),
        warped=weighted_l1(rendering.warped, target, weight),
        perceptual=perceptual(*random_window(rendering.output, target, share=PERCEPTUAL_SHARE)).mean(),
        landmark=landmark_flow_error(rendering.flow128, true_s, batch["true_t"]),
        smooth=flow_smoothness(rendering.flow64),
        rate=learned_units.abs().mean())


class Trainer:
    """Runs a recipe; everything it makes goes to one folder: checkpoint, log.jsonl, sheets."""

    def __init__(self, recipe: Recipe, basis: LandmarkBasis, cache: Path, out: Path, *, device: torch.device) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.basis, self.cache, self.out, self.device = recipe, basis, cache, out, device
        out.mkdir(parents=True, exist_ok=True)
        self.model = Tokenizer(basis).to(device).to(memory_format=torch.channels_last)
        self.perceptual = PerceptualLoss().to(device).to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-3, betas=(0.9, 0.99), weight_decay=1e-4)
        self.ema = {n: p.detach().clone() for n, p in self.model.named_parameters()}
        self.step, self.trained_s = 0, 0.0

    @property
    def checkpoint_path(self) -> Path:
        """Where this run keeps its state."""
        return self.out / "checkpoint.safetensors"

    def resume(self) -> None:
        """Go on from the checkpoint in the output folder."""
        facts = checkpoint.load(self.checkpoint_path, self.model, self.ema, self.optimizer)
        self.step, self.trained_s = int(facts["step"]), float(facts["trained_s"])

    def save(self) -> None:
        """Write the checkpoint."""
        checkpoint.save(self.checkpoint_path, self.model, self.ema, self.optimizer,
                        dict(step=self.step, trained_s=self.trained_s, recipe=self.recipe.name))

    def _rate(self, stage: Stage, step: int) -> float:
        done = min(step / stage.steps, 1.0)
        rate = stage.lr_end + (stage.lr - stage.lr_end) * 0.5 * (1 + math.cos(math.pi * done))
        return rate * min(1.0, (step + 1) / stage.warmup)

    def train_step(self, batch: dict[str, Tensor], stage: Stage, step: int) -> dict[str, float]:
        """One optimizer step; returns the losses."""
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate(stage, step)
        with torch.autocast(self.device.type, torch.bfloat16):
            losses = losses_of(self.model, self.perceptual, batch)
            total = torch.stack([stage.weights[k] * v.float() for k, v in losses.items()]).sum()
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
        if torch.isfinite(norm):
            self.optimizer.step()
            with torch.no_grad():
                decay = min(self.recipe.ema, (1 + self.step) / (10 + self.step))
                names = list(self.ema)
                parameters = dict(self.model.named_parameters())
                torch._foreach_lerp_([self.ema[n] for n in names], [parameters[n] for n in names], 1 - decay)
        return {**{k: float(v.detach()) for k, v in losses.items()}, "norm": float(norm)}

    def _stages(self) -> Iterator[tuple[Stage, Iterator[Batch]]]:
        current: Stage | None = None
        sampler: Iterator[Batch] = iter(())
        clips = load_clips(self.cache, "train")
        while True:
            stage, _ = self.recipe.at(self.step)
            if stage is not current:
                current = stage
                sampler = PairSampler(clips, self.basis, size=stage.size_px, portraits=stage.portraits,
                                      targets=stage.targets, seed=self.recipe.seed * 1000003 + self.step,
                                      real_weight=stage.real_weight).prefetch()
            yield stage, sampler

    def run(self, *, minutes: float | None = None, steps: int | None = None) -> None:
        """Train until the recipe's end, a time limit or a number of further steps."""
        checker = Checker(self.cache, self.basis, self.perceptual, self.out, self.device)
        started = saved = logged = time.monotonic()
        last = self.recipe.total_steps if steps is None else self.step + steps
        sums: dict[str, float] = {}
        count = 0
        for stage, sampler in self._stages():
            values = self.train_step(to_tensors(next(sampler), self.device), stage, self.recipe.at(self.step)[1])
            self.step += 1
            count += 1
            sums = {k: sums.get(k, 0.0) + v for k, v in values.items()}
            now = time.monotonic()
            over = self.step >= last or (minutes is not None and now - started > minutes * 60)
            if count == 100 or over:
                self.trained_s += now - logged
                self._log(dict(stage=stage.name, step=self.step, trained_s=round(self.trained_s),
                               pairs_per_s=round(count * stage.portraits * stage.targets / (now - logged), 2),
                               **{k: round(v / count, 5) for k, v in sums.items()}))
                sums, count, logged = {}, 0, now
            if self.step % self.recipe.check_every == 0 or over:
                self._log(dict(step=self.step, check=checker.run(self.model, self.ema, self.step)))
                logged = time.monotonic()
            if over or now - saved > self.recipe.save_every_s:
                self.save()
                saved = now
            if over:
                return

    def _log(self, entry: dict[str, Any]) -> None:
        with (self.out / "log.jsonl").open("a") as handle:
            handle.write(json.dumps(entry) + "\n")
