"""What the codec must reach on the validation clips, beside what it reaches."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

Summary: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Target:
    """A bar for one figure of a run's summary.

    Attributes:
        name: for a person.
        bar: the value to reach.
        at_least: reach means not below; otherwise not above.
        value: takes the figure from `Results.summary`.
    """

    name: str
    bar: float
    at_least: bool
    value: Callable[[Summary], float]

    def met(self, summary: Summary) -> bool:
        """Whether the bar is reached; a figure that could not be measured does not reach it."""
        value = self.value(summary)
        return value >= self.bar if self.at_least else value <= self.bar

    def __str__(self) -> str:
        return f"{'at least' if self.at_least else 'at most'} {self.bar:g}"


TARGETS = (
    Target("motion, kbit/s", 6.0, False, lambda s: float(s["rates"]["motion_kbps"])),
    Target("indices identical after decode (1: all)", 1, True, lambda s: float(s["tokens_identical"])),
    Target("frames kept (1: all)", 1, True, lambda s: float(s["frames_kept"])),
    Target("PSNR over the still portrait, dB", 2.0, True, lambda s: float(s["gain"]["psnr_db"])),
    Target("landmark distance, share of the still portrait's", 0.20, False, lambda s: float(s["gain"]["lmd"])),
    Target("perceptual distance, share of the still portrait's", 0.62, False, lambda s: float(s["gain"]["perc"])),
    Target("encode, frames/s", 25.0, True, lambda s: float(s["encode_fps"])),
    Target("decode, frames/s", 25.0, True, lambda s: float(s["decode_fps"])),
)
"""Bars at four layers over the 24 validation clips, two CPU cores."""
