"""`vqcodec thumb`: the portrait of a file as a picture. Needs no model and no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from vqcodec.errors import UsageError
from vqcodec.format import CODED_SIZE_PX
from vqcodec.words import parse_time_s

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
        str | None,
        typer.Option(
            metavar="TIME",
            help="The portrait that this time is shown from, not the first: 12.5 or 1:02.",
        ),
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
    from vqcodec.codec.thumb import thumb_and_end
    from vqcodec.media.out.atomic import atomic_output
    from vqcodec.media.out.targets import check_apart

    check_apart(target, source)
    with atomic_output(target, force=force) as sink:
        at_s = None if at is None else parse_time_s(at, "--at")
        rgb, end_s = thumb_and_end(source, at_s)
        sink.write(_picture(rgb, size, kind))
    if end_s is not None:
        console.warning(f"the stream ends at {float(end_s):g} s: its last portrait is shown")
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
