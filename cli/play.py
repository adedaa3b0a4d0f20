"""`vqcodec play`: a stream in the browser, rendered while it plays."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from vqcodec.config import DecodeOptions

from . import console, output
from .guard import guarded
from .shared import (
    BackendOption,
    DeviceOption,
    FollowOption,
    LayersOption,
    PrecisionOption,
    SizeOption,
    SquareOption,
)
from .signals import Stopped


@guarded
def play(
    source: Annotated[
        Path, typer.Argument(metavar="IN.vqt", help="File to play.", show_default=False)
    ],
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    backend: BackendOption = "auto",
    size: SizeOption = "512",
    layers: LayersOption = None,
    square: SquareOption = False,
    recover: Annotated[
        bool, typer.Option("--recover", help="Play past damage, and say what was lost.")
    ] = False,
    follow: FollowOption = None,
    terminal: Annotated[
        bool,
        typer.Option("--terminal", help="Open no browser: print what would be shown, and where."),
    ] = False,
) -> None:
    """Play a .vqt file in the browser, until Ctrl-C.

    The page is served on the loopback address only, to whoever has the address that is printed.
    """
    from vqcodec.codec.codec import Codec
    from vqcodec.playing.player import Player
    from vqcodec.playing.server import PlayServer

    options = DecodeOptions(
        size_px=int(size), layers=layers, square=square, recover=recover, follow_s=follow
    )
    codec = Codec(device=device, precision=precision, backend=backend)
    player = Player(source, codec.decode, options)
    about = player.about()
    with PlayServer(player) as server:
        if about.synthetic:
            console.note(output.SYNTHETIC)
        told = [f"{name:<16} {value}" for name, value in about.facts.items()]
        output.print_lines([f"{about.name} is shown at {server.address}", *told])
        if not terminal and not webbrowser.open(server.address):
            console.note("no browser was found here: open the address yourself")
        console.note("Ctrl-C ends it")
        try:
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt as stop:
            if isinstance(stop, Stopped):
                raise
            console.note("ended")  # Ctrl-C is how it should end
