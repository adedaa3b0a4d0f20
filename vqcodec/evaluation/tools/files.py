"""Result files as JSON."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from vqcodec.errors import UsageError
from vqcodec.media.out.atomic import atomic_output
from vqcodec.media.system import system_faults

T = TypeVar("T")
_NAME_BYTES = 200
"""Files are called by a clip's name and some more; 255 bytes is what systems allow."""


def save_json(path: Path, data: dict[str, Any]) -> None:
    """Write a result file, whole or not at all; its folder is made if need be.

    Raises:
        MediaError: it can't be.
    """
    with system_faults(path.parent, "make the folder"):
        path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_output(path, force=True) as sink:
        sink.write((json.dumps(data, indent=1, allow_nan=False) + "\n").encode())


def clip_name(path: Path) -> str:
    """What a clip is called in results and pages, and files made of it: its name without suffix.

    That is text which can be shown and written, and a name by itself, whatever bytes the file's name holds.
    """
    text = os.fsencode(path.stem).decode("utf-8", "replace")
    name = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    while len(name.encode()) > _NAME_BYTES:
        name = name[:-1]
    return name if name.strip(".") else f"clip{name}"


def check_names(clips: Sequence[Path]) -> None:
    """Refuse clips that would be called the same: files and figures of one would take the other's place.

    Raises:
        UsageError: there are such; it names two of them.
    """
    first: dict[str, Path] = {}
    for clip in clips:
        name = clip_name(clip)
        if name.casefold() in first:
            raise UsageError(
                f"two clips are called {name}: {first[name.casefold()]} and {clip}",
                hint="Rename one: results are kept by name, without its suffix.",
            )
        first[name.casefold()] = clip


def rounded(value: Any) -> Any:
    """Six decimals are far below what any figure means and keep the file readable; NaN becomes null."""
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    return [rounded(v) for v in value] if isinstance(value, list | tuple) else value


def load_json(
    path: Path, version: int, build: Callable[[dict[str, Any]], T], *, what: str, command: str
) -> T:
    """Read a result file.

    Args:
        path: the file.
        version: its `schema_version`.
        build: makes the value of the other entries; may raise KeyError or TypeError.
        what: what the file should be, for the message.
        command: the command that writes such files, for the hint.

    Raises:
        UsageError: it is something else.
        OSError: it can't be read.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data.pop("schema_version") != version:
            raise KeyError("schema_version")
        return build(data)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(
            f"{path} is not {what}: {error!r}", hint=f"Write one with {command} --out."
        ) from error
