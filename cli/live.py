"""`vqcodec live`: a talking head watched in browsers while the camera runs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from vqcodec.config import EncodeOptions, Quality
from vqcodec.format import LAYERS
from vqcodec.words import parse_audio, parse_crop, parse_face, parse_fraction

from . import console, output
from .encode import show
from .guard import guarded
from .shared import DeviceOption, FaceModelOption, ForceOption, PrecisionOption, QuietOption
from .signals import Stopped


@guarded
def live(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="camera, camera:N, a video that is played at its own pace, or - for stdin.",
            show_default=False,
        ),
    ],
    to: Annotated[
        Path | None,
        typer.Option(metavar="FILE.vqt", help="Record the stream, too.", show_default="no"),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen at; 0.0.0.0 for others' machines.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 0,
    viewers: Annotated[
        int, typer.Option(min=1, max=200, help="At a time; others are refused.")
    ] = 20,
    page: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="The page, as `vqcodec web` has written it.",
            show_default="made when it is first asked for",
        ),
    ] = None,
    fps: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            help="Frames per second; 10 takes half of the motion's bits.",
            show_default="the source's own, halved above 30",
        ),
    ] = None,
    layers: Annotated[int, typer.Option(min=1, max=LAYERS, help="Residual layers.")] = 3,
    quality: Annotated[Quality, typer.Option(help="How many bits it may take.")] = "small",
    audio: Annotated[
        str, typer.Option(metavar="auto|8k|none", help="Sound: Opus at 6k to 64k; auto is 7k.")
    ] = "auto",
    crop: Annotated[
        str, typer.Option(metavar="auto|full|X,Y,SIDE", help="The coded square.")
    ] = "auto",
    face: Annotated[
        str, typer.Option(metavar="largest|N|left|right", help="Whose, of several.")
    ] = "largest",
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    face_model: FaceModelOption = None,
    force: ForceOption = False,
    quiet: QuietOption = False,
) -> None:
    """Encode a camera, a file or a pipe as it comes, and show it in browsers, until it ends or Ctrl-C.

    Whoever has the address that is printed can watch, nobody else.
    """
    from vqcodec.runtime.extras import check_extra

    check_extra("live", "showing a stream live")
    console.be_quiet(quiet)
    options = EncodeOptions(
        fps=None if fps is None else parse_fraction(fps, "--fps"),
        layers=layers,
        quality=quality,
        audio=parse_audio(audio),
        crop=parse_crop(crop),
        face=parse_face(face),
        live=True,
    )
    from vqcodec.codec.models import Models
    from vqcodec.config import RuntimeOptions
    from vqcodec.live.server import LiveServer
    from vqcodec.live.session import Session, broadcast, page_of
    from vqcodec.publishing.folder import check_page, write_folder

    if page is None:
        check_page()
    models = Models(RuntimeOptions(device=device, precision=precision, face_model=face_model))
    session = Session(source, options, models.encoder, to=to, force=force)
    server = LiveServer(source, viewers, page_of(page, write_folder))
    try:
        asyncio.run(broadcast(session, server, host, port, lambda at: _tell(source, at)))
    except KeyboardInterrupt as stop:
        if isinstance(stop, Stopped):
            raise
        console.note("ended")  # Ctrl-C is how it should end
    if session.report is not None:
        show(session.report, str(to or "viewers"), False)
    if session.pace.left_out:
        console.warning(
            f"{session.pace.left_out} frames were left out: this machine is too slow for all"
        )


def _tell(source: str, address: str) -> None:
    output.print_lines([f"{source} is shown at {address}"])
    console.note("Ctrl-C ends it")
