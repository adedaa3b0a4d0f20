"""Whether the last block of a GIF or a PNG, animated ones among them, is missing."""

from __future__ import annotations

import os
from typing import BinaryIO

_PNG = b"\x89PNG\r\n\x1a\n"
_GIF = (b"GIF87a", b"GIF89a")
_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B


def animation_ends_early(file: BinaryIO) -> bool:
    """Whether there is no last block; False for other kinds, and for damaged ones."""
    head = file.read(13)
    try:
        if head.startswith(_PNG):
            file.seek(len(_PNG) - len(head), os.SEEK_CUR)
            return _png_ends_early(file)
        if head.startswith(_GIF):
            _skip_colours(file, head[10])
            return _gif_ends_early(file)
    except IndexError:  # a byte is asked for that isn't there
        return True
    return False


def _png_ends_early(file: BinaryIO) -> bool:
    while True:
        head = file.read(8)
        if head[4:] == b"IEND":
            return False
        if len(head) < 8:
            return True
        file.seek(int.from_bytes(head[:4], "big") + 4, os.SEEK_CUR)


def _gif_ends_early(file: BinaryIO) -> bool:
    while (block := file.read(1)[0]) != _TRAILER:
        if block == _EXTENSION:
            file.seek(1, os.SEEK_CUR)
        elif block == _IMAGE:
            _skip_colours(file, file.read(9)[8])
            file.seek(1, os.SEEK_CUR)
        else:
            return False  # no block: damaged, which is another matter
        while size := file.read(1)[0]:
            file.seek(size, os.SEEK_CUR)
    return False


def _skip_colours(file: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        file.seek(3 << (flags & 7) + 1, os.SEEK_CUR)
