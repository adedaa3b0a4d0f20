"""Bytes as files, at the door: the stages know paths and file objects only."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from vqcodec.errors import UsageError
from vqcodec.format import SIGNATURE
from vqcodec.reports import DecodeReport, DubReport, EncodeReport
from vqcodec.types import FileLike

if TYPE_CHECKING:
    from vqcodec.media.picture.frames import Frames

Source: TypeAlias = FileLike | bytes | bytearray | memoryview
"""What is read: a path, "-" for standard input, a binary file object (seekable or not), or the bytes of a file."""

Report = TypeVar("Report", EncodeReport, DecodeReport, DubReport)


def readable(source: Source) -> FileLike:
    """The source as a path or file object.

    Raises:
        UsageError: it is neither, a text file object, or closed.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        return io.BytesIO(source)
    if isinstance(source, str | os.PathLike):
        return source
    if isinstance(source, io.TextIOBase):
        raise UsageError("a text file object", hint='Use open(path, "rb").')
    if not hasattr(source, "read"):
        raise UsageError(
            f"not a file: {type(source).__name__}",
            hint="Give a path, '-', bytes or a binary file object.",
        )
    if getattr(source, "closed", False):
        raise UsageError("a file object that is closed", hint="Close it after the call.")
    return source


def filed(target: FileLike | None, make: Callable[[FileLike], Report]) -> Report:
    """Make a file; without a target, in memory, and put its bytes into the report."""
    if target is not None:
        return make(target)
    sink = io.BytesIO()
    return replace(make(sink), data=sink.getvalue())


def is_stream(source: Source | Frames) -> bool:
    """Whether this is a .vqt stream, by its first bytes; of what can't be read twice, by its name only."""
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source[: len(SIGNATURE)]) == SIGNATURE
    if isinstance(source, str | os.PathLike):
        return _file_is_stream(os.fspath(source))
    seekable = None if getattr(source, "closed", False) else getattr(source, "seekable", None)
    if seekable is None or not seekable():
        return str(getattr(source, "name", "")).endswith(".vqt")
    at = source.tell()  # type: ignore[union-attr]
    try:
        return bool(source.read(len(SIGNATURE)) == SIGNATURE)  # type: ignore[union-attr]
    finally:
        source.seek(at)  # type: ignore[union-attr]


def _file_is_stream(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(SIGNATURE)) == SIGNATURE
    except OSError:
        return path.endswith(".vqt")  # whoever opens it says what is wrong
