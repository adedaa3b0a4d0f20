"""Searching offsets of a group's motion: gradient steps, and the cheapest way through what was tried."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

_RATE_UNITS = 2.0
_LAST_RATE = 0.3
_MOMENTUM, _MEMORY = 0.8, 0.9

Floats = NDArray[np.float64]


@dataclass(slots=True)
class OffsetSteps:
    """Adam on a group's offsets: a gradient's size is judged over the whole group, so that quiet frames stay quiet.

    Attributes:
        count: steps planned; the rate falls to _LAST_RATE of itself until the last.
    """

    count: int
    done: int = 0
    mean: Floats = field(default_factory=lambda: np.zeros(0))
    power: Floats = field(default_factory=lambda: np.zeros(0))

    def take(self, gradient: Floats) -> Floats:
        """(T, D) gradient -> (T, D) change of the offsets, in units."""
        if self.done == 0:
            self.mean, self.power = np.zeros_like(gradient), np.zeros(gradient.shape[1])
        share = self.done / max(self.count - 1, 1)
        self.done += 1
        self.mean = _MOMENTUM * self.mean + (1 - _MOMENTUM) * gradient
        self.power = _MEMORY * self.power + (1 - _MEMORY) * (gradient**2).mean(0)
        size = np.sqrt(self.power / (1 - _MEMORY**self.done))
        rate = _RATE_UNITS * (1 - (1 - _LAST_RATE) * share)
        return -rate * self.mean / (1 - _MOMENTUM**self.done) / np.maximum(size, 1e-12)


def cheapest_path(
    cost: Floats, offsets: Floats, weight: Floats, before: Floats | None = None
) -> NDArray[np.intp]:
    """For each frame one of K tries, so that costs plus jumps between neighbours are least (Viterbi).

    Args:
        cost: (K, T) of each try.
        offsets: (K, T, D) of each try.
        weight: (D,) price of a squared jump of one unit.
        before: (D,) offset of the frame before; None when there is none.

    Returns:
        (T,) numbers of tries.
    """
    tries, frames = cost.shape
    scaled = offsets * np.sqrt(weight)
    total = cost[:, 0].copy()
    if before is not None:
        total += ((scaled[:, 0] - before * np.sqrt(weight)) ** 2).sum(-1)
    came_from = np.zeros((frames, tries), np.intp)
    for t in range(1, frames):
        jump = ((scaled[:, None, t] - scaled[None, :, t - 1]) ** 2).sum(-1)  # (to, from)
        way = total + jump
        came_from[t] = way.argmin(1)
        total = way.min(1) + cost[:, t]
    path = np.zeros(frames, np.intp)
    path[-1] = total.argmin()
    for t in range(frames - 1, 0, -1):
        path[t - 1] = came_from[t, path[t]]
    return path
