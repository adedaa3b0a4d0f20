"""`vqcodec validate`: the evaluation table over a folder of clips."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from vqcodec.errors import MediaError, OutputExistsError
from vqcodec.format import LAYERS
from vqcodec.progress import ProgressEvent

from . import console, output
from .guard import guarded
from .shared import DeviceOption, TableJsonOption


@guarded
def validate(
    data: Annotated[
        Path, typer.Option(help="Corpus folder (clips in val/), or a folder of videos.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="JSON file to write.", show_default=False)
    ] = None,
    clips: Annotated[
        int | None, typer.Option(min=1, help="Measure so many, evenly spread.", show_default="all")
    ] = None,
    layers: Annotated[str, typer.Option(help="Numbers of layers to measure: 4 or 1,2,3,4.")] = str(
        LAYERS
    ),
    every: Annotated[int, typer.Option(min=1, help="Sample faces every so many frames.")] = 5,
    device: DeviceOption = "auto",
    sheets: Annotated[
        Path | None, typer.Option(help="Folder for contact sheets.", show_default=False)
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(help="Folder to keep coded files in.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing JSON file.")] = False,
    as_json: TableJsonOption = False,
) -> None:
    """Measure the codec on clips, file to file: rates, quality, speed, beside the still portrait's."""
    if out is not None and out.exists() and not force:
        raise OutputExistsError(
            f"{out} exists", hint="Choose another name, or pass --force to replace it."
        )
    from rich.console import Console

    from vqcodec.evaluation.metrics.suite import Suite
    from vqcodec.evaluation.validate.run import (
        Validation,
        coded_folder,
        parse_layers,
        validation_clips,
    )
    from vqcodec.evaluation.validate.table import show

    wanted, found = parse_layers(layers), validation_clips(data, clips)
    with Suite(every) as suite, coded_folder(keep) as folder, console.progress_bar() as progress:
        seen: list[str] = []

        def tell(name: str) -> None:
            event = ProgressEvent("clips", len(seen), len(found), unit="clips", message=name)
            progress(event)
            seen.append(name)

        validation = Validation(suite, wanted, folder, sheets=sheets, device=device)
        results = validation.run(found, tell)
    if out is not None:
        results.save(out)
    with nullcontext() if out is None else output.kept_in_files():
        if as_json:
            output.print_json(results.to_json())
        else:
            show(results, Console())
    if results.failed:
        raise typer.Exit(MediaError.exit_code)
