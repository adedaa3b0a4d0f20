"""A look into a file's bytes before libav reads it, for what libav takes without a word."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import BinaryIO, TypeVar

from vqcodec.types import FileLike

T = TypeVar("T")


def peeked(source: FileLike, look: Callable[[BinaryIO], T], otherwise: T) -> T:
    """What `look` finds in a file, which is left where it was; `otherwise` for pipes, and for what can't be read."""
    try:
        if isinstance(source, str | os.PathLike):
            if source == "-" or not os.path.isfile(source):
                return otherwise
            with open(source, "rb") as file:
                return look(file)
        if not hasattr(source, "seekable") or not source.seekable():
            return otherwise
        start = source.tell()
        try:
            return look(source)
        finally:
            source.seek(start)
    except OSError:  # who reads the file will say so
        return otherwise
