"""The loop that every trainer of this package runs: steps, averages, logs, checks and checkpoints.

    advance() -> losses ──► Meter ──► log.jsonl         every `log_every` steps
       ▲ update(total): clip, optimizer, averages
    check()                       ──► log.jsonl         every `check_every` steps
    save()                        ──► checkpoint        every `save_every_s` seconds, and at the end, whatever ends it

A trainer says what a step is (`advance`) and what is measured (`check`); the rest is here.
"""

from __future__ import annotations

import json
import math
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vqcodec.training.common import checkpoint


def cosine_rate(step: int, *, steps: int, lr: float, lr_end: float, warmup: int) -> float:
    """Learning rate of a step: a linear warm-up under half a cosine from `lr` to `lr_end`."""
    done = min(step / steps, 1.0)
    rate = lr_end + (lr - lr_end) * 0.5 * (1 + math.cos(math.pi * done))
    return rate * min(1.0, (step + 1) / warmup)


@dataclass(frozen=True, slots=True)
class Pace:
    """How a loop goes.

    Attributes:
        ema: decay of the averaged weights, which are the ones exported.
        clip_norm: largest norm of a gradient.
        log_every: steps between entries of the log.
        check_every: steps between checks.
        save_every_s: seconds between checkpoints.
    """

    ema: float
    clip_norm: float
    log_every: int
    check_every: int
    save_every_s: float


class Meter:
    """Means of what steps report, and the time they took."""

    def __init__(self) -> None:
        self._restart()

    def _restart(self) -> None:
        self.count, self._started = 0, time.monotonic()
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def add(self, values: dict[str, float]) -> None:
        """What one step reports; not every step has every value."""
        self.count += 1
        for key, value in values.items():
            self._sums[key] = self._sums.get(key, 0.0) + value
            self._counts[key] = self._counts.get(key, 0) + 1

    def leave_out(self, seconds: float) -> None:
        """Time since the last `take` that wasn't spent on steps."""
        self._started += seconds

    def take(self) -> tuple[int, float, dict[str, float]]:
        """Steps and seconds since the last call, and the means of their values."""
        elapsed, count = max(time.monotonic() - self._started, 1e-9), self.count
        means = {key: round(total / self._counts[key], 5) for key, total in self._sums.items()}
        self._restart()
        return count, elapsed, means


class Loop(ABC):
    """Runs one network's training in a folder: checkpoint.safetensors and log.jsonl.

    Attributes:
        model: with the weights of the last step.
        optimizer: its groups may have a "scale" of the learning rate.
        ema: averaged weights by name.
        step: steps done.
        trained_s: seconds of them.
        rank: of this process; only the first one writes.
    """

    rank = 0

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        out: Path,
        device: torch.device,
        pace: Pace,
    ) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self.model, self.optimizer, self.out, self.device, self.pace = (
            model,
            optimizer,
            out,
            device,
            pace,
        )
        self.ema = {n: p.detach().clone() for n, p in model.named_parameters()}
        self.step, self.trained_s = 0, 0.0

    @abstractmethod
    def advance(self) -> dict[str, float]:
        """Draw a batch and make one step with `update`; returns what the log tells of it."""

    @abstractmethod
    def check(self) -> dict[str, Any] | None:
        """Figures of the averaged weights for the log, or None."""

    def pace_facts(self, count: int, elapsed_s: float) -> dict[str, Any]:
        """What an entry of the log says of the speed of so many steps."""
        return {"steps_per_s": round(count / elapsed_s, 3)}

    def checkpoint_facts(self) -> dict[str, Any]:
        """What a checkpoint says beside steps and seconds."""
        return {}

    def agreed(self, over: bool) -> bool:
        """Whether to stop, for all processes that train together."""
        return over

    @property
    def checkpoint_path(self) -> Path:
        """Where this run keeps its state."""
        return self.out / "checkpoint.safetensors"

    def restore(self) -> bool:
        """Take over the folder's checkpoint; False if there is none.

        Raises:
            ModelError: it isn't one of this trainer.
        """
        if not self.checkpoint_path.is_file():
            return False
        facts = checkpoint.load(self.checkpoint_path, self.model, self.ema, self.optimizer)
        self.step, self.trained_s = int(facts["step"]), float(facts["trained_s"])
        return True

    def save(self) -> None:
        """Write the checkpoint (the first process only)."""
        if self.rank:
            return
        facts = {"step": self.step, "trained_s": self.trained_s, **self.checkpoint_facts()}
        checkpoint.save(self.checkpoint_path, self.model, self.ema, self.optimizer, facts)

    def update(self, total: Tensor, rate: float) -> float:
        """One step of the optimizer and the averages; a gradient that isn't finite is left out.

        Args:
            total: the loss, a number.
            rate: learning rate, times the scale of each group.

        Returns:
            The gradient's norm before it was clipped.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group.get("scale", 1.0)
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.pace.clip_norm)
        if torch.isfinite(norm):
            self.optimizer.step()
            decay = min(self.pace.ema, (1 + self.step) / (10 + self.step))
            parameters = dict(self.model.named_parameters())
            with torch.no_grad():
                torch._foreach_lerp_(
                    list(self.ema.values()), [parameters[n] for n in self.ema], 1 - decay
                )
        return float(norm)

    def train_until(self, last: int, minutes: float | None) -> None:
        """Train until a step or a time limit; whatever ends it, the checkpoint is written."""
        deadline = math.inf if minutes is None else time.monotonic() + 60 * minutes
        try:
            self._train(last, deadline)
        finally:
            self.save()

    def _train(self, last: int, deadline: float) -> None:
        meter, saved, over = Meter(), time.monotonic(), False
        while not over:
            meter.add(self.advance())
            self.step += 1
            over = self.agreed(self.step >= last or time.monotonic() > deadline)
            if meter.count == self.pace.log_every or over:
                self._log_steps(*meter.take())
            if self.step % self.pace.check_every == 0 or over:
                meter.leave_out(self._checked())
            if time.monotonic() - saved > self.pace.save_every_s:
                self.save()
                saved = time.monotonic()

    def _log_steps(self, count: int, elapsed_s: float, means: dict[str, float]) -> None:
        self.trained_s += elapsed_s
        facts = {"step": self.step, "trained_s": round(self.trained_s)}
        self.log({**facts, **self.pace_facts(count, elapsed_s), **means})

    def _checked(self) -> float:
        """Check and log; the seconds that took."""
        begun = time.monotonic()
        found = self.check()
        if found is not None:
            self.log({"step": self.step, "check": found})
        return time.monotonic() - begun

    def log(self, entry: dict[str, Any]) -> None:
        """One line of log.jsonl (the first process only)."""
        if self.rank:
            return
        with (self.out / "log.jsonl").open("a") as handle:
            handle.write(json.dumps(entry) + "\n")
