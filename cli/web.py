"""`vqcodec web`: a page that plays streams without Python, as a folder for any web server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import console
from .guard import guarded
from .shared import ForceOption


@guarded
def web(
    target: Annotated[
        Path, typer.Argument(metavar="OUT", help="Folder to write.", show_default=False)
    ],
    force: ForceOption = False,
) -> None:
    """Write a folder that any web server can host: a page that plays .vqt files, with the models.

    Serve it with any http(s) server; the page plays a file that is dropped on it, or ?src=FILE of the same server.
    """
    from vqcodec.publishing.folder import write_folder

    size = write_folder(target, force=force)
    console.note(f"{size / 1e6:.0f} MB -> {target}")
    console.note(
        "Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp let it use all cores"
    )
