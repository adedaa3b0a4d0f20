"""The page of a comparison, made again from its folder, as `vqcodec compare` left it.

python -m vqcodec.lab compare-report FOLDER [--rate file]
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from vqcodec.comparison.analysis.envelope import RateKind
from vqcodec.comparison.page.report import build
from vqcodec.comparison.results import ComparisonResults
from vqcodec.lab.command import perform


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="with results.json and media/")
    parser.add_argument(
        "--rate", choices=get_args(RateKind), default="file", help="how bytes are counted (file)"
    )


def _job(options: Namespace) -> int:
    results = ComparisonResults.load(options.folder / "results.json")
    build(results, options.folder, lambda line: print(line, file=sys.stderr), rate=options.rate)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("compare-report", _options, _job, arguments)
