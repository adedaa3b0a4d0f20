"""The results table of the README, made from the JSON of a validation.

    python -m vqcodec.lab.table vqcodec/lab/results/val.json README.md [--check]

The table stands between two comment lines of the Markdown file; everything else is left alone. Where the file has a place
for the part "steady" too, the table of the steady-camera clips (steadytable.py) is made there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from vqcodec.evaluation.tools.files import told
from vqcodec.evaluation.validate.record import Results
from vqcodec.lab.marked import begin, replaced
from vqcodec.lab.paper import steadytable

PART = "results"
COMMAND = "python -m vqcodec.lab.table"

Summary: TypeAlias = dict[str, Any]
Row: TypeAlias = tuple[str, list[str]]

_FIGURES = (
    ("psnr_db", "PSNR, dB ↑", 2),
    ("ssim", "SSIM ↑", 3),
    ("ms_ssim", "MS-SSIM ↑", 3),
    ("perc", "perceptual distance ↓", 3),
    ("id_dist", "identity distance ↓", 3),
    ("lmd", "landmark distance ↓", 4),
    ("lmd_mouth", "landmark distance, mouth ↓", 4),
    ("cpbd", "sharpness (CPBD)", 3),
    ("jitter", "jitter (1 is right)", 2),
)
_RATES = (
    ("motion_kbps", "motion"),
    ("portrait_kbps", "portrait"),
    ("audio_kbps", "sound"),
    ("container_kbps", "container"),
    ("file_kbps", "whole file"),
)
_RATIOS = (
    ("perc", "perceptual distance"),
    ("lmd", "landmark distance"),
    ("lmd_mouth", "mouth distance"),
)


def _number(value: float, digits: int) -> str:
    return "-" if np.isnan(value) else f"{value:.{digits}f}"


def rows(results: Results) -> tuple[list[str], list[Row]]:
    """Heads and rows of the table, as text.

    Returns:
        Column heads (still picture, then one per number of layers) and rows: name and one cell per column.
    """
    summaries = [results.summary(run) for run in results.runs]
    heads = [
        "still portrait",
        *(f"{r.layers} layer{'s' if r.layers > 1 else ''}" for r in results.runs),
    ]
    table: list[Row] = []
    for key, name, digits in _FIGURES:
        if key == "cpbd":
            name += f" (source: {_number(summaries[0]['scores']['cpbd_reference'], digits)})"
        table.append(
            (
                name,
                [
                    _number(summaries[0]["still"][key], digits),
                    *(_number(s["scores"][key], digits) for s in summaries),
                ],
            )
        )
    table += [
        (f"{name}, kbit/s", ["", *(_number(s["rates"][key], 2) for s in summaries)])
        for key, name in _RATES
    ]

    def line(name: str, cell: Callable[[Summary], str]) -> Row:
        return name, ["", *(cell(s) for s in summaries)]

    table.append(line("PSNR over the still portrait, dB", lambda s: f"{s['gain']['psnr_db']:+.2f}"))
    for key, name in _RATIOS:
        table.append(
            (
                f"{name}, share of the still portrait's",
                ["", *(f"{_number(100 * s['gain'][key], 1)} %" for s in summaries)],
            )
        )
    table += [
        line("encode, frames/s (median)", lambda s: _number(s["encode_fps"], 1)),
        line("decode, frames/s (median)", lambda s: _number(s["decode_fps"], 1)),
        line("indices identical after decode", lambda s: "all" if s["tokens_identical"] else "NO"),
    ]
    return heads, table


def caption(results: Results) -> str:
    """One paragraph: how many clips, on what, when, with which models."""
    known, summary = results.conditions, results.summary(results.runs[0])
    machine = known.get("machine", {})
    parts = [
        f"{summary['clips']} clips, {summary['frames']} frames",
        f"{machine.get('cpu', 'unknown CPU')}, {machine.get('cores', '?')} cores",
        str(known.get("date_utc", "")),
    ]
    parts += [
        f"{name.replace('_', ' ')} `{known[name]}`"
        for name in ("motion_space", "renderer")
        if known.get(name)
    ]
    if results.failed:
        parts.append(f"NOT CODED: {', '.join(sorted(results.failed))}")
    return (
        "Means over frames, then clips, at 256x256; portrait = first frame; coded at 512x512; file to file. "
        + "; ".join(parts)
        + "."
    )


def markdown(results: Results) -> list[str]:
    """The table with its caption, as lines of GitHub Markdown."""
    heads, table = rows(results)
    lines = ["| | " + " | ".join(heads) + " |", "|---|" + "---:|" * len(heads)]
    lines += [f"| {name} | " + " | ".join(cells) + " |" for name, cells in table]
    return [*lines, "", caption(results)]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code: 0, or 1 when --check finds the table out of step."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description="Make the results table of a Markdown file from validation results.",
    )
    parser.add_argument("results", type=Path)
    parser.add_argument("markdown", type=Path)
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 if the table is out of step"
    )
    options = parser.parse_args(arguments)

    def job() -> int:
        page, results = options.markdown, Results.load(options.results)
        stale = replaced(page, PART, COMMAND, markdown(results), check=options.check)
        if begin(steadytable.PART, COMMAND) in page.read_text(encoding="utf-8"):
            stale |= replaced(
                page, steadytable.PART, COMMAND, steadytable.markdown(results), check=options.check
            )
        return stale

    return told(job)


if __name__ == "__main__":
    sys.exit(main())
