"""The loop of the small networks of speech: one loss, a warm-up and a cosine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vqcodec.training.common.loop import Loop, Pace, cosine_rate

LOG_EVERY = 50

Batch = dict[str, Tensor]
Losses = Callable[[nn.Module, Batch], dict[str, Tensor]]
Check = Callable[[nn.Module], dict[str, Any]]


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
        return cosine_rate(
            step, steps=self.steps, lr=self.lr, lr_end=self.lr_end, warmup=self.warmup
        )


class PlainLoop(Loop):
    """Runs one network's training in a folder; see `Loop`.

    Args:
        model: trainable parameters.
        schedule: see there.
        out: the folder.
        device: where it runs.
    """

    def __init__(
        self, model: nn.Module, schedule: Schedule, out: Path, device: torch.device
    ) -> None:
        self.schedule = schedule
        bare = [p for p in model.parameters() if p.ndim < 2]
        full = [p for p in model.parameters() if p.ndim >= 2]
        optimizer = torch.optim.AdamW(
            [dict(params=full, weight_decay=schedule.decay), dict(params=bare, weight_decay=0.0)],
            lr=schedule.lr,
            betas=(0.9, 0.98),
        )
        pace = Pace(schedule.ema, 1.0, LOG_EVERY, schedule.check_every, schedule.save_every_s)
        super().__init__(model.to(device), optimizer, out, device, pace)

    def resume(self) -> None:
        """Go on from the folder's checkpoint, if there is one."""
        self.restore()

    def averaged(self) -> nn.Module:
        """The model itself with the averaged weights in; `run` puts the others back."""
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                parameter.copy_(self.ema[name])
        return self.model

    def run(
        self,
        batches: Iterator[Batch],
        losses: Losses,
        figures: Check,
        *,
        minutes: float | None = None,
        steps: int | None = None,
    ) -> None:
        """Train until the schedule's end, a time limit or a number of further steps.

        Args:
            batches: endless.
            losses: model and batch -> losses by name, among them "total".
            figures: model with averaged weights -> figures for the log.
            minutes: time limit.
            steps: limit of further steps.
        """
        last = self.schedule.steps if steps is None else min(self.step + steps, self.schedule.steps)
        self._batches, self._losses, self._figures = batches, losses, figures
        self.model.train()
        if self.step < last:
            self.train_until(last, minutes)
        else:
            self.save()

    def advance(self) -> dict[str, float]:
        """One step of the one loss."""
        batch = {k: v.to(self.device) for k, v in next(self._batches).items()}
        with torch.autocast(self.device.type, torch.bfloat16):
            losses = self._losses(self.model, batch)
        norm = self.update(losses["total"], self.schedule.rate(self.step))
        return {**{k: float(v.detach()) for k, v in losses.items()}, "norm": norm}

    def check(self) -> dict[str, Any]:
        """Figures of the averaged weights; the others are put back."""
        kept = {n: p.detach().clone() for n, p in self.model.named_parameters()}
        self.averaged().eval()
        with torch.inference_mode():
            found = self._figures(self.model)
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                parameter.copy_(kept[name])
        self.model.train()
        return found
