"""Of files made of chunks, whether one is longer than what is there.

WAV, AIFF, CAF and Wave64 are chunks one behind the other, each a name and a length; one of them holds the samples. AVI is one
that holds everything.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import BinaryIO, Literal

_MOST_CHUNKS = 1000


@dataclass(frozen=True, slots=True)
class _Chunks:
    """How a kind of file is made.

    Attributes:
        start: its first bytes.
        kind: what stands at `kind_at`.
        kind_at: in bytes.
        first_at: where its chunks begin.
        samples: name of the chunk that holds the samples.
        name_bytes: of every chunk's name.
        size_bytes: of every chunk's length.
        order: of those bytes.
        counts_itself: a length includes name and length.
        align: in bytes, of every chunk.
        unknown: from here on a length is one that programs write which don't know how much is to come.
    """

    start: bytes
    kind: bytes
    kind_at: int
    first_at: int
    samples: bytes
    name_bytes: int = 4
    size_bytes: int = 4
    order: Literal["little", "big"] = "big"
    counts_itself: bool = False
    align: int = 2
    unknown: int = 0x7FFF_0000


_GUID = bytes.fromhex("f3acd3118cd100c04f8edb8a")  # of Wave64's names, behind four letters
_KINDS = (
    _Chunks(b"RIFF", b"WAVE", 8, 12, b"data", order="little"),
    _Chunks(b"RIFF", b"AVI ", 8, 0, b"RIFF", order="little"),
    _Chunks(b"FORM", b"AIFF", 8, 12, b"SSND"),
    _Chunks(b"FORM", b"AIFC", 8, 12, b"SSND"),
    _Chunks(b"caff", b"\0\1", 4, 8, b"data", size_bytes=8, align=1, unknown=1 << 62),
    _Chunks(
        b"riff",
        b"wave" + _GUID,
        24,
        40,
        b"data" + _GUID,
        name_bytes=16,
        size_bytes=8,
        order="little",
        counts_itself=True,
        align=8,
        unknown=1 << 62,
    ),
)


def chunks_end_early(file: BinaryIO) -> bool:
    """Whether there are fewer bytes of sound, or of pictures, than the header says; False for other kinds."""
    start, head = file.tell(), file.read(64)
    for kind in _KINDS:
        told = head[kind.kind_at :]
        if head.startswith(kind.start) and told.startswith(kind.kind):
            return _samples_missing(file, start, kind)
    return False


def _samples_missing(file: BinaryIO, start: int, kind: _Chunks) -> bool:
    end = file.seek(0, os.SEEK_END)
    at, head_bytes = start + kind.first_at, kind.name_bytes + kind.size_bytes
    for _ in range(_MOST_CHUNKS):
        file.seek(at)
        head = file.read(head_bytes)
        if len(head) < head_bytes:
            return False
        size = int.from_bytes(head[kind.name_bytes :], kind.order)
        size -= head_bytes * kind.counts_itself
        if head.startswith(kind.samples):
            return 0 < size < kind.unknown and at + head_bytes + size > end
        whole = head_bytes + max(size, 0)
        at += whole + -whole % kind.align
    return False
