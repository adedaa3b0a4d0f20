"""What a stream holds, without its contents: sizes by purpose, length and counts, for `vqcodec info`.

    HEAD   KEYF, PORT.....   MOTN....   AUDO........   INDX   IEND
    read   start    skipped  start      start          read   read          of a file that can seek

Of a file, portraits, layers and packets are skipped: of each chunk only its frame and the few fields before its contents are
read. The rules between chunks are checked as ever, INDX and the CRC of all CRCs included; whether contents are intact is
for `verify` to say. Where the structure is wrong, and on a pipe, everything is read in order, which tells what is wrong where.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
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
from vqcodec.container.outlines import GroupOutline, PortraitOutline
from vqcodec.container.payloads import (
    CodedGroup,
    outline_audio,
    outline_key_frame,
    outline_motion,
)
from vqcodec.container.portraits import RelativePortrait, outline_portrait
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
    PORT_TYPE,
    TYPE_BYTES,
)
from vqcodec.types import Head, KeyFrame, StreamSizes

_START_BYTES = 128
"""Holds all fields before the contents of most chunks; those of a portrait of 48 dimensions take at most 119 bytes."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ShotSurvey:
    """The portraits of one shot, in major version 2.

    Attributes:
        portraits: how many.
        portrait_bytes: their payloads together.
        continues: it shows the same scene as the shot before.
        frames: how many it has.
        seconds: from its first frame to that of the next shot, or to the end.
    """

    portraits: int
    portrait_bytes: int
    continues: bool
    frames: int
    seconds: Fraction

    @property
    def portraits_per_minute(self) -> Fraction:
        """Of the shot's time."""
        return 60 * self.portraits / self.seconds


@dataclass(frozen=True, slots=True)
class Survey:
    """What a stream's structure says.

    Attributes:
        head: its HEAD chunk.
        sizes: bytes by purpose, frames and duration.
        key_frames: number of portraits, of either version.
        low_confidence_frames: frames in which the face was not seen.
        shots: what each shot has of portraits; () in major version 1.
    """

    head: Head
    sizes: StreamSizes
    key_frames: int
    low_confidence_frames: int
    shots: tuple[ShotSurvey, ...] = ()


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
    tally = _Tally(reader.head)
    for chunk, item in reader.chunks():
        if isinstance(item, KeyFrame):
            tally.key_frames += 1
        elif isinstance(item, RelativePortrait):
            tally.portrait(item.outline, chunk.payload_bytes)
        elif isinstance(item, CodedGroup):
            tally.motion(item.outline)
    assert reader.end_tick is not None
    return tally.survey(reader.sizes, reader.end_tick)


class _Tally:
    """Counts what passes."""

    def __init__(self, head: Head) -> None:
        self._head = head
        self.key_frames = self._low_confidence_frames = 0
        # per shot: portraits, their bytes, continues, frames, first tick
        self._shots: list[tuple[int, int, bool, int, int]] = []

    def portrait(self, outline: PortraitOutline, payload_bytes: int) -> None:
        self.key_frames += 1
        if outline.number == 0:
            self._shots.append((0, 0, outline.continues, 0, 0))
        count, size, continues, frames, tick = self._shots[-1]
        self._shots[-1] = (count + 1, size + payload_bytes, continues, frames, tick)

    def motion(self, group: GroupOutline) -> None:
        self._low_confidence_frames += group.uncertain
        if self._shots:
            count, size, continues, frames, tick = self._shots[-1]
            tick = tick if frames else group.first_tick
            self._shots[-1] = (count, size, continues, frames + group.frames, tick)

    def survey(self, sizes: StreamSizes, end_tick: int) -> Survey:
        ends = [*(shot[4] for shot in self._shots[1:]), end_tick]
        shots = tuple(
            ShotSurvey(count, size, continues, frames, (end - tick) * self._head.time_base_s)
            for (count, size, continues, frames, tick), end in zip(self._shots, ends, strict=False)
        )
        return Survey(self._head, sizes, self.key_frames, self._low_confidence_frames, shots)


class _Skipping:
    """One walk from HEAD to IEND over the frames of chunks; raises `Fault` and `BitstreamError`."""

    def __init__(self, reader: Reader) -> None:
        self._head, self._tally = reader.head, _Tally(reader.head)
        self._source = ByteSource(*reader.body())
        self._rules = StreamRules(reader.head, reader.head_chunk)

    def survey(self) -> Survey:
        while self._step() != IEND_TYPE:
            pass
        assert self._rules.end_tick is not None
        return self._tally.survey(self._rules.snapshot(), self._rules.end_tick)

    def _step(self) -> bytes:
        """Take the next chunk; returns its type."""
        source, offset = self._source, self._source.offset
        head, length = read_chunk_head(source)
        kind = head[:TYPE_BYTES]
        if kind == KEYF_TYPE:
            first_frame = self._outline(outline_key_frame, length)
            self._rules.key_frame(self._frame(head, offset, length), first_frame)
            self._tally.key_frames += 1
        elif kind == PORT_TYPE and self._head.version[0] != 1:
            outline = self._outline(partial(outline_portrait, head=self._head), length)
            self._rules.portrait(self._frame(head, offset, length), outline)
            self._tally.portrait(outline, length)
        elif kind == MOTN_TYPE:
            group = self._outline(partial(outline_motion, major=self._head.version[0]), length)
            self._rules.motion(self._frame(head, offset, length), group)
            self._tally.motion(group)
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
