"""The INDX chunk: where every key frame, motion group and audio group lies (vqt.md, "INDX").

Its bytes follow from the chunks before it, so that a reader compares them instead of believing them.
"""
from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction

from vqcodec.container.faults import Fault
from vqcodec.container.limits import MAX_INDEX_ENTRIES, MAX_POSITION
from vqcodec.container.varint import decode_varint, encode_varint, unzigzag, zigzag

_KIND_BITS = 2


class IndexKind(IntEnum):
    """What an index entry points at; the value is the one in the file."""

    KEY_FRAME = 0
    MOTION = 1
    AUDIO = 2


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One chunk.

    Attributes:
        kind: what it holds.
        offset: its byte offset in the file.
        position: first frame of a key frame, first tick of a motion group, first sample of an audio group.
    """

    kind: IndexKind
    offset: int
    position: int


class IndexBuilder:
    """Writes the INDX payload entry by entry.

    An entry is the distance from the previous entry's chunk, with the kind in the two low bits, then the second
    difference of the positions of its kind: groups of equal length cost one byte there.
    """

    def __init__(self) -> None:
        self.payload = bytearray()
        self.count = 0
        self._coder = _Predictor()

    def add(self, kind: IndexKind, offset: int, position: int) -> None:
        """Append an entry; entries come in file order.

        Raises:
            Fault: too-many entries.
        """
        if self.count == MAX_INDEX_ENTRIES:
            raise Fault("too-many", f"the stream has more than {MAX_INDEX_ENTRIES} groups and key frames")
        distance, surprise = self._coder.residual(kind, offset, position)
        self.payload += encode_varint(distance << _KIND_BITS | kind)
        self.payload += encode_varint(zigzag(surprise))
        self.count += 1


@dataclass(frozen=True, slots=True)
class StreamIndex:
    """What INDX and IEND say about a whole stream.

    Attributes:
        entries: every key frame, motion group and audio group, in file order.
        frames: number of frames.
        end_tick: when the last frame ends.
    """

    entries: tuple[IndexEntry, ...]
    frames: int
    end_tick: int

    def of(self, kind: IndexKind) -> list[IndexEntry]:
        """The entries of one kind, in file order."""
        return [entry for entry in self.entries if entry.kind == kind]

    def motion_at(self, tick: Fraction | float) -> IndexEntry:
        """The motion group that holds `tick`: the last that starts at or before it, else the first."""
        return _last_at(self.of(IndexKind.MOTION), tick)

    def key_frame_at(self, motion: IndexEntry) -> IndexEntry:
        """The key frame that a motion group is rendered from: the last one before it in the file."""
        return [entry for entry in self.of(IndexKind.KEY_FRAME) if entry.offset < motion.offset][-1]

    def audio_at(self, sample: Fraction | float) -> IndexEntry | None:
        """The audio group that holds `sample`, else the first one; None without sound."""
        entries = self.of(IndexKind.AUDIO)
        return _last_at(entries, sample) if entries else None


def parse_index(payload: bytes) -> Iterator[IndexEntry]:
    """Read an INDX payload.

    Raises:
        Fault: bad-index, whatever is wrong with it.
    """
    coder = _Predictor()
    start = count = 0
    try:
        while start < len(payload):
            head, start = decode_varint(payload, start)
            surprise, start = decode_varint(payload, start)
            if head >> _KIND_BITS == 0:
                raise Fault("bad-index", "two entries have the same offset")
            entry = coder.entry(head & (1 << _KIND_BITS) - 1, head >> _KIND_BITS, unzigzag(surprise))
            count += 1
            if count > MAX_INDEX_ENTRIES or not 0 <= entry.position <= MAX_POSITION or entry.offset > MAX_POSITION:
                raise Fault("bad-index", f"entry {count} is out of range")
            yield entry
    except (Fault, ValueError) as error:
        raise Fault("bad-index", f"the index can't be read: {error}") from error


class _Predictor:
    """Guesses that groups go on as they did: position + last difference, for each kind by itself."""

    def __init__(self) -> None:
        self._offset = 0
        self._last = dict.fromkeys(IndexKind, (0, 0))

    def residual(self, kind: IndexKind, offset: int, position: int) -> tuple[int, int]:
        last, step = self._last[kind]
        distance = offset - self._offset
        self._update(kind, offset, position, last)
        return distance, position - last - step

    def entry(self, kind: int, distance: int, surprise: int) -> IndexEntry:
        known = IndexKind(kind)
        last, step = self._last[known]
        entry = IndexEntry(known, self._offset + distance, last + step + surprise)
        self._update(known, entry.offset, entry.position, last)
        return entry

    def _update(self, kind: IndexKind, offset: int, position: int, last: int) -> None:
        self._offset = offset
        self._last[kind] = (position, position - last)


def _last_at(entries: list[IndexEntry], position: Fraction | float) -> IndexEntry:
    after = bisect_right(entries, position, key=lambda entry: entry.position)
    return entries[max(after - 1, 0)]
