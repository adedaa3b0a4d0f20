"""A training loop for the small networks of speech: one loss, a warm-up and a cosine, averaged weights, checkpoints, a log."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vqcodec.training.common import checkpoint

LOG_EVERY = 50

Batch = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Schedule:
    """The numbers that shape a run.

    Attributes:
        steps: of the optimizer.
        lr, lr_end: peak learning rate, and where the cosine ends.
        warmup: steps until the peak.
        ema: decay of the averaged weights, which are the ones exported.
        decay: weight decay.
        check_every: steps between checks on held-out training material.
        save_every_s: seconds between checkpoints.
        seed: of everything random.
    """

    steps: int
    lr: float
    lr_end: float
    warmup: int = 200
    ema: float = 0.998
    decay: float = 0.01
    check_every: int = 500
    save_every_s: float = 120
    seed: int = 0

    def rate(self, step: int) -> float:
        """Learning rate of a step."""
        done = min(step / self.steps, 1.0)
        rate = self.lr_end + (self.lr - self.lr_end) * 0.5 * (1 + math.cos(math.pi * done))
        return rate * min(1.0, (step + 1) / self.warmup)


class PlainLoop:
    """Runs one network's training in a folder: checkpoint.safetensors and log.jsonl.

    Attributes:
        model: with the weights of the last step.
        ema: averaged weights by name.
        step: steps done.
    """

    def __init__(
        self, model: nn.Module, schedule: Schedule, out: Path, device: torch.device
    ) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self.model, self.schedule, self.out, self.device = model.to(device), schedule, out, device
        bare = [p for p in model.parameters() if p.ndim < 2]
        full = [p for p in model.parameters() if p.ndim >= 2]
        self.optimizer = torch.optim.AdamW(
            [dict(params=full, weight_decay=schedule.decay), dict(params=bare, weight_decay=0.0)],
            lr=schedule.lr,
            betas=(0.9, 0.98),
        )
        self.ema = {n: p.detach().clone() for n, p in model.named_parameters()}
        self.step, self.trained_s = 0, 0.0

    @property
    def path(self) -> Path:
        """The checkpoint."""
        return self.out / "checkpoint.safetensors"

    def resume(self) -> None:
        """Go on from the folder's checkpoint, if there is one."""
        if self.path.is_file():
            facts = checkpoint.load(self.path, self.model, self.ema, self.optimizer)
            self.step, self.trained_s = int(facts["step"]), float(facts["trained_s"])

    def save(self) -> None:
        """Write the checkpoint."""
        checkpoint.save(
            self.path,
            self.model,
            self.ema,
            self.optimizer,
            dict(step=self.step, trained_s=self.trained_s),
        )

    def averaged(self) -> nn.Module:
        """The model itself with the averaged weights in; `run` puts the others back."""
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                parameter.copy_(self.ema[name])
        return self.model

    def _update(self, losses: dict[str, Tensor]) -> dict[str, float]:
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule.rate(self.step)
        self.optimizer.zero_grad(set_to_none=True)
        losses["total"].backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        if torch.isfinite(norm):
            self.optimizer.step()
            decay = min(self.schedule.ema, (1 + self.step) / (10 + self.step))
            with torch.no_grad():
                parameters = dict(self.model.named_parameters())
                torch._foreach_lerp_(
                    list(self.ema.values()), [parameters[n] for n in self.ema], 1 - decay
                )
        return {**{k: float(v.detach()) for k, v in losses.items()}, "norm": float(norm)}

    def run(
        self,
        batches: Iterator[Batch],
        loss: Callable[[nn.Module, Batch], dict[str, Tensor]],
        check: Callable[[nn.Module], dict[str, Any]],
        *,
        minutes: float | None = None,
        steps: int | None = None,
    ) -> None:
        """Train until the schedule's end, a time limit or a number of further steps; an interrupt saves first.

        Args:
            batches: endless.
            loss: model and batch -> losses by name, among them "total".
            check: model with averaged weights -> figures for the log.
            minutes: time limit.
            steps: limit of further steps.
        """
        last = self.schedule.steps if steps is None else min(self.step + steps, self.schedule.steps)
        deadline = math.inf if minutes is None else time.monotonic() + 60 * minutes
        try:
            self._run(batches, loss, check, last, deadline)
        finally:
            self.save()

    def _run(
        self,
        batches: Iterator[Batch],
        loss: Callable[[nn.Module, Batch], dict[str, Tensor]],
        check: Callable[[nn.Module], dict[str, Any]],
        last: int,
        deadline: float,
    ) -> None:
        sums: dict[str, float] = {}
        count, begun, saved = 0, time.monotonic(), time.monotonic()
        self.model.train()
        while self.step < last:
            batch = {k: v.to(self.device) for k, v in next(batches).items()}
            with torch.autocast(self.device.type, torch.bfloat16):
                losses = loss(self.model, batch)
            for name, value in self._update(losses).items():
                sums[name] = sums.get(name, 0.0) + value
            self.step, count = self.step + 1, count + 1
            over = self.step >= last or time.monotonic() > deadline
            if count == LOG_EVERY or over:
                elapsed = time.monotonic() - begun
                self.trained_s += elapsed
                self._log(
                    dict(
                        step=self.step,
                        trained_s=round(self.trained_s),
                        steps_per_s=round(count / elapsed, 3),
                        **{k: round(v / count, 5) for k, v in sums.items()},
                    )
                )
                sums, count, begun = {}, 0, time.monotonic()
            if self.step % self.schedule.check_every == 0 or over:
                self._check(check)
                begun = time.monotonic()
            if time.monotonic() - saved > self.schedule.save_every_s:
                self.save()
                saved = time.monotonic()
            if over:
                return

    def _check(self, check: Callable[[nn.Module], dict[str, Any]]) -> None:
        kept = {n: p.detach().clone() for n, p in self.model.named_parameters()}
        self.averaged().eval()
        with torch.inference_mode():
            self._log(dict(step=self.step, check=check(self.model)))
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                parameter.copy_(kept[name])
        self.model.train()

    def _log(self, entry: dict[str, Any]) -> None:
        with (self.out / "log.jsonl").open("a") as handle:
            handle.write(json.dumps(entry) + "\n")
