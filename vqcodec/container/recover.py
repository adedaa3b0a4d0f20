"""Reading a damaged .vqt stream: everything that is intact, in order, from anything that can be read.

    reader = RecoveringReader.open(file)
    for item in reader:                 # KeyFrame | PortraitUnit | MotionGroup | AudioGroup; holes show in their numbers
        ...
    print(reader.damage)

Chunks are searched by their CRC (`scan.py`), put in order (`order.py`, portraits: `usable.py`), and checked by the rules that
concern one chunk.
INDX and IEND may be missing; where they are there, they say how much was lost (`ledger.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import BinaryIO, Self, TypedDict, TypeVar, Unpack

from vqcodec.container.chunks import Chunk, is_ancillary
from vqcodec.container.faults import Fault
from vqcodec.container.items import item_types, parse_item
from vqcodec.container.ledger import Ledger
from vqcodec.container.order import Line, Placed
from vqcodec.container.payloads import CodedGroup, drop_layers
from vqcodec.container.portraits import RelativePortrait
from vqcodec.container.reader import Decode, Item, Reader
from vqcodec.container.rules import too_late
from vqcodec.container.scan import ChunkScanner, Gap, Piece, Signature, find_head
from vqcodec.container.scenes import scene_of
from vqcodec.container.usable import Portrait, no_motion, no_portrait, portraits_of, stand_in
from vqcodec.damage import Damage
from vqcodec.entropy import decode_layers
from vqcodec.errors import BitstreamError, UsageError
from vqcodec.format import (
    AUDIO_RATE_HZ,
    HEAD_TYPE,
    IEND_TYPE,
    INDX_TYPE,
    MAX_GROUP_SPAN_S,
    MAX_PACKET_SAMPLES,
    MIN_PACKET_SAMPLES,
)
from vqcodec.types import AudioGroup, Head, KeyFrame, MotionGroup

MAX_HELD_BYTES = 1 << 25
"""Groups kept while no portrait has been found."""
T = TypeVar("T")
R = TypeVar("R")
Used = tuple[CodedGroup, MotionGroup | None]
_LEAD_S = 2 * MAX_GROUP_SPAN_S


class Wanted(TypedDict, total=False):
    """What may be asked of a recovery; see `RecoveringReader`."""

    layers: int | None
    from_s: Fraction
    portrait_needed: bool
    decode: Decode
    scenes: bool


class RecoveringReader:
    """Reads what is left of a stream. It can be iterated once; the source needn't be seekable.

    Memory is bounded by the largest chunks and MAX_HELD_BYTES, and grows with the number of portraits, a number each; time
    is linear in the bytes read and the frames they hold.

    Attributes:
        head: the HEAD chunk.
        damage: what was lost so far; the numbers of lost groups are final when the iteration has ended.

    Made by `open` or `continuing`.

    Args:
        pieces: what follows HEAD.
        head: the stream's HEAD.
        payload: its bytes, by which a HEAD that comes again is known.
        damage: where the counts go; it may hold what was lost before HEAD.
        layers: use only the first so many residual layers of each group; None for all of them.
        from_s: groups that end some seconds before this time are not decoded and not given.
        portrait_needed: false when the caller has a portrait of its own: a stream without any is read then, too.
        decode, scenes: as of `Reader`.

    Raises:
        UsageError: `layers` is less than 1.
    """

    def __init__(
        self,
        pieces: Iterator[Piece],
        head: Head,
        payload: bytes,
        damage: Damage,
        *,
        layers: int | None = None,
        from_s: Fraction = Fraction(0),
        portrait_needed: bool = True,
        decode: Decode = decode_layers,
        scenes: bool = False,
    ) -> None:
        if layers is not None and layers < 1:
            raise UsageError(f"can't decode {layers} layers", hint="take 1 to 4, or None for all")
        self.head, self._head_payload, self.damage = head, payload, damage
        self._pieces = pieces
        self._ledger = Ledger(damage, head.version[0])
        self._layers, self._from_s, self._portrait_needed = layers, from_s, portrait_needed
        self._decode_layers, self._scenes = decode, scenes
        self._foreign = False
        self._motion = Line(self._use_motion)
        self._sound = Line(self._use_sound)
        self._portraits = portraits_of(head, self._ledger)
        self._held: list[Item] | None = []  # given once there is a portrait; None from then on
        self._held_bytes = 0
        self._last_tick, self._last_sample = -1, 0

    @classmethod
    def open(cls, source: BinaryIO, **wanted: Unpack[Wanted]) -> Self:
        """Search a stream's HEAD in a binary file object or pipe, and read what follows.

        Raises:
            BitstreamError: no HEAD can be read; nothing can be recovered then.
            UnsupportedError: the stream needs a newer decoder.
            UsageError: as the class.
        """
        pieces, damage = iter(ChunkScanner(source)), Damage()
        return cls(pieces, *find_head(pieces, damage), damage, **wanted)

    @classmethod
    def continuing(cls, reader: Reader, **wanted: Unpack[Wanted]) -> Self:
        """Take over from a reader that has read HEAD and, if it reads a pipe, nothing else."""
        pieces = iter(ChunkScanner(*reader.body()))
        return cls(pieces, reader.head, reader.head_chunk.payload, Damage(), **wanted)

    @property
    def end(self) -> tuple[int, int] | None:
        """(frames, end_tick) of the whole stream, when the iteration has ended and IEND was found."""
        return self._ledger.end

    def __iter__(self) -> Iterator[Item]:
        """Everything intact: portraits before the groups they apply to, groups and sound each in order of time.

        In major version 2 only portraits that can be decoded; groups name no others.

        Raises:
            BitstreamError: there is no motion group, or no portrait.
        """
        for piece in self._pieces:
            yield from self._push(piece)
            if self._ledger.ended:
                break
        for item in self._counted(self._motion, self._motion.flush):
            yield from self._give_motion(item)
        for sound in self._counted(self._sound, self._sound.flush):
            yield from self._give_sound(sound)
        if not self.damage.groups_read:
            raise no_motion()
        if self._held:
            yield from self._release(self._stand_in())
        yield from self._portraits.rest()
        self._ledger.settle(self._last_tick, self.head.time_base_s)

    def _push(self, piece: Piece) -> Iterator[Item]:
        if isinstance(piece, Signature):
            self._foreign = True  # until a HEAD like ours shows that it is the same stream
        elif isinstance(piece, Gap):
            self._ledger.skip(piece)
        elif piece.type == HEAD_TYPE:
            self._foreign = piece.payload != self._head_payload
            self.damage.foreign_chunks += self._foreign
            self._ledger.drop(not self._foreign)
        elif self._foreign:
            self.damage.foreign_chunks += 1
        elif piece.type in item_types(self.head).values():
            yield from self._item(piece)
        elif piece.type in (INDX_TYPE, IEND_TYPE):
            self._ledger.totals(piece)
        elif not is_ancillary(piece.type):
            self._ledger.drop()
        elif self._scenes and (scene := scene_of(piece)) is not None:
            yield scene

    def _item(self, chunk: Chunk) -> Iterator[Item]:
        try:
            value = parse_item(chunk, self.head)
        except Fault:
            self._ledger.drop()
            return
        if isinstance(value, (KeyFrame, RelativePortrait)):
            self._ledger.drop(not self._portraits.add(value))
        elif not self._fits(value):
            self._ledger.drop()
        elif isinstance(value, CodedGroup):
            end = value.first_frame + len(value.ticks)
            motion = Placed(value.first_frame, end, end, value, sure=self._near(value))
            for used in self._counted(self._motion, lambda: self._motion.push(motion)):
                yield from self._give_motion(used)
        else:
            first, count = value.first_sample, len(value.packets)
            sound = Placed(
                first, first + MIN_PACKET_SAMPLES * count, first + MAX_PACKET_SAMPLES * count, value
            )
            for group in self._counted(self._sound, lambda: self._sound.push(sound)):
                yield from self._give_sound(group)

    def _fits(self, value: CodedGroup | AudioGroup) -> bool:
        """Whether a group is of this stream's form, and no absurd hole lies before it."""
        if isinstance(value, CodedGroup):
            follows = value.first_frame == self._ledger.frames  # no hole: the recording paused
            return len(value.payloads) == self.head.layers and (follows or self._near(value))
        return self.head.audio is not None and self._near(value)

    def _near(self, value: CodedGroup | AudioGroup) -> bool:
        if isinstance(value, CodedGroup):
            at, last, unit_s = int(value.ticks[0]), self._last_tick, self.head.time_base_s
        else:
            at, last, unit_s = value.first_sample, self._last_sample, Fraction(1, AUDIO_RATE_HZ)
        return not too_late(self.head, at * unit_s) and self._ledger.in_reach(at - last, unit_s)

    def _counted(self, line: Line[T, R], ask: Callable[[], list[R]]) -> list[R]:
        """What a line gives, with what it drops in the books."""
        dropped = line.dropped
        ready = ask()
        self._ledger.drop(line.dropped - dropped)
        return ready

    def _use_sound(self, group: AudioGroup) -> AudioGroup:
        self._last_sample = group.first_sample + MIN_PACKET_SAMPLES * len(group.packets)
        self._ledger.sound()
        return group

    def _give_sound(self, group: AudioGroup) -> Iterator[Item]:
        longest = Fraction(
            group.first_sample + MAX_PACKET_SAMPLES * len(group.packets), AUDIO_RATE_HZ
        )
        if longest >= self._from_s - _LEAD_S:
            yield from self._hold(group, group.packets)

    def _use_motion(self, group: CodedGroup) -> Used | None:
        first, last = int(group.ticks[0]), int(group.ticks[-1])
        if first <= self._last_tick or (last - first) * self.head.time_base_s > MAX_GROUP_SPAN_S:
            return None
        decoded = None
        if last * self.head.time_base_s >= self._from_s - _LEAD_S:
            decoded = self._decode(group)
            if decoded is None:
                return None
        self._last_tick = last
        self._ledger.group(group.first_frame, len(group.ticks))
        return group, decoded

    def _give_motion(self, used: Used) -> Iterator[Item]:
        group, decoded = used
        waiting = self._held is not None
        for portraits in self._portraits.due(group.first_frame, any_at_all=waiting):
            yield from self._release(portraits)
        if decoded is not None:
            yield from self._hold(decoded, group.payloads)

    def _hold(self, item: MotionGroup | AudioGroup, data: tuple[bytes, ...]) -> Iterator[Item]:
        """Give an item, or keep it while there is no portrait."""
        if self._held is None:
            yield self._portraits.shown(item) if isinstance(item, MotionGroup) else item
            return
        self._held.append(item)
        self._held_bytes += sum(map(len, data)) + (
            item.indices.nbytes if isinstance(item, MotionGroup) else 0
        )
        if self._held_bytes > MAX_HELD_BYTES:
            yield from self._release(self._stand_in())

    def _release(self, portraits: list[Portrait]) -> Iterator[Item]:
        held, self._held = self._held, None
        yield from portraits
        for item in held or ():
            yield self._portraits.shown(item) if isinstance(item, MotionGroup) else item

    def _stand_in(self) -> list[Portrait]:
        """A portrait for a stream that has lost all of them.

        Raises:
            BitstreamError: the caller has none either.
        """
        late = self._portraits.late()
        if not late and self._portrait_needed:
            raise no_portrait()
        return late or [stand_in(self.head)]

    def _decode(self, group: CodedGroup) -> MotionGroup | None:
        """The group with as many layers as decode; None when not even the first does."""
        wanted = min(self._layers or self.head.layers, self.head.layers)
        for layers in range(wanted, 0, -1):
            payloads = drop_layers(group, layers).payloads
            try:
                indices = self._decode_layers(payloads, len(group.ticks), self.head.groups)
            except BitstreamError:
                continue
            self.damage.groups_thinned += layers < wanted
            return group.decoded(indices)
        return None
