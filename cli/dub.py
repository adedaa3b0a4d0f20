"""`vqcodec dub`: speech and a portrait -> a talking head."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vqcodec.choices import GazeChoice, MotionChoice
from vqcodec.config import DEFAULT_AUDIO_BPS, DEFAULT_CRF, DubOptions
from vqcodec.errors import UsageError
from vqcodec.reports import DubReport
from vqcodec.words import parse_audio, parse_mix

from . import console, output
from .guard import guarded
from .shared import (
    CrfOption,
    DeviceOption,
    FaceModelOption,
    ForceOption,
    PrecisionOption,
    QuietOption,
    ReportJsonOption,
    SizeOption,
    default_target,
)

_RATE_HINT = "Choose --audio-bitrate 6k to 64k."


@guarded
def dub(
    speech: Annotated[
        str,
        typer.Argument(
            metavar="SPEECH", help="Sound file, or a video whose sound is taken; - reads stdin."
        ),
    ],
    portrait: Annotated[
        Path,
        typer.Argument(
            metavar="PORTRAIT|RECORDING",
            help="Picture of one person, seen from the front; or a video or .vqt, whose lips follow.",
        ),
    ],
    target: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT.vqt|OUT.mp4",
            help="File to write, tokens or video; - writes tokens to stdout.",
            show_default="SPEECH with .vqt",
        ),
    ] = None,
    poses: Annotated[
        Path | None,
        typer.Option(
            metavar="FROM.vqt|FROM.mp4",
            help="Take head motion, gaze and blinks from this recording.",
            show_default="made up",
        ),
    ] = None,
    head: Annotated[
        MotionChoice | None,
        typer.Option(help="How the head moves.", show_default="recorded if it is, else natural"),
    ] = None,
    gaze: Annotated[
        GazeChoice | None,
        typer.Option(help="Where eyes look.", show_default="recorded if it is, else natural"),
    ] = None,
    blink: Annotated[
        MotionChoice | None,
        typer.Option(help="How lids move.", show_default="recorded if it is, else natural"),
    ] = None,
    no_blink: Annotated[
        bool, typer.Option("--no-blink", help="The same as --blink still.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Another number makes up other motion.")] = 0,
    temperature: Annotated[
        float,
        typer.Option(
            min=0, max=2, help="0 takes the expected motion, 1 draws from all that is likely."
        ),
    ] = 0.0,
    argmax: Annotated[
        bool, typer.Option("--argmax", help="Take the likeliest digits, not the expected ones.")
    ] = False,
    portrait_quality: Annotated[
        int | None,
        typer.Option(
            min=1, max=100, help="AVIF quality of the portrait.", show_default="50, for a video 90"
        ),
    ] = None,
    audio_bitrate: Annotated[
        str | None,
        typer.Option(
            metavar="12k", help="Opus sound at 6k to 64k.", show_default="12k, for a video 64k"
        ),
    ] = None,
    size: SizeOption = "512",
    crf: CrfOption = DEFAULT_CRF,
    paste_back: Annotated[
        bool,
        typer.Option(
            "--paste-back",
            help="Show the whole picture in a video, not just the square around the head.",
        ),
    ] = False,
    mix: Annotated[
        str,
        typer.Option(
            metavar="replace|keep|DB",
            help="A recording's old sound: left out, kept under the new one, or so many decibels fainter (-20).",
        ),
    ] = "replace",
    fit: Annotated[
        bool,
        typer.Option(
            "--fit", help="Stretch a recording's silences until it lasts as long as the sound."
        ),
    ] = False,
    segments: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Dub only these spans of a recording: start,end,sound in a .csv, or .srt, .vtt.",
            show_default="all of it",
        ),
    ] = None,
    scene: Annotated[
        bool,
        typer.Option("--scene", help="Keep what is around the square of a recorded video, too."),
    ] = False,
    sheet: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png",
            help="Write a contact sheet of the result, too.",
            show_default=False,
        ),
    ] = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    face_model: FaceModelOption = None,
    force: ForceOption = False,
    quiet: QuietOption = False,
    as_json: ReportJsonOption = False,
) -> None:
    """Make a portrait speak, or give a recording new lips: tokens or video out, marked as synthetic."""
    console.be_quiet(quiet)
    to = target if target is not None else default_target(speech, ".vqt")
    output.refuse_json_on_pipe(to, as_json)
    options = DubOptions(
        poses=poses,
        head=head,
        gaze=gaze,
        blink="still" if no_blink else blink,
        seed=seed,
        temperature=temperature,
        argmax=argmax,
        portrait_quality=portrait_quality,
        audio_bps=None if audio_bitrate is None else _bit_rate(audio_bitrate),
        paste_back=paste_back,
        size_px=int(size),
        mix_db=parse_mix(mix),
        fit=fit,
        segments=segments,
        sheet=sheet,
        scene=scene,
    )
    with console.progress_bar() as progress:
        from vqcodec import api

        codec = api.Codec(device=device, precision=precision, face_model=face_model)
        report = codec.dub(speech, portrait, to, options, crf=crf, force=force, progress=progress)
    show(report, to, as_json)


def _bit_rate(text: str) -> int:
    """Bits per second of "12k" or "12000".

    Raises:
        UsageError: anything else.
    """
    try:
        choice = parse_audio(text)
    except UsageError as error:
        raise UsageError(str(error), hint=_RATE_HINT) from error
    if choice.mode != "opus":
        raise UsageError(f"{text!r} is not a bit rate", hint=_RATE_HINT)
    return choice.bitrate_bps or DEFAULT_AUDIO_BPS


def show(report: DubReport, target: str, as_json: bool) -> None:
    """The report: JSON on stdout, or a table on stderr."""
    for sentence in report.warnings:
        console.warning(sentence)
    fields = report.to_json()
    if as_json:
        output.print_report(fields)
        return
    if report.video_size_px is None:
        for line in output.size_lines(fields):
            console.note(line)
    shown = "" if report.video_size_px is None else " at {}x{}".format(*report.video_size_px)
    console.note(
        f"{fields['frames']} frames, {fields['seconds']:.2f} s{shown}, {_moved(report)}, "
        f"{report.dub_fps:.1f} frames per second -> {'stdout' if target == '-' else target}"
    )
    console.note(output.SYNTHETIC)


def _moved(report: DubReport) -> str:
    """Whose motion it is, in words."""
    if report.recording:
        kept = f", its own lips for {report.kept_s:.1f} s" if report.kept_s else ""
        return f"lips in {report.recording}{kept}"
    return f"head motion {'from ' + report.poses if report.poses else 'made up'}"
