"""Chunk framing: type, length, payload, CRC-32 (vqt.md, "Chunks"), over any byte stream, pipes included."""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from typing import BinaryIO

from vqcodec.container.faults import TRUNCATED, Fault, stream_error
from vqcodec.container.structs import CHUNK, NO_CYCLE
from vqcodec.container.varint import decode_varint, encode_varint
from vqcodec.errors import MediaError, TruncatedError, VqcodecError
from vqcodec.format import (
    ANCILLARY_BIT,
    CRC_BYTES,
    MAX_CHUNK_BYTES,
    MAX_UNKNOWN_CHUNK_BYTES,
    MAX_VARINT_BYTES,
    SAFE_TO_COPY_BIT,
    SIGNATURE,
    TYPE_BYTES,
)

_PIECE_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class ChunkFrame:
    """What is round a payload.

    Attributes:
        type: four ASCII letters.
        payload_bytes: length of the payload.
        offset: byte offset of the type in the file.
        size_bytes: the whole chunk, type to CRC.
        crc32: the four CRC bytes as they lie in the file.
    """

    type: bytes
    payload_bytes: int
    offset: int
    size_bytes: int
    crc32: bytes

    @property
    def name(self) -> str:
        """The type as text."""
        return self.type.decode("ascii")


@dataclass(frozen=True, slots=True)
class Chunk(ChunkFrame):
    """One chunk whose CRC is right.

    Attributes:
        payload: the bytes between length and CRC.
    """

    payload: bytes


class ByteSource:
    """Reads exact amounts from a binary stream and knows where it is.

    Attributes:
        offset: bytes between the start of the .vqt stream and the next byte to be read.
        seekable: whether `seek` and `size` work.
        stream: what it reads from.

    Args:
        source: a binary stream, at the byte of the .vqt stream that `offset` says.
        offset: see above.
    """

    def __init__(self, source: BinaryIO, offset: int = 0) -> None:
        self.stream = self._source = source
        self.offset = offset
        self.seekable = source.seekable()
        self._base = source.tell() - offset if self.seekable else 0

    def read(self, size: int) -> bytes:
        """Read `size` bytes.

        Memory grows with the bytes that arrive, not with `size`: a length that lies costs nothing.

        Raises:
            TruncatedError: the stream ends before; its offset is the length of the stream.
        """
        pieces = []
        missing = size
        while missing:
            piece = self._source.read(min(missing, _PIECE_BYTES))
            if piece is None:
                raise MediaError(
                    "the input is non-blocking and has no data now", hint="open it in blocking mode"
                )
            if not piece:
                raise self._ended(self.offset + size - missing, missing)
            pieces.append(piece)
            missing -= len(piece)
        self.offset += size
        return b"".join(pieces)

    @staticmethod
    def _ended(end: int, missing: int) -> VqcodecError:
        """The error of a stream that ends at `end`; of nothing there is nothing to recover."""
        if end == 0:
            return TruncatedError(
                "the stream is empty",
                code=TRUNCATED,
                offset=0,
                hint="give a file that vqcodec encode or dub has written",
            )
        more = f"{missing} more bytes are" if missing > 1 else "one more byte is"
        return stream_error(TRUNCATED, f"the stream ends where {more} due", end)

    def at_end(self) -> bool:
        """Whether no byte follows; reads one when there is."""
        return not self._source.read(1)

    def seek(self, offset: int) -> None:
        """Go to a byte offset of the .vqt stream."""
        self._source.seek(self._base + offset)
        self.offset = offset

    def size(self) -> int:
        """Length of the .vqt stream in bytes; moves the position to its end."""
        self.offset = self._source.seek(0, io.SEEK_END) - self._base
        return self.offset


def read_signature(source: ByteSource) -> None:
    """Read the eight bytes every file starts with.

    Raises:
        BitstreamError: bad-signature, at the first wrong byte; a shorter file is "truncated".
    """
    for position, expected in enumerate(SIGNATURE):
        if source.read(1)[0] != expected:
            raise stream_error(
                "bad-signature", "the file doesn't start with the .vqt signature", position
            )


def read_chunk(source: ByteSource) -> Chunk:
    """Read the next chunk; its payload has been checked against its limit and its CRC, and nothing else.

    Raises:
        BitstreamError: bad-type, bad-length or bad-crc at the chunk's offset.
        TruncatedError: the stream ends inside the chunk or before it.
    """
    offset = source.offset
    head, length = read_chunk_head(source)
    kind = head[:TYPE_BYTES]
    payload = source.read(length)
    crc32 = source.read(CRC_BYTES)
    if crc32 != zlib.crc32(payload, zlib.crc32(head)).to_bytes(CRC_BYTES, "big"):
        raise stream_error("bad-crc", f"the CRC of {kind.decode()} is wrong", offset)
    return Chunk(kind, length, offset, source.offset - offset, crc32, payload)


def read_chunk_head(source: ByteSource) -> tuple[bytes, int]:
    """Read type and length of the next chunk, and check both.

    Returns:
        The bytes read, and the length of the payload that follows.

    Raises:
        BitstreamError: bad-type or bad-length at the chunk's offset.
        TruncatedError: the stream ends before.
    """
    offset = source.offset
    head = source.read(TYPE_BYTES)
    kind = head
    if not kind.isalpha():
        raise stream_error("bad-type", f"a chunk type is {kind!r}, not four letters", offset)
    while len(head) < TYPE_BYTES + MAX_VARINT_BYTES:
        head += source.read(1)
        if head[-1] < 0x80:
            break
    try:
        length = decode_varint(head, TYPE_BYTES)[0]
    except Fault as fault:
        raise stream_error("bad-length", f"{kind.decode()}: {fault.message}", offset) from None
    limit = MAX_CHUNK_BYTES.get(kind, MAX_UNKNOWN_CHUNK_BYTES)
    if length > limit:
        raise stream_error(
            "bad-length", f"{kind.decode()} says it has {length} bytes, above {limit}", offset
        )
    return head, length


def make_chunk(kind: bytes, payload: bytes, offset: int) -> tuple[Chunk, bytes]:
    """Frame a payload.

    Args:
        kind: four ASCII letters.
        payload: at most as long as the type's limit.
        offset: where in the file the chunk will lie.

    Returns:
        The chunk and its bytes.

    Raises:
        Fault: bad-type or bad-length.
    """
    if len(kind) != TYPE_BYTES or not kind.isalpha():
        raise Fault("bad-type", f"the chunk type {kind!r} is not four ASCII letters")
    limit = MAX_CHUNK_BYTES.get(kind, MAX_UNKNOWN_CHUNK_BYTES)
    if len(payload) > limit:
        raise Fault("bad-length", f"{kind.decode()} has {len(payload)} bytes, above {limit}")
    crc32 = _crc32(kind + encode_varint(len(payload)) + payload)
    data = CHUNK.build(
        {"type": kind, "length": len(payload), "payload": payload, "crc32": crc32}, **NO_CYCLE
    )
    return Chunk(kind, len(payload), offset, len(data), crc32, payload), data


def is_ancillary(kind: bytes) -> bool:
    """Whether a decoder that doesn't know this type skips it: its first letter is lower case."""
    return bool(kind[0] & ANCILLARY_BIT)


def is_safe_to_copy(kind: bytes) -> bool:
    """Whether a tool that changes other chunks keeps this one: its fourth letter is lower case."""
    return bool(kind[3] & SAFE_TO_COPY_BIT)


def _crc32(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(CRC_BYTES, "big")
