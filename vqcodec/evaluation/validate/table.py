"""The figures of a validation as a table: heads, and rows of a name and cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from rich.console import Console
from rich.table import Table

from vqcodec.evaluation.validate.record import Run, ValidationResults

Summary: TypeAlias = dict[str, Any]
Row: TypeAlias = tuple[str, list[str]]

_FIGURES = (
    ("psnr_db", "PSNR, dB ↑", 2),
    ("ssim", "SSIM ↑", 3),
    ("ms_ssim", "MS-SSIM ↑", 3),
    ("perc", "perceptual distance ↓", 3),
    ("st_lpips", "ST-LPIPS ↓", 3),
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


def rows(results: ValidationResults) -> tuple[list[str], list[Row]]:
    """Heads and rows of the table, as text.

    Returns:
        Column heads (still picture, then one per number of layers) and rows: name and one cell per column.
    """
    summaries = [results.summary(run) for run in results.runs]
    heads = [
        "still portrait",
        *(f"{r.layers} layer{'s' if r.layers > 1 else ''}" for r in results.runs),
    ]
    table = _figure_rows(summaries)
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


def _figure_rows(summaries: Sequence[Summary]) -> list[Row]:
    """A row per figure: the still picture's, then each run's."""
    made: list[Row] = []
    for key, name, digits in _FIGURES:
        if key == "st_lpips" and np.isnan(summaries[0]["scores"][key]):
            continue  # results from before it was measured
        if key == "cpbd":
            name += f" (source: {_number(summaries[0]['scores']['cpbd_reference'], digits)})"
        values = [summaries[0]["still"][key], *(s["scores"][key] for s in summaries)]
        made.append((name, [_number(value, digits) for value in values]))
    return made


def show(results: ValidationResults, console: Console) -> None:
    """Print the table, how many clips have a steady camera, those that gained nothing, and those that failed."""
    heads, lines = rows(results)
    table = Table(title=f"clips: {len(results.still)}", title_justify="left")
    table.add_column("")
    for head in heads:
        table.add_column(head, justify="right")
    for name, cells in lines:
        table.add_row(name, *cells)
    console.print(table)
    if results.camera:
        steady = sum(seen.steady for seen in results.camera.values())
        console.print(f"steady-camera clips: {steady} of {len(results.camera)}")
    best = max(results.runs, key=lambda run: run.layers)
    for clip in worse_than_still(results, best):
        console.print(f"no better than its still portrait in perceptual distance: {clip}")
    for name, why in results.failed.items():
        console.print(f"not coded: {name}: {why}", markup=False)


def worse_than_still(results: ValidationResults, run: Run) -> list[str]:
    """Clips whose perceptual distance is not below their still portrait's."""
    return [c.clip for c in run.clips if c.scores.perc >= results.still[c.clip].perc]
