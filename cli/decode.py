"""`vqcodec decode`: tokens and portrait -> video."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from vqcodec.config import DEFAULT_CRF, DecodeOptions
from vqcodec.words import parse_time_s

from . import console, output
from .guard import guarded
from .shared import (
    BackendOption,
    CrfOption,
    DeviceOption,
    FaceModelOption,
    FollowOption,
    ForceOption,
    LayersOption,
    PrecisionOption,
    QuietOption,
    ReportJsonOption,
    SizeOption,
    SquareOption,
    default_target,
)


@guarded
def decode(
    source: Annotated[str, typer.Argument(metavar="IN.vqt", help="File to decode; - reads stdin.")],
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="OUT.mp4",
            help="Video to write; - writes to stdout.",
            show_default="IN with .mp4",
        ),
    ] = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    backend: BackendOption = "auto",
    size: SizeOption = "512",
    layers: LayersOption = None,
    square: SquareOption = False,
    portrait: Annotated[
        Path | None,
        typer.Option(help="Animate this picture instead of the file's own.", show_default=False),
    ] = None,
    start: Annotated[
        str, typer.Option(metavar="S", help="Begin here: seconds, or minutes:seconds.")
    ] = "0",
    end: Annotated[
        str | None, typer.Option(metavar="S", help="Stop before this time.", show_default="the end")
    ] = None,
    crf: CrfOption = DEFAULT_CRF,
    recover: Annotated[
        bool,
        typer.Option(
            "--recover", help="Read past damage: show what is intact, make up the rest, and say so."
        ),
    ] = False,
    max_duration: Annotated[
        str,
        typer.Option(metavar="S", help="Refuse to write more than so many seconds, or h:mm:ss."),
    ] = "24:00:00",
    follow: FollowOption = None,
    face_model: FaceModelOption = None,
    force: ForceOption = False,
    quiet: QuietOption = False,
    as_json: ReportJsonOption = False,
) -> None:
    """Decode a .vqt file to video."""
    console.be_quiet(quiet)
    to = target if target is not None else default_target(source, ".mp4")
    output.refuse_json_on_pipe(to, as_json)
    options = DecodeOptions(
        size_px=int(size),
        layers=layers,
        portrait=portrait,
        square=square,
        start_s=Fraction(parse_time_s(start, "--start")),
        end_s=None if end is None else parse_time_s(end, "--end"),
        recover=recover,
        follow_s=follow,
        max_duration_s=parse_time_s(max_duration, "--max-duration"),
    )
    with console.progress_bar() as progress:
        from vqcodec import api

        codec = api.Codec(
            device=device, precision=precision, face_model=face_model, backend=backend
        )
        report = codec.decode(source, to, options, crf=crf, force=force, progress=progress)
    for sentence in report.warnings:
        console.warning(sentence)
    if as_json:
        output.print_report(report.to_json())
        return
    console.note(
        f"{report.frames} frames, {float(report.seconds):.2f} s at {report.size_px}x{report.size_px}, "
        f"{report.decode_fps:.1f} frames per second on {report.device} by {report.backend} -> {'stdout' if to == '-' else to}"
    )
    if report.synthetic:
        console.note(output.SYNTHETIC)
