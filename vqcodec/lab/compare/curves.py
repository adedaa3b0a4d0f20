"""Rate-distortion curves of a comparison, from results.json or its summary.

python -m vqcodec.lab compare-curves results.json curves/ [--anchors av1.json ...] [--rate file] [--metrics perc,ssim]
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from vqcodec.comparison.analysis.envelope import RateKind
from vqcodec.comparison.analysis.overall import analyse
from vqcodec.comparison.page.curves import draw_all
from vqcodec.lab.command import perform
from vqcodec.lab.compare.against import joined
from vqcodec.lab.compare.summary import load


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("results", type=Path, help="results.json or its summary")
    parser.add_argument("folder", type=Path, help="for a .svg and a .png a metric")
    parser.add_argument(
        "--anchors",
        type=Path,
        nargs="+",
        default=[],
        help="take the ordinary codecs from these, on the same clips",
    )
    parser.add_argument(
        "--rate", choices=get_args(RateKind), default="file", help="how bytes are counted (file)"
    )
    parser.add_argument("--metrics", help="names, separated by commas (all)")


def _job(options: Namespace) -> int:
    results = load(options.results)
    if options.anchors:
        results = joined(results, [load(path) for path in options.anchors])
    draw_all(
        results,
        options.folder,
        analysis=analyse(results, rate=options.rate),
        metrics=options.metrics.split(",") if options.metrics else None,
    )
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("compare-curves", _options, _job, arguments)
