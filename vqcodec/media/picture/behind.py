"""What libav doesn't read: recordings behind the first in files joined byte by byte, of some kinds, and WebP that moves.

MP4, MOV   ftyp moov mdat | ftyp moov mdat        a file has one moov
FLV        FLV tag tag .. | FLV tag tag ..        a header where a tag should stand
"""

from __future__ import annotations

import os
from typing import BinaryIO

from vqcodec.media.peek import peeked
from vqcodec.types import FileLike

_MOST_PARTS = 1_000_000
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_FLV = b"FLV\x01"


def unread_remarks(source: FileLike, name: str) -> list[str]:
    """What a person should know of recordings that aren't read."""
    count = recordings(source)
    told = (
        f"{name} holds {count} recordings one behind the other: only the first is read "
        "(join them by a program that rewrites them, or encode each)"
    )
    return [told] * (count > 1)


def refused_animation(source: FileLike) -> str:
    """Why a file's pictures aren't read, in words, if it is an animation of a kind that isn't; "" otherwise."""
    return "an animated WebP" if peeked(source, _is_moving_webp, False) else ""


def _is_moving_webp(file: BinaryIO) -> bool:
    head = file.read(21)
    return head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and bool(head[20:] and head[20] & 2)


def recordings(source: FileLike) -> int:
    """How many follow each other; 1 for other kinds of file, and for pipes."""
    return peeked(source, _recordings, 1)


def _recordings(file: BinaryIO) -> int:
    start, head = file.tell(), file.read(9)
    end = file.seek(0, os.SEEK_END)
    if head.startswith(_FLV):
        return _of_tags(file, start, end)
    return max(_of_boxes(file, start, end), 1) if head[4:8] in _BOXES else 1


def _of_boxes(file: BinaryIO, at: int, end: int) -> int:
    found = 0
    for _ in range(_MOST_PARTS):
        file.seek(at)
        head = file.read(16)
        size = int.from_bytes(head[:4], "big")
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        found += head[4:8] == b"moov"
        if size < 8 or at + size >= end:  # a size of 0 goes to the end
            break
        at += size
    return found


def _of_tags(file: BinaryIO, at: int, end: int) -> int:
    found = 0
    for _ in range(_MOST_PARTS):
        file.seek(at)
        head = file.read(11)
        if head.startswith(_FLV):
            found += 1
            at += int.from_bytes(head[5:9], "big") + 4
        else:
            at += len(head) + int.from_bytes(head[1:4], "big") + 4
        if at >= end:
            break
    return found
