"""`vqcodec conformance`: how far pictures made here lie from the reference frames."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vqcodec.errors import MediaError

from . import output
from .guard import guarded
from .shared import BackendOption, TableJsonOption

FRAMES = Path("bitstream_spec/vectors/level_b")
OUTSIDE = 1


@guarded
def conformance(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Reference frames and their expected.json.")
    ] = FRAMES,
    backend: BackendOption = "auto",
    as_json: TableJsonOption = False,
) -> None:
    """Measure this machine's pictures against the reference frames; exit code 1 where one is out of tolerance."""
    if not folder.is_dir():
        raise MediaError(
            f"there is no {folder}",
            hint="Run this in the folder of a clone, or name the folder of the reference frames.",
        )
    from vqcodec.evaluation import conformance as measuring
    from vqcodec.evaluation import render_setting

    references, results = measuring.References.load(folder), []
    for result in measuring.measured(references, render_setting.settings(backend)):
        results.append(result)
        if not as_json:
            output.print_lines([measuring.line(result)])
    if as_json:
        conditions = measuring.versions()
        renderer = str(references.renderer)
        output.print_json({"conditions": conditions, "renderer": renderer, "results": results})
    if not all(result.get("within", True) for result in results):
        raise typer.Exit(OUTSIDE)
