"""The picture of a rate-distortion curve of the motion.

python -m vqcodec.lab rdplot rdo.json curve.svg
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vqcodec.evaluation.tools.extras import require
from vqcodec.format import LAYERS
from vqcodec.lab.command import perform
from vqcodec.lab.rate.rdcurve import MotionCurve, MotionPoint


def _draw(
    axis: Any, points: Sequence[MotionPoint], key: str, colour: str, option: str, lift_pt: int
) -> None:
    """One line of points, each with the value of the option that it stands for."""
    values = [getattr(p, key) for p in points]
    axis.plot([p.motion_kbps for p in points], values, "o-", color=colour, label=option)
    for p in points:
        axis.annotate(
            f"{p.layers}" if option == "--layers" else f"{p.strength:g}",
            (p.motion_kbps, getattr(p, key)),
            textcoords="offset points",
            xytext=(-3, lift_pt),
            fontsize=8,
            color=colour,
        )


def plot(curve: MotionCurve, path: Path) -> None:
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
        _draw(axis, fewer, key, "#E69F00", "--layers", 6)
        _draw(axis, priced, key, "#0072B2", "--rdo", -14)
        axis.set(xlabel="motion, kbit/s", ylabel=f"{name} (lower is better)", yscale="log")
        axis.margins(y=0.15)
        axis.grid(alpha=0.3)
    axes[0].legend(frameon=False)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    pyplot.close(figure)


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("curve", type=Path, help="JSON of rdo")
    parser.add_argument("picture", type=Path, help="picture to write, .svg or .png")


def _job(options: Namespace) -> int:
    plot(MotionCurve.load(options.curve), options.picture)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("rdplot", _options, _job, arguments)
