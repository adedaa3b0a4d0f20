"""Ogg and ASF (WMV, WMA): whether the last page is there, and as many bytes as the header says.

Ogg marks the last page of every stream (RFC 3533 section 6). An ASF header gives the file's size where it was known.
"""

from __future__ import annotations

import os
from typing import BinaryIO

_OGG, _PAGE_HEAD, _LARGEST_PAGE = b"OggS", 27, 65_307
_LAST = 4
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_ASF_HEAD_BYTES = 1 << 16
_BROADCAST = 1


def pages_end_early(file: BinaryIO) -> bool:
    """Whether the last page of an Ogg file isn't whole, or not called the last; False for other kinds."""
    start = file.tell()
    if file.read(4) != _OGG:
        return False
    end = file.seek(0, os.SEEK_END)
    file.seek(max(start, end - 2 * _LARGEST_PAGE))
    tail = file.read()
    at = tail.rfind(_OGG)
    if at < 0:  # what follows isn't Ogg
        return False
    head = tail[at : at + _PAGE_HEAD]
    if len(head) < _PAGE_HEAD:
        return True
    sizes = tail[at + _PAGE_HEAD : at + _PAGE_HEAD + head[26]]
    whole = len(sizes) == head[26] and at + _PAGE_HEAD + len(sizes) + sum(sizes) <= len(tail)
    return not whole or not head[5] & _LAST


def asf_ends_early(file: BinaryIO) -> bool:
    """Whether an ASF file has fewer bytes than its header says; False for other kinds."""
    start, head = file.tell(), file.read(_ASF_HEAD_BYTES)
    at = head.find(_PROPERTIES)
    if not head.startswith(_ASF) or at < 0 or at + 92 > len(head):
        return False
    told = int.from_bytes(head[at + 40 : at + 48], "little")
    flags = int.from_bytes(head[at + 88 : at + 92], "little")
    return not flags & _BROADCAST and file.seek(0, os.SEEK_END) - start < told
