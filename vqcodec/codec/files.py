"""Bytes as files, at the door: the stages know paths and file objects only."""

from __future__ import annotations

import io
from typing import TypeAlias

from vqcodec.types import FileLike

Source: TypeAlias = FileLike | bytes | bytearray | memoryview
"""What is read: a path, "-" for standard input, a binary file object (seekable or not), or the bytes of a file."""


def readable(source: Source) -> FileLike:
    """The source as a path or file object."""
    return io.BytesIO(source) if isinstance(source, bytes | bytearray | memoryview) else source
