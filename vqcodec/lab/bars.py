"""What the codec must reach on the validation clips, beside what it reaches, and beside published systems.

    python -m vqcodec.lab bars results.json

RESULTS is the JSON of `vqcodec validate`. The bars are this project's own, for its validation clips.
"""

from __future__ import annotations

import math
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from rich.console import Console
from rich.table import Table

from vqcodec.evaluation.validate.record import ValidationResults
from vqcodec.lab.command import perform
from vqcodec.lab.paper.steadytable import terminal

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


def show(results: ValidationResults, console: Console) -> None:
    """Print the bars of the run with most layers, and its steady-camera clips beside published systems."""
    best = max(results.runs, key=lambda run: run.layers)
    summary = results.summary(best)
    table = Table(title=f"bars, {best.layers} layers", title_justify="left")
    for head in ("", "bar", "figure", ""):
        table.add_column(head)
    for target in TARGETS:
        met = "reached" if target.met(summary) else "MISSED"
        table.add_row(target.name, str(target), f"{target.value(summary):.3f}", met)
    console.print(table)
    short = missed(summary)
    console.print(
        f"bars missed: {len(short)} of {len(TARGETS)}"
        + "".join(f"\n  {target.name}" for target in short)
    )
    steady = terminal(results)
    if steady is not None:
        console.print(steady)


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("results", type=Path, help="JSON of vqcodec validate")


def _job(options: Namespace) -> int:
    results = ValidationResults.load(options.results)
    show(results, Console())
    best = max(results.runs, key=lambda run: run.layers)
    return int(bool(missed(results.summary(best))))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code: 0, or 1 when a bar is missed."""
    return perform("bars", _options, _job, arguments)
