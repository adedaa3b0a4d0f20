"""Times of a Matroska file's blocks, changed in place."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable
from pathlib import Path

_MASTERS = (0x18538067, 0x1F43B675, 0xA0)  # Segment, Cluster, BlockGroup
_CLUSTER_TIME, _BLOCKS = 0xE7, (0xA3, 0xA1)

Retime = Callable[[int, int], int]
"""(number of the block in its track, its time in ms) -> its new time in ms."""


def retime(path: Path, track: int, change: Retime) -> None:
    """Give the blocks of one track (1, 2 ..) other times, within 32 s of their cluster's."""
    data = bytearray(path.read_bytes())
    counts: Counter[int] = Counter()
    cluster_ms = 0
    stack = [(0, len(data))]
    while stack:
        at, end = stack.pop()
        if at >= end:
            continue
        kind, at = _number(data, at, keeps_marker=True)
        size, at = _number(data, at)
        unknown = size >= (1 << 56) - 1
        stop = end if unknown else at + size
        stack.append((stop, end))
        if kind in _MASTERS:
            stack.append((at, stop))
        elif kind == _CLUSTER_TIME:
            cluster_ms = int.from_bytes(data[at:stop], "big")
        elif kind in _BLOCKS:
            number, at = _number(data, at)
            if number == track:
                time_ms = cluster_ms + struct.unpack_from(">h", data, at)[0]
                new_ms = change(counts[track], time_ms)
                struct.pack_into(">h", data, at, new_ms - cluster_ms)
                counts[track] += 1
    path.write_bytes(data)


def _number(data: bytearray, at: int, *, keeps_marker: bool = False) -> tuple[int, int]:
    """A variable-size integer (RFC 8794 section 4) and where it ends."""
    length = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + length], "big")
    return (value if keeps_marker else value & ((1 << 7 * length) - 1)), at + length
