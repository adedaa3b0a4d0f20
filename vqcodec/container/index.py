"""The INDX chunk: where every key frame or portrait, motion group and audio group lies (vqt.md, "INDX").

Its bytes follow from the chunks before it, so that a reader compares them instead of believing them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from typing import TYPE_CHECKING, overload

from vqcodec.container.faults import Fault
from vqcodec.container.varint import encode_varint, zigzag
from vqcodec.format import MAX_INDEX_ENTRIES, MAX_POSITION, MAX_VARINT_BYTES
from vqcodec.late import np

if TYPE_CHECKING:
    from numpy.typing import NDArray


_KIND_BITS = 2
_BLOCK = 65_536


class IndexKind(IntEnum):
    """What an index entry points at; the value is the one in the file."""

    KEY_FRAME = 0
    """A KEYF; in major version 2 a PORT that begins a shot."""
    MOTION = 1
    AUDIO = 2
    PORTRAIT = 3
    """Any other PORT."""


KINDS = {1: (IndexKind.KEY_FRAME, IndexKind.MOTION, IndexKind.AUDIO), 2: tuple(IndexKind)}
"""By major version."""


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One chunk.

    Attributes:
        kind: what it holds.
        offset: its byte offset in the file.
        position: first frame of a key frame or portrait, first tick of a motion group, first sample of an audio group.
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
            raise Fault(
                "too-many", f"the stream has more than {MAX_INDEX_ENTRIES} groups and key frames"
            )
        distance, surprise = self._coder.residual(kind, offset, position)
        self.payload += encode_varint(distance << _KIND_BITS | kind)
        self.payload += encode_varint(zigzag(surprise))
        self.count += 1


class Entries(Sequence[IndexEntry]):
    """Entries in file order, kept as three arrays: a million of them take 17 MB, many times less than as many objects.

    Attributes:
        kinds: (N,) uint8, values of IndexKind.
        offsets: (N,) int64, increasing.
        positions: (N,) int64.
    """

    def __init__(
        self, kinds: NDArray[np.uint8], offsets: NDArray[np.int64], positions: NDArray[np.int64]
    ) -> None:
        self.kinds, self.offsets, self.positions = kinds, offsets, positions

    def __len__(self) -> int:
        return len(self.kinds)

    @overload
    def __getitem__(self, place: int) -> IndexEntry: ...
    @overload
    def __getitem__(self, place: slice) -> Entries: ...

    def __getitem__(self, place: int | slice) -> IndexEntry | Entries:
        if isinstance(place, slice):
            return Entries(self.kinds[place], self.offsets[place], self.positions[place])
        return IndexEntry(
            IndexKind(int(self.kinds[place])), int(self.offsets[place]), int(self.positions[place])
        )

    def where(self, chosen: NDArray[np.bool_]) -> Entries:
        """The entries for which `chosen`, (N,), is true."""
        return Entries(self.kinds[chosen], self.offsets[chosen], self.positions[chosen])

    def last_at(self, position: Fraction | float) -> IndexEntry:
        """The last entry at or before a position, else the first; all are of one kind."""
        return self[max(bisect_right(self.positions, position, key=int) - 1, 0)]


@dataclass(frozen=True, slots=True)
class StreamIndex:
    """What INDX and IEND say about a whole stream.

    Attributes:
        entries: every key frame or portrait, motion group and audio group, in file order.
        frames: number of frames.
        end_tick: when the last frame ends.
    """

    entries: Entries
    frames: int
    end_tick: int

    def of(self, kind: IndexKind) -> Entries:
        """The entries of one kind, in file order."""
        return self.entries.where(self.entries.kinds == kind)

    def motion_at(self, tick: Fraction | float) -> IndexEntry:
        """The motion group that holds `tick`: the last that starts at or before it, else the first."""
        return self.of(IndexKind.MOTION).last_at(tick)

    def key_frame_at(self, motion: IndexEntry) -> IndexEntry:
        """The last key frame before a motion group in the file; in major version 2 the portrait that begins its shot."""
        key_frames = self.of(IndexKind.KEY_FRAME)
        return key_frames[int(np.searchsorted(key_frames.offsets, motion.offset)) - 1]

    def audio_at(self, sample: Fraction | float) -> IndexEntry | None:
        """The audio group that holds `sample`, else the first one; None without sound."""
        entries = self.of(IndexKind.AUDIO)
        return entries.last_at(sample) if entries else None


def parse_index(payload: bytes, major: int = 1) -> Entries:
    """Read an INDX payload of a major version.

    Raises:
        Fault: bad-index, whatever is wrong with it.
    """
    values = _varints(payload)
    heads, surprises = values[0::2], values[1::2]
    kinds = (heads & (1 << _KIND_BITS) - 1).astype(np.uint8)
    distances = heads >> _KIND_BITS
    if len(heads) != len(surprises) or (kinds > max(KINDS[major])).any() or not distances.all():
        raise Fault(
            "bad-index",
            "an entry is cut off, of an unknown kind, or has the offset of the one before",
        )
    offsets = np.cumsum(distances)
    positions = np.empty_like(offsets)
    steps = surprises >> 1 ^ -(surprises & 1)
    del values, heads, surprises, distances  # 24 MB of a million entries
    for kind in IndexKind:
        own = kinds == kind
        positions[own] = np.cumsum(np.cumsum(steps[own]))
    # Sums may wrap around, but not before one of them has left the range: a varint has 56 bits, a position 53.
    if (
        (positions < 0) | (positions > MAX_POSITION) | (offsets < 0) | (offsets > MAX_POSITION)
    ).any():
        raise Fault("bad-index", "an entry is out of range")
    return Entries(kinds, offsets, positions)


def _varints(payload: bytes) -> NDArray[np.int64]:
    """All varints of a payload, at most two for each entry that a stream may have."""
    data = np.frombuffer(payload, np.uint8)
    last = data < 0x80
    if np.count_nonzero(last) > 2 * MAX_INDEX_ENTRIES:
        raise Fault("bad-index", f"the index has more than {MAX_INDEX_ENTRIES} entries")
    ends = np.flatnonzero(last).astype(np.int32)
    starts = np.concatenate([np.zeros(min(len(ends), 1), np.int32), ends[:-1] + np.int32(1)])
    sizes = ends - starts + 1
    if len(data) and (
        not last[-1] or int(sizes.max()) > MAX_VARINT_BYTES or (data[ends[sizes > 1]] == 0).any()
    ):
        raise Fault("bad-index", "a varint is cut off, too long or not in its shortest form")
    values = np.zeros(len(ends), np.int64)
    for block in range(0, len(ends), _BLOCK):  # in blocks: for the sake of memory
        for place in range(MAX_VARINT_BYTES):
            long = np.flatnonzero(sizes[block : block + _BLOCK] > place) + block
            values[long] |= (data[starts[long] + place] & 0x7F).astype(np.int64) << 7 * place
    return values


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

    def _update(self, kind: IndexKind, offset: int, position: int, last: int) -> None:
        self._offset = offset
        self._last[kind] = (position, position - last)
