"""`vqcodec encode`: video -> tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vqcodec.config import MAX_EFFORT, EncodeOptions, Quality
from vqcodec.format import LAYERS
from vqcodec.reports import EncodeReport
from vqcodec.words import (
    parse_audio,
    parse_crop,
    parse_face,
    parse_fraction,
    parse_portrait_frame,
    parse_refs,
)

from . import console, output, several
from .guard import guarded
from .shared import (
    DeviceOption,
    FaceModelOption,
    ForceOption,
    PrecisionOption,
    QuietOption,
    ReportJsonOption,
)


@guarded
def encode(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="IN [OUT.vqt]",
            help="Video to encode and file to write; - is stdin or stdout. With --out-dir: videos, or folders of them.",
            show_default=False,
        ),
    ],
    out_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where the .vqt of every file named go; it is made if need be.",
            show_default="beside IN",
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
    input_fps: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            help="The input's true frames per second, where its file doesn't say them or is wrong.",
            show_default="as the file says",
        ),
    ] = None,
    video_track: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Which of several video tracks, counted from 0.",
            show_default="the default one, no still, the largest",
        ),
    ] = None,
    audio_track: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Which of several sound tracks, counted from 0.",
            show_default="the default one",
        ),
    ] = None,
    layers: Annotated[
        int, typer.Option(min=1, max=LAYERS, help="Residual layers; with --bitrate the most.")
    ] = LAYERS,
    bitrate: Annotated[
        float | None,
        typer.Option(
            metavar="KBPS", help="Target for the whole file: portraits, motion and sound."
        ),
    ] = None,
    quality: Annotated[
        Quality, typer.Option(help="Without --bitrate: how large the file may be.")
    ] = "medium",
    rdo: Annotated[
        float | None,
        typer.Option(
            metavar="PRICE",
            help="Choose cheaper motion values that render equally well: 1 saves about a third.",
            show_default="what --quality or --bitrate call for",
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
        str,
        typer.Option(
            metavar="auto|12k|copy|none",
            help="Sound: Opus at 6k to 64k, copy, or none; auto is 12k, or what --bitrate calls for.",
        ),
    ] = "auto",
    portrait_quality: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=100,
            help="Quality of the portraits; with --bitrate the best.",
            show_default="what --quality or --bitrate call for",
        ),
    ] = None,
    portrait_frame: Annotated[
        str,
        typer.Option(
            metavar="auto|first|TIME",
            help="The frame that motion is relative to: the best, the first, or one by its time.",
        ),
    ] = "auto",
    crop: Annotated[
        str,
        typer.Option(
            metavar="auto|full|X,Y,SIDE",
            help="The coded square: around the face, the largest, or given.",
        ),
    ] = "auto",
    face: Annotated[
        str,
        typer.Option(
            metavar="largest|N|left|right",
            help="Whose, where a shot begins with several: the N-th largest, or by its place.",
        ),
    ] = "largest",
    refs: Annotated[
        str,
        typer.Option(
            metavar="auto|N",
            help="Portraits in a minute of a shot, at most; auto: while they are worth their bits.",
        ),
    ] = "auto",
    refs_every: Annotated[
        str | None,
        typer.Option(
            metavar="S", help="A portrait every S seconds instead.", show_default="where they pay"
        ),
    ] = None,
    scene: Annotated[
        bool,
        typer.Option(
            "--scene",
            help="Keep the whole picture: around the head it stands still until something changes.",
        ),
    ] = False,
    live: Annotated[
        bool,
        typer.Option(
            help="Write while the input comes, for `decode --follow`; nothing looks ahead."
        ),
    ] = False,
    playlist: Annotated[
        bool,
        typer.Option(
            "--playlist", help="IN may be a playlist: other local files it names are read."
        ),
    ] = False,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    face_model: FaceModelOption = None,
    force: ForceOption = False,
    quiet: QuietOption = False,
    as_json: ReportJsonOption = False,
) -> None:
    """Encode a talking-head video: portraits, motion tokens and sound."""
    console.be_quiet(quiet)
    todo = several.pairs(files, out_dir, ".vqt")
    output.refuse_json_on_pipe(todo[0][1], as_json)
    options = EncodeOptions(
        fps=None if fps is None else parse_fraction(fps, "--fps"),
        input_fps=None if input_fps is None else parse_fraction(input_fps, "--input-fps"),
        video_track=video_track,
        audio_track=audio_track,
        layers=layers,
        bitrate_kbps=bitrate,
        quality=quality,
        rdo=rdo,
        effort=effort,
        audio=parse_audio(audio),
        portrait_quality=portrait_quality,
        portrait_frame=parse_portrait_frame(portrait_frame),
        crop=parse_crop(crop),
        face=parse_face(face),
        refs=parse_refs(refs),
        refs_every_s=None if refs_every is None else parse_fraction(refs_every, "--refs-every"),
        live=live,
        scene=scene,
        playlist=playlist,
    )
    with console.progress_bar() as progress:
        from vqcodec import api

        codec = api.Codec(device=device, precision=precision, face_model=face_model)
        if out_dir is None:
            [(source, to)] = todo
            report = codec.encode(source, to, options, force=force, progress=progress)
        else:
            several.each(
                todo,
                lambda a, b: codec.encode(a, b, options, force=force, progress=progress),
                lambda report, to: show(report, to, as_json),
                as_json=as_json,
            )
            return
    show(report, to, as_json)


def show(report: EncodeReport, target: str, as_json: bool) -> None:
    """The report: JSON on stdout, or a table on stderr."""
    for sentence in report.warnings:
        console.warning(sentence)
    fields = report.to_json()
    if as_json:
        output.print_report(fields)
        return
    for line in output.size_lines(fields):
        console.note(line)
    console.note(
        f"{fields['frames']} frames, {fields['seconds']:.2f} s, {report.layers} layers, "
        f"{report.key_frames} portrait{'s' if report.key_frames != 1 else ''}, "
        f"{report.encode_fps:.1f} frames per second -> {'stdout' if target == '-' else target}"
    )
    if fields["picture_kept"]:
        console.note(f"kept of the picture: {fields['picture_kept']}")
    if report.low_confidence_frames:
        console.note(f"{report.low_confidence_frames} frames without a visible face: motion held")
