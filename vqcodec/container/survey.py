"""What a stream holds, without its contents: sizes by purpose, length and counts, for `vqcodec info`.

    HEAD   KEYF...........   MOTN....   AUDO........   INDX   IEND
    read   start    skipped  start      start          read   read          of a file that can seek

Of a file, portraits, layers and packets are skipped: of each chunk only its frame and the few fields before its contents are
read. The rules between chunks are checked as ever, INDX and the CRC of all CRCs included; whether contents are intact is
for `verify` to say. Where the structure is wrong, and on a pipe, everything is read in order, which tells what is wrong where.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, TypeVar

from vqcodec.container.chunks import (
    ByteSource,
    ChunkFrame,
    is_ancillary,
    read_chunk,
    read_chunk_head,
)
from vqcodec.container.faults import Fault
from vqcodec.container.items import apply_chunk
from vqcodec.container.payloads import (
    CodedGroup,
    outline_audio,
    outline_key_frame,
    outline_motion,
)
from vqcodec.container.reader import Reader
from vqcodec.container.rules import StreamRules
from vqcodec.errors import BitstreamError
from vqcodec.format import (
    AUDO_TYPE,
    CRC_BYTES,
    HEAD_TYPE,
    IEND_TYPE,
    INDX_TYPE,
    KEYF_TYPE,
    MOTN_TYPE,
    TYPE_BYTES,
)
from vqcodec.types import Head, KeyFrame, StreamSizes

_START_BYTES = 128
"""Holds all fields before the contents of most chunks; a portrait's are at most 104 bytes."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Survey:
    """What a stream's structure says.

    Attributes:
        head: its HEAD chunk.
        sizes: bytes by purpose, frames and duration.
        key_frames: number of portraits.
        low_confidence_frames: frames in which the face was not seen.
    """

    head: Head
    sizes: StreamSizes
    key_frames: int
    low_confidence_frames: int


def survey(source: BinaryIO) -> Survey:
    """Look a stream through; no token is decoded.

    Args:
        source: a .vqt stream; of one that can seek, contents are neither read nor checked.

    Raises:
        BitstreamError, TruncatedError, UnsupportedError: as `Reader`, for what the structure shows.
    """
    reader = Reader(source)
    if source.seekable():
        start = source.tell()
        try:
            return _Skipping(reader).survey()
        except (Fault, BitstreamError):
            source.seek(start)  # reading in order says what is wrong, and where
    return _in_order(reader)


def _in_order(reader: Reader) -> Survey:
    key_frames = low_confidence_frames = 0
    for item in reader.coded():
        key_frames += isinstance(item, KeyFrame)
        if isinstance(item, CodedGroup):
            low_confidence_frames += item.outline.uncertain
    return Survey(reader.head, reader.sizes, key_frames, low_confidence_frames)


class _Skipping:
    """One walk from HEAD to IEND over the frames of chunks; raises `Fault` and `BitstreamError`."""

    def __init__(self, reader: Reader) -> None:
        self._head = reader.head
        self._source = ByteSource(*reader.body())
        self._rules = StreamRules(reader.head, reader.head_chunk)
        self._key_frames = self._low_confidence_frames = 0

    def survey(self) -> Survey:
        while self._step() != IEND_TYPE:
            pass
        sizes = self._rules.snapshot()
        return Survey(self._head, sizes, self._key_frames, self._low_confidence_frames)

    def _step(self) -> bytes:
        """Take the next chunk; returns its type."""
        source, offset = self._source, self._source.offset
        head, length = read_chunk_head(source)
        kind = head[:TYPE_BYTES]
        if kind == KEYF_TYPE:
            first_frame = self._outline(outline_key_frame, length)
            self._rules.key_frame(self._frame(head, offset, length), first_frame)
            self._key_frames += 1
        elif kind == MOTN_TYPE:
            group = self._outline(outline_motion, length)
            self._rules.motion(self._frame(head, offset, length), group)
            self._low_confidence_frames += group.uncertain
        elif kind == AUDO_TYPE:
            sound = self._outline(outline_audio, length)
            self._rules.audio(self._frame(head, offset, length), sound)
        elif kind in (HEAD_TYPE, INDX_TYPE, IEND_TYPE) or not is_ancillary(kind):
            source.seek(offset)
            apply_chunk(read_chunk(source), self._rules)
        else:
            self._rules.ancillary(self._frame(head, offset, length))
        return kind

    def _outline(self, parse: Callable[[bytes, int], T], length: int) -> T:
        """Read as much of a payload as its fields need."""
        start = b""
        while True:
            wanted = min(max(_START_BYTES, 4 * len(start)), length)
            start += self._source.read(wanted - len(start))
            try:
                return parse(start, length)
            except Fault:
                if len(start) == length:
                    raise

    def _frame(self, head: bytes, offset: int, length: int) -> ChunkFrame:
        """Skip the rest of the payload and read the CRC."""
        self._source.seek(offset + len(head) + length)
        crc32 = self._source.read(CRC_BYTES)
        return ChunkFrame(head[:TYPE_BYTES], length, offset, self._source.offset - offset, crc32)
