"""A rate-distortion curve of the motion as plain values, JSON, a Markdown table and a picture.

    python -m vqcodec.lab.rate.rdcurve rdo.json --markdown PAGE.md [--check] [--plot curve.svg]

JSON: {"schema_version": 1, "conditions": {...}, "points": [{"strength", "layers", "motion_kbps", "perc", "lmd",
"lmd_mouth", "psnr_db"}, ...]}; figures are means over clips. The first point is what the others are compared with.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from vqcodec.evaluation.tools.extras import require
from vqcodec.evaluation.tools.files import load_json, save_json, told
from vqcodec.lab.marked import replaced
from vqcodec.types import LAYERS

SCHEMA_VERSION = 1
MARK = "rate-distortion"
COMMAND = "python -m vqcodec.lab.rate.rdcurve"


@dataclass(frozen=True, slots=True)
class Point:
    """One setting: mean figures over clips.

    Attributes:
        strength: of `encode --rdo`.
        layers: residual layers.
        motion_kbps: entropy-coded layers only.
        perc, lmd, lmd_mouth, psnr_db: as in metrics/suite.py.
    """

    strength: float
    layers: int
    motion_kbps: float
    perc: float
    lmd: float
    lmd_mouth: float
    psnr_db: float

    @classmethod
    def of(cls, strength: float, layers: int, clips: Sequence[dict[str, float]]) -> Point:
        """Mean over the clips."""
        names = [f.name for f in fields(cls)][2:]
        return cls(
            strength,
            layers,
            **{name: round(float(np.mean([c[name] for c in clips])), 6) for name in names},
        )

    @property
    def name(self) -> str:
        """For tables: what a user would type."""
        return f"`--layers {self.layers}`" if self.layers < LAYERS else f"`--rdo {self.strength:g}`"

    def growth(self, first: Point) -> dict[str, float]:
        """Relative change of the distances against another point."""
        return {
            key: getattr(self, key) / getattr(first, key) - 1
            for key in ("perc", "lmd", "lmd_mouth")
        }


@dataclass(frozen=True, slots=True)
class Curve:
    """All points, and under which conditions they were measured."""

    conditions: dict[str, Any]
    points: list[Point]

    def save(self, path: Path) -> None:
        """Write the JSON, whole or not at all."""
        save_json(
            path,
            {
                "schema_version": SCHEMA_VERSION,
                "conditions": self.conditions,
                "points": [asdict(p) for p in self.points],
            },
        )

    @classmethod
    def load(cls, path: Path) -> Curve:
        """Read the JSON.

        Raises:
            UsageError: it is something else.
        """

        def build(data: dict[str, Any]) -> Curve:
            return cls(data["conditions"], [Point(**p) for p in data["points"]])

        return load_json(
            path,
            SCHEMA_VERSION,
            build,
            what="a rate-distortion curve",
            command="python -m vqcodec.lab.rate.rdo",
        )


def table(curve: Curve) -> list[str]:
    """Markdown lines: rate, distances and their growth against the first point."""
    lines = [
        "| setting | motion, kbit/s | bits saved | PSNR, dB | perceptual distance | | landmark distance | | mouth | |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    first = curve.points[0]
    for p in curve.points:
        growth = p.growth(first)
        cells = [
            p.name,
            f"{p.motion_kbps:.2f}",
            f"{100 * (1 - p.motion_kbps / first.motion_kbps):.1f} %",
            f"{p.psnr_db:.2f}",
        ]
        for key, digits in (("perc", 4), ("lmd", 5), ("lmd_mouth", 5)):
            cells += [f"{getattr(p, key):.{digits}f}", f"{100 * growth[key]:+.1f} %"]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def caption(curve: Curve) -> str:
    """One sentence on the conditions."""
    known = curve.conditions
    return (
        f"{len(known['clips'])} clips, every {known['every']}th frame at {known['side_px']}x{known['side_px']}, means "
        f"over frames, then clips; growth against the first row; {known['date_utc']}; `{known['motion_space']}`, "
        f"`{known['renderer']}`."
    )


def show(curve: Curve) -> str:
    """The table for a terminal."""
    return "\n".join([*table(curve), caption(curve), ""])


def plot(curve: Curve, path: Path) -> None:
    """Draw perceptual and landmark distance, in the logarithm, over the rate (SVG or PNG, by the name)."""
    require("matplotlib", "drawing curves")
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "vqcodec"  # the same file each time
    matplotlib.rcParams["svg.fonttype"] = "none"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.4), constrained_layout=True)
    priced = [p for p in curve.points if p.layers == LAYERS]
    fewer = [priced[0]] + [p for p in curve.points if p.layers < LAYERS]
    for axis, key, name in zip(
        axes, ("perc", "lmd"), ("perceptual distance", "landmark distance"), strict=True
    ):
        # Okabe and Ito's blue and orange: told apart by everybody
        for points, colour, label, lift in (
            (fewer, "#E69F00", "--layers", 6),
            (priced, "#0072B2", "--rdo", -14),
        ):
            axis.plot(
                [p.motion_kbps for p in points],
                [getattr(p, key) for p in points],
                "o-",
                color=colour,
                label=label,
            )
            for p in points:
                text = f"{p.layers}" if points is fewer else f"{p.strength:g}"
                axis.annotate(
                    text,
                    (p.motion_kbps, getattr(p, key)),
                    textcoords="offset points",
                    xytext=(-3, lift),
                    fontsize=8,
                    color=colour,
                )
        axis.set(xlabel="motion, kbit/s", ylabel=f"{name} (lower is better)", yscale="log")
        axis.margins(y=0.15)
        axis.grid(alpha=0.3)
    axes[0].legend(frameon=False)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    pyplot.close(figure)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code: 0, or 1 when --check finds the page out of step."""
    parser = argparse.ArgumentParser(
        prog=COMMAND, description="Table and picture of a rate-distortion curve."
    )
    parser.add_argument("curve", type=Path)
    parser.add_argument(
        "--markdown", type=Path, help=f"page with the lines <!-- {MARK}:begin ... -->, end"
    )
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 if the page is out of step"
    )
    parser.add_argument("--plot", type=Path, help="picture to write, .svg or .png")
    options = parser.parse_args(arguments)

    def job() -> int:
        curve = Curve.load(options.curve)
        if options.plot is not None:
            plot(curve, options.plot)
        if options.markdown is None:
            return 0
        return replaced(
            options.markdown,
            MARK,
            COMMAND,
            [*table(curve), "", caption(curve)],
            check=options.check,
        )

    return told(job)


if __name__ == "__main__":
    sys.exit(main())
