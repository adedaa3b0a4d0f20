"""`vqcodec thin`: drop residual layers from a file. Needs no model and no torch."""

from __future__ import annotations

from typing import Annotated

import typer

from vqcodec.format import LAYERS

from . import console, output
from .guard import guarded
from .shared import ForceOption


@guarded
def thin(
    source: Annotated[str, typer.Argument(metavar="IN.vqt", help="File to thin; - reads stdin.")],
    target: Annotated[
        str, typer.Argument(metavar="OUT.vqt", help="File to write; - writes to stdout.")
    ],
    layers: Annotated[int, typer.Option(min=1, max=LAYERS, help="Residual layers to keep.")],
    force: ForceOption = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the sizes as JSON on stdout.")
    ] = False,
) -> None:
    """Keep only the first layers of a .vqt file: a lower rate without decoding."""
    output.refuse_json_on_pipe(target, as_json)
    from vqcodec import api
    from vqcodec.reports import size_fields

    fields = size_fields(api.thin(source, target, layers=layers, force=force)) | {"layers": layers}
    if as_json:
        output.print_report(fields)
        return
    for line in output.size_lines(fields):
        console.note(line)
