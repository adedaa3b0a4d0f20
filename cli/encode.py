"""`vqcodec encode`: video -> tokens."""

from __future__ import annotations

from typing import Annotated

import typer

from vqcodec.config import (
    DEFAULT_PORTRAIT_QUALITY,
    MAX_EFFORT,
    EncodeOptions,
    PortraitFrame,
)
from vqcodec.format import LAYERS
from vqcodec.reports import EncodeReport

from . import console, output
from .guard import guarded
from .parsing import parse_audio, parse_crop, parse_fraction, parse_refs
from .shared import DeviceOption, FaceModelOption, ForceOption, ReportJsonOption, default_target


@guarded
def encode(
    source: Annotated[str, typer.Argument(metavar="IN", help="Video to encode; - reads stdin.")],
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="OUT.vqt",
            help="File to write; - writes to stdout.",
            show_default="IN with .vqt",
        ),
    ] = None,
    fps: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            help="Frames per second to resample to: 25, 29.97, 30000/1001.",
            show_default="the input's own, halved above 30",
        ),
    ] = None,
    layers: Annotated[
        int, typer.Option(min=1, max=LAYERS, help="Residual layers; with --bitrate the most.")
    ] = LAYERS,
    bitrate: Annotated[
        float | None,
        typer.Option(
            metavar="KBPS", help="Target for the whole file; picks layers and portrait quality."
        ),
    ] = None,
    rdo: Annotated[
        float | None,
        typer.Option(
            metavar="PRICE",
            help="Choose cheaper motion values that render equally well: 1 saves about a third.",
            show_default="0, or what --bitrate calls for",
        ),
    ] = None,
    effort: Annotated[
        int,
        typer.Option(
            min=0,
            max=MAX_EFFORT,
            help="Refine the motion against the real frames: better pictures, much slower.",
        ),
    ] = 0,
    audio: Annotated[
        str, typer.Option(metavar="12k|copy|none", help="Sound: Opus at 6k to 64k, copy, or none.")
    ] = "12k",
    portrait_quality: Annotated[
        int, typer.Option(min=1, max=100, help="AVIF quality of the portrait.")
    ] = DEFAULT_PORTRAIT_QUALITY,
    portrait_frame: Annotated[
        PortraitFrame,
        typer.Option(help="The portrait: the best frame of the first second, or the first."),
    ] = "auto",
    crop: Annotated[
        str,
        typer.Option(
            metavar="auto|full|X,Y,SIDE",
            help="The coded square: around the face, the largest, or given.",
        ),
    ] = "auto",
    refs: Annotated[
        str,
        typer.Option(
            metavar="auto|N",
            help="Portraits per shot, 1 to 16: more where the head turns or the mouth opens.",
        ),
    ] = "auto",
    device: DeviceOption = "auto",
    face_model: FaceModelOption = None,
    force: ForceOption = False,
    as_json: ReportJsonOption = False,
) -> None:
    """Encode a talking-head video: a portrait, motion tokens and sound."""
    to = target if target is not None else default_target(source, ".vqt")
    output.refuse_json_on_pipe(to, as_json)
    options = EncodeOptions(
        fps=None if fps is None else parse_fraction(fps, "--fps"),
        layers=layers,
        bitrate_kbps=bitrate,
        rdo=rdo,
        effort=effort,
        audio=parse_audio(audio),
        portrait_quality=portrait_quality,
        portrait_frame=portrait_frame,
        crop=parse_crop(crop),
        refs=parse_refs(refs),
    )
    from vqcodec import api

    with console.progress_bar() as progress:
        codec = api.Codec(device=device, face_model=face_model)
        report = codec.encode(source, to, options, force=force, progress=progress)
    show(report, to, as_json)


def show(report: EncodeReport, target: str, as_json: bool) -> None:
    """The report: JSON on stdout, or a table on stderr."""
    for sentence in report.warnings:
        console.warning(sentence)
    fields = report.to_json()
    if as_json:
        output.print_json(fields)
        return
    for line in output.size_lines(fields):
        console.note(line)
    console.note(
        f"{fields['frames']} frames, {fields['seconds']:.2f} s, {report.layers} layers, "
        f"{report.key_frames} portrait{'s' if report.key_frames != 1 else ''}, "
        f"{report.encode_fps:.1f} frames per second -> {'stdout' if target == '-' else target}"
    )
    if report.low_confidence_frames:
        console.note(f"{report.low_confidence_frames} frames without a visible face: motion held")
