"""What the codec must reach on the validation clips, beside what it reaches."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

Summary: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Target:
    """A bar for one figure of a run's summary: the least and the greatest value that reach it, both included.

    Attributes:
        name: for a person.
        value: takes the figure from `Results.summary`.
        least: None for no such limit.
        most: None for no such limit.
    """

    name: str
    value: Callable[[Summary], float]
    least: float | None = None
    most: float | None = None

    def met(self, summary: Summary) -> bool:
        """Whether the bar is reached; a figure that could not be measured does not reach it."""
        value = self.value(summary)
        return (
            not math.isnan(value)
            and (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
        )

    def __str__(self) -> str:
        if self.least is not None and self.most is not None:
            return f"{self.least:g} to {self.most:g}"
        return f"at least {self.least:g}" if self.least is not None else f"at most {self.most:g}"


def _gain(name: str) -> Callable[[Summary], float]:
    return lambda summary: float(summary["gain"][f"{name}_per_clip"])


def _score(name: str) -> Callable[[Summary], float]:
    return lambda summary: float(summary["scores"][name])


TARGETS = (
    Target("perceptual distance, share of the still portrait's", _gain("perc"), most=0.45),
    Target("landmark distance, share of the still portrait's", _gain("lmd"), most=0.15),
    Target("mouth distance, share of the still portrait's", _gain("lmd_mouth"), most=0.20),
    Target("PSNR over the still portrait, dB", _gain("psnr_db"), least=4.0),
    Target("sharpness (CPBD) over the source's", _gain("cpbd_of_source"), least=0.9, most=1.1),
    Target("jitter", _score("jitter"), least=0.9, most=1.15),
    Target("identity distance", _score("id_dist"), most=0.20),
    Target(
        "clips perceptually no better than their still portrait",
        lambda s: float(s["clips_worse_than_still"]),
        most=0,
    ),
    Target("encode, frames/s (median)", lambda s: float(s["encode_fps"]), least=25.0),
    Target("decode, frames/s (median)", lambda s: float(s["decode_fps"]), least=25.0),
    Target("motion, kbit/s", lambda s: float(s["rates"]["motion_kbps"]), most=6.0),
    Target(
        "indices identical after decode (1: all)", lambda s: float(s["tokens_identical"]), least=1
    ),
    Target("frames kept (1: all)", lambda s: float(s["frames_kept"]), least=1),
)
"""Bars at four layers over the 24 validation clips, two CPU cores. Shares, gains and CPBD are means over clips of each
clip's own; the rest are means over clips, or medians where it says so."""


def missed(summary: Summary) -> tuple[Target, ...]:
    """The bars that a run doesn't reach."""
    return tuple(target for target in TARGETS if not target.met(summary))
