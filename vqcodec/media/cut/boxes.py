"""Files of boxes, elements or tags, each of which says how long it is: whether the last one is whole.

MP4, MOV        box box ..                   ISO/IEC 14496-12 section 4.2
Matroska, WebM  Segment(Cluster(Block ..))   RFC 8794; of a live one no length is known but the blocks'
FLV             tag tag ..                   Adobe's specification, annex E
"""

from __future__ import annotations

import os
from typing import BinaryIO

_MOST_PARTS = 1_000_000
_BOXES = (
    *(b"ftyp", b"moov", b"mdat", b"moof", b"wide", b"free", b"skip", b"sidx", b"styp"),
    *(b"mfra", b"uuid", b"meta", b"emsg", b"prft", b"udta", b"pnot"),
)
_EBML, _SEGMENT, _CLUSTER = b"\x1a\x45\xdf\xa3", 0x18538067, 0x1F43B675
_FLV = b"FLV\x01"


def boxes_end_early(file: BinaryIO) -> bool:
    """Whether the last box of an MP4 goes beyond the end; False for other kinds."""
    at, end = file.tell(), file.seek(0, os.SEEK_END)
    for _ in range(_MOST_PARTS):
        file.seek(at)
        head = file.read(16)
        if head[4:8] not in _BOXES:
            return False
        size = int.from_bytes(head[:4], "big")
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        if size < 8:  # 0: it goes to the end
            return False
        at += size
        if at >= end:
            return at > end
    return False


def elements_end_early(file: BinaryIO) -> bool:
    """Whether an element of a Matroska file goes beyond the end; False for other kinds."""
    at, end = file.tell(), file.seek(0, os.SEEK_END)
    file.seek(at)
    if file.read(4) != _EBML:
        return False
    for _ in range(_MOST_PARTS):
        file.seek(at)
        head = file.read(12)
        kind, after = _number(head, 0, keeps_marker=True)
        size, body = _number(head, after)
        if kind == 0 or size < 0:  # no element: damaged, or the end of one
            return 0 < len(head) < 12 and at + len(head) >= end
        if size == (1 << 7 * (body - after)) - 1:  # not known
            if kind not in (_SEGMENT, _CLUSTER):
                return False
            at += body
            continue
        at += body + size
        if at >= end:
            return at > end
    return False


def _number(data: bytes, at: int, *, keeps_marker: bool = False) -> tuple[int, int]:
    """A variable-size integer (RFC 8794 section 4) and where it ends; 0 or -1 where there is none."""
    none = 0 if keeps_marker else -1
    if at >= len(data) or data[at] == 0:
        return none, at
    length = 9 - data[at].bit_length()
    if at + length > len(data):
        return none, at
    value = int.from_bytes(data[at : at + length], "big")
    return (value if keeps_marker else value & ((1 << 7 * length) - 1)), at + length


def tags_end_early(file: BinaryIO) -> bool:
    """Whether the last tag of an FLV goes beyond the end; False for other kinds."""
    start, head = file.tell(), file.read(9)
    if not head.startswith(_FLV):
        return False
    end = file.seek(0, os.SEEK_END)
    at = start + int.from_bytes(head[5:9], "big") + 4
    for _ in range(_MOST_PARTS):
        file.seek(at)
        head = file.read(11)
        if not head or head.startswith(_FLV):
            return False
        at += 11 + int.from_bytes(head[1:4], "big") + 4
        if at >= end:
            return at - 4 > end  # the length behind the last tag is missing in many
    return False
