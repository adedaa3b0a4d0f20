"""Whether a WAV file ends before its header says: libav takes the shorter of the two, without a word."""

from __future__ import annotations

import os
from typing import BinaryIO

from vqcodec.types import FileLike

# sizes that programs write which don't know how much is to come
_UNKNOWN = 0x7FFF_0000
_MOST_CHUNKS = 1000


def ends_early(source: FileLike) -> bool:
    """Whether the samples of a WAV file are fewer than its header says; False for all other files, and for pipes."""
    try:
        if isinstance(source, str | os.PathLike):
            if source == "-" or not os.path.isfile(source):
                return False
            with open(source, "rb") as file:
                return _ends_early(file)
        if not hasattr(source, "seekable") or not source.seekable():
            return False
        start = source.tell()
        try:
            return _ends_early(source)
        finally:
            source.seek(start)
    except OSError:  # who reads the file will say so
        return False


def _ends_early(file: BinaryIO) -> bool:
    start = file.tell()
    if file.read(4) != b"RIFF" or file.read(8)[4:] != b"WAVE":
        return False
    end = file.seek(0, os.SEEK_END)
    at = start + 12
    for _ in range(_MOST_CHUNKS):
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            return False
        kind, size = head[:4], int.from_bytes(head[4:], "little")
        if kind == b"data":
            return 0 < size < _UNKNOWN and at + 8 + size > end
        at += 8 + size + size % 2
    return False
