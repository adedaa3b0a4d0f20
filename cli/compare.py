"""`vqcodec compare`: this codec beside H.264, H.265, AV1 and VP9, with curves, videos and a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vqcodec.progress import ProgressEvent
from vqcodec.words import parse_time_s

from . import console, output
from .guard import guarded

_ALL = "h264,h265,av1,vp9,vqt"


@guarded
def compare(
    clips: Annotated[
        list[Path], typer.Argument(metavar="IN...", help="Videos of one talking person each.")
    ],
    out: Annotated[
        Path, typer.Option(help="Folder for the results; an interrupted comparison goes on there.")
    ] = Path("report"),
    codecs: Annotated[str, typer.Option(help="Which codecs, with commas between.")] = _ALL,
    points: Annotated[
        int | None,
        typer.Option(
            min=2,
            help="Rates per variant of an ordinary codec, 5 to 40 kbit/s.",
            show_default="4, or 3 with --quick",
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Faster presets, fewer points and frames: a first look.")
    ] = False,
    every: Annotated[
        int | None,
        typer.Option(
            min=1, help="Measure every so many frames.", show_default="5, or 11 with --quick"
        ),
    ] = None,
    cut: Annotated[
        str | None,
        typer.Option(help="Use only the first seconds of each clip.", show_default=False),
    ] = None,
    tracks: Annotated[
        bool,
        typer.Option(
            "--tracks/--no-tracks",
            help="Follow the face through every frame (motion stability, lip sync).",
        ),
    ] = True,
    videos: Annotated[
        bool,
        typer.Option(
            "--videos/--no-videos", help="Write videos of equal size, and show them in the page."
        ),
    ] = True,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes.", show_default="one per core")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print results.json instead of the summary.")
    ] = False,
) -> None:
    """Compare with ordinary codecs at equal rates: curves, tables, videos side by side, and a page of it all."""
    from rich.console import Console

    from vqcodec.comparison import runner
    from vqcodec.comparison.page import report
    from vqcodec.comparison.settings import (
        DEFAULT_EVERY,
        DEFAULT_POINTS,
        QUICK_EVERY,
        QUICK_POINTS,
        ComparisonSettings,
        parse_codecs,
    )

    from .compare_table import compare_table

    usual = (QUICK_POINTS, QUICK_EVERY) if quick else (DEFAULT_POINTS, DEFAULT_EVERY)
    settings = ComparisonSettings(
        parse_codecs(codecs),
        usual[0] if points is None else points,
        usual[1] if every is None else every,
        tracks and not quick,
        videos,
        quick,
        None if cut is None else parse_time_s(cut, "--cut"),
    )
    with console.progress_bar() as progress:
        results = runner.run(runner.Comparison(tuple(clips), out, settings, jobs), progress)
        page = report.build(
            results, out, lambda line: progress(ProgressEvent("report", message=line))
        )
    with output.kept_in_files():
        if as_json:
            output.print_json(results.to_json())
        else:
            Console().print(compare_table(results))
    if not as_json:
        console.note(f"look at {page}")
