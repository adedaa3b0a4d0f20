"""Finding intact chunks in damaged bytes: any binary stream -> chunks whose CRC is right, and what lies between them.

    ... MOTN | AUDO | ?????????????????? | AUDO | MOTN ...
        chunk  chunk        gap            chunk  chunk

Where no chunk follows, the search goes on byte by byte for a type of this version, a length within its limit and a right
CRC. Time is linear in the bytes read, whatever they are (`ranges.py`); memory is that of the largest chunk.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from vqcodec.container.chunks import Chunk
from vqcodec.container.faults import Fault, stream_error
from vqcodec.container.head import parse_head
from vqcodec.container.ranges import RangeCrc
from vqcodec.container.varint import decode_varint
from vqcodec.damage import Damage
from vqcodec.errors import MediaError, VqcodecError
from vqcodec.format import (
    CRC_BYTES,
    HEAD_TYPE,
    MAX_CHUNK_BYTES,
    MAX_UNKNOWN_CHUNK_BYTES,
    MAX_VARINT_BYTES,
    SIGNATURE,
    TYPE_BYTES,
)
from vqcodec.types import Head

_PIECE_BYTES = 65_536
_HEADER_BYTES = TYPE_BYTES + MAX_VARINT_BYTES
_LANDMARK = re.compile(b"|".join(re.escape(mark) for mark in (*MAX_CHUNK_BYTES, SIGNATURE)))


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes that belong to no intact chunk.

    Attributes:
        offset: where they begin.
        size_bytes: how many there are.
        types: how often each chunk type was seen among them: what probably was lost.
    """

    offset: int
    size_bytes: int
    types: Mapping[bytes, int]


@dataclass(frozen=True, slots=True)
class Signature:
    """The eight bytes that every stream starts with."""

    offset: int


Piece = Chunk | Gap | Signature


class ChunkScanner:
    """Iterates over all of a stream's bytes as chunks, signatures and gaps, in order, without overlap.

    Args:
        source: a binary file object or pipe; what it has at the moment is taken (read1) where it can tell.
        offset: stream position of its next byte, for reports.
    """

    def __init__(self, source: BinaryIO, offset: int = 0) -> None:
        self._read = getattr(source, "read1", None) or source.read
        self._shift = offset
        self._window = RangeCrc()
        self._ended = False

    def __iter__(self) -> Iterator[Piece]:
        at = 0
        while self._reach(at + 1):
            piece = self._piece(at, resync=False) or self._gap(at)
            at += len(SIGNATURE) if isinstance(piece, Signature) else piece.size_bytes
            self._window.release(at)
            yield piece

    def _gap(self, first: int) -> Gap:
        """The bytes up to the next intact chunk, signature, or the end."""
        types: Counter[bytes] = Counter()
        at = first
        while True:
            mark = self._landmark(at)
            if mark is None:
                at = self._window.end
                break
            if mark > first and self._piece(mark, resync=True) is not None:
                at = mark
                break
            types[self._bytes(mark, TYPE_BYTES)] += 1
            at = mark + 1
            self._window.release(at)
        return Gap(first + self._shift, at - first, types)

    def _landmark(self, at: int) -> int | None:
        """Where the next known type or signature begins; None when none does."""
        while True:
            found = _LANDMARK.search(self._window.data, at - self._window.start)
            if found is not None:
                return self._window.start + found.start()
            at = max(at, self._window.end - len(SIGNATURE) + 1)
            self._window.release(at)
            if not self._more():
                return None

    def _piece(self, at: int, *, resync: bool) -> Chunk | Signature | None:
        """What begins here, if it is intact."""
        if not self._reach(at + TYPE_BYTES + 1 + CRC_BYTES):
            return None
        header = self._bytes(at, _HEADER_BYTES)
        kind = header[:TYPE_BYTES]
        if header.startswith(SIGNATURE):
            return Signature(at + self._shift)
        if not kind.isalpha() or (resync and kind not in MAX_CHUNK_BYTES):
            return None
        return self._chunk(at, kind, header)

    def _chunk(self, at: int, kind: bytes, header: bytes) -> Chunk | None:
        while len(header) < _HEADER_BYTES and min(header[TYPE_BYTES:]) >= 0x80 and self._more():
            header = self._bytes(at, _HEADER_BYTES)
        try:
            length, start = decode_varint(header, TYPE_BYTES)
        except Fault:
            return None
        if length > MAX_CHUNK_BYTES.get(kind, MAX_UNKNOWN_CHUNK_BYTES) or not self._reach(
            at + start + length + CRC_BYTES
        ):
            return None
        stop = at + start + length
        crc32 = self._bytes(stop, CRC_BYTES)
        if self._window.crc32(at, stop) != int.from_bytes(crc32, "big"):
            return None
        payload = self._bytes(at + start, length)
        whole = start + length + CRC_BYTES
        return Chunk(kind, length, at + self._shift, whole, crc32, payload)

    def _bytes(self, at: int, size: int) -> bytes:
        first = at - self._window.start
        return bytes(self._window.data[first : first + size])

    def _reach(self, position: int) -> bool:
        """Read on until the window holds the bytes before a position; false when the stream ends before."""
        while self._window.end < position:
            if not self._more():
                return False
        return True

    def _more(self) -> bool:
        if self._ended:
            return False
        piece = self._read(_PIECE_BYTES)
        if piece is None:
            raise MediaError(
                "the input is non-blocking and has no data now", hint="open it in blocking mode"
            )
        self._ended = not piece
        self._window.extend(piece)
        return not self._ended


def find_head(pieces: Iterator[Piece], damage: Damage) -> tuple[Head, bytes]:
    """Skip to the first HEAD that can be used.

    Args:
        pieces: of a stream, from its start on.
        damage: counts what is skipped.

    Returns:
        HEAD, and its payload.

    Raises:
        BitstreamError: there is none.
        UnsupportedError: there are only ones that need a newer decoder.
    """
    met: VqcodecError | None = None
    any_chunk = False
    for piece in pieces:
        if isinstance(piece, Gap):
            damage.skipped_bytes += piece.size_bytes
            any_chunk |= bool(piece.types)
        elif isinstance(piece, Chunk) and piece.type == HEAD_TYPE:
            try:
                return parse_head(piece.payload), piece.payload
            except Fault as fault:
                met = met or stream_error(fault.code, f"HEAD: {fault.message}", piece.offset)
        elif isinstance(piece, Chunk):
            any_chunk = True
            damage.foreign_chunks += 1
    raise met or _no_head(any_chunk)


def _no_head(any_chunk: bool) -> VqcodecError:
    if not any_chunk:
        return stream_error("bad-signature", "there is no .vqt stream in the file", 0)
    error = stream_error(
        "bad-order", "HEAD, which says how to read the rest, can't be read", len(SIGNATURE)
    )
    error.hint = "nothing can be recovered without it: fetch the first kilobyte of the file again"
    return error
