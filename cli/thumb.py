"""`vqcodec thumb`: the portrait of a file as a picture. Needs no model and no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from vqcodec.errors import UsageError
from vqcodec.format import CODED_SIZE_PX

from . import console
from .guard import guarded
from .shared import ForceOption

FORMATS = {"": "PNG", ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}


@guarded
def thumb(
    source: Annotated[str, typer.Argument(metavar="IN.vqt", help="File to show; - reads stdin.")],
    target: Annotated[
        str,
        typer.Argument(
            metavar="OUT.png",
            help="PNG, JPEG or WebP, by its name; PNG without a suffix; - writes one to stdout.",
        ),
    ],
    size: Annotated[int, typer.Option(min=16, max=4096, help="Side in pixels.")] = CODED_SIZE_PX,
    at: Annotated[
        float | None,
        typer.Option(min=0, help="The portrait that this second is shown from, not the first."),
    ] = None,
    force: ForceOption = False,
) -> None:
    """Save the portrait of a .vqt file as a picture, for lists and previews; no model is needed."""
    kind = FORMATS.get(Path(target).suffix.lower())
    if kind is None:
        raise UsageError(
            f"no picture format is called {Path(target).suffix or target!r}",
            hint=f"Name it {', '.join(filter(None, FORMATS))}.",
        )
    from vqcodec.codec.thumb import thumb as portrait
    from vqcodec.media.out.atomic import atomic_output
    from vqcodec.media.out.targets import check_apart

    check_apart(target, source)
    with atomic_output(target, force=force) as sink:
        sink.write(_picture(portrait(source, at_s=at), size, kind))
    console.note(f"{size}x{size} -> {target}")


def _picture(rgb: Any, size: int, kind: str) -> bytes:
    """A file of this format."""
    import io

    from PIL import Image

    whole = Image.fromarray(rgb)
    if whole.size != (size, size):
        whole = whole.resize((size, size), Image.Resampling.LANCZOS)
    sink = io.BytesIO()
    whole.save(sink, kind, **({} if kind == "PNG" else {"quality": 90}))
    return sink.getvalue()
