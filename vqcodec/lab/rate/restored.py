"""What a renderer's restoration makes of coded portraits, on held-out training clips at 256x256.

    python -m vqcodec.lab restored --cache CACHE [--renderer FILE]

Pairs come from `python -m vqcodec.training.restoration.data CACHE`. Two perceptual distances, since training sees one.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from vqcodec.evaluation.metrics.fidelity import psnr_db
from vqcodec.evaluation.metrics.perceptual import PerceptualDistance
from vqcodec.evaluation.metrics.shift_tolerant import ShiftTolerantLpips
from vqcodec.lab.command import perform, publish
from vqcodec.lab.markdown import table
from vqcodec.render.renderer import Renderer
from vqcodec.training.restoration.data import Pairs

Metric = Callable[[NDArray[np.uint8], NDArray[np.uint8]], NDArray[np.float32]]


def _pixels(x: Tensor) -> NDArray[np.uint8]:
    small = F.avg_pool2d(x.float().clamp(0, 1), 2).mul(255).round().byte()
    return small.permute(0, 2, 3, 1).contiguous().numpy()


def measure(pairs: Pairs, restore: Callable[[Tensor], Tensor]) -> list[tuple[str, list[str]]]:
    """Rows of figures: as coded, as restored; means over clips and their draws."""
    metrics: dict[str, Metric] = {
        "perc ↓": PerceptualDistance(),
        "ST-LPIPS ↓": ShiftTolerantLpips(),
    }
    found: dict[str, list[list[float]]] = {"as coded": [], "restored": []}
    for given, wanted in pairs.whole():
        with torch.inference_mode():
            shown = {"as coded": given, "restored": restore(given)}
        right = _pixels(wanted)
        for name, picture in shown.items():
            made = _pixels(picture)
            figures = [float(np.mean(metric(right, made))) for metric in metrics.values()]
            found[name].append([*figures, float(np.mean(psnr_db(right, made)))])
    means = {name: np.mean(rows, 0) for name, rows in found.items()}
    return [
        (name, [f"{row[0]:.4f}", f"{row[1]:.4f}", f"{row[2]:.2f}"]) for name, row in means.items()
    ]


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--cache", type=Path, required=True, help="with pairs of portraits")
    parser.add_argument("--renderer", type=Path, help="a renderer file; the shipped one without")


def _job(options: Namespace) -> int:
    net = Renderer.load(options.renderer, "cpu", precision=torch.float32).net.restoration
    rows = measure(Pairs(options.cache), net)
    return publish("\n".join(table(("perc ↓", "ST-LPIPS ↓", "PSNR, dB ↑"), rows)))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("restored", _options, _job, arguments)
