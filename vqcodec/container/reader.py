"""Reading a .vqt stream: in order from anything that can be read, or from a point in time in a file.

    with open("talk.vqt", "rb") as file:
        reader = Reader(file)
        print(reader.head.frame_rate_hz)
        for item in reader:             # KeyFrame | PortraitUnit | MotionGroup | AudioGroup, in file order
            ...

Nothing is believed before its CRC and its limit have been checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, Protocol

from vqcodec.container.chunks import ByteSource, Chunk, read_chunk, read_signature
from vqcodec.container.faults import Fault, stream_error
from vqcodec.container.head import parse_head
from vqcodec.container.index import IndexEntry, IndexKind, StreamIndex
from vqcodec.container.items import CodedItem, apply_chunk, item_position, item_types, parse_item
from vqcodec.container.payloads import CodedGroup, drop_layers
from vqcodec.container.portraits import RelativePortrait
from vqcodec.container.rules import StreamRules, check_time
from vqcodec.container.scenes import SceneWalk, scene_of
from vqcodec.container.seek import load_index
from vqcodec.container.shots import Shots
from vqcodec.entropy import decode_layers
from vqcodec.errors import BitstreamError, UsageError
from vqcodec.format import (
    AUDIO_RATE_HZ,
    HEAD_TYPE,
    IEND_CHUNK_BYTES,
    IEND_TYPE,
    INDX_TYPE,
    PRE_ROLL_SAMPLES,
)
from vqcodec.late import np
from vqcodec.types import (
    AudioGroup,
    Head,
    KeyFrame,
    MotionGroup,
    PortraitUnit,
    ScenePicture,
    StreamSizes,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray


Item = KeyFrame | PortraitUnit | MotionGroup | AudioGroup | ScenePicture
"""Key frames are portraits of major version 1, units those of major version 2; scenes come when they are asked for."""


class Decode(Protocol):
    """How payloads become indices: `vqcodec.entropy.decode_layers`, or what does the same and remembers."""

    def __call__(
        self, payloads: Sequence[bytes], frames: int, groups: int, /
    ) -> NDArray[np.uint16]:
        """Decode one group.

        Args:
            payloads: its first 1..4 payloads.
            frames: T of the group.
            groups: G, groups of dimensions in a frame, 12..32.

        Returns:
            (T, G, len(payloads)) uint16 in 0..624.
        """


class Reader:
    """Reads and checks a stream (bitstream_spec/vqt.md).

    Opening reads the signature and HEAD. Iterating reads chunk after chunk and checks every rule of the
    specification; what comes before damage has been yielded when the error is raised. Memory is bounded by the
    largest chunk and by the index of what was read (about 8 bytes for 2 s).

    On a seekable source each iteration starts again from the first chunk, and `index` and `groups_from` work.

    Attributes:
        head: the HEAD chunk.

    Args:
        source: a binary file object or pipe, positioned at the signature.
        layers: decode only the first so many residual layers of each group; None for all of them.
        decode: how payloads become indices.
        scenes: give what is known of the scene around the square, too.

    Raises:
        BitstreamError, TruncatedError: the bytes are wrong; the error has the specification's code and the offset.
        UnsupportedError: the stream needs a newer decoder.
        UsageError: `layers` is less than 1.
    """

    def __init__(
        self,
        source: BinaryIO,
        *,
        layers: int | None = None,
        decode: Decode = decode_layers,
        scenes: bool = False,
    ) -> None:
        if layers is not None and layers < 1:
            raise UsageError(f"can't decode {layers} layers", hint="take 1 to 4, or None for all")
        self._source = ByteSource(source)
        read_signature(self._source)
        chunk = read_chunk(self._source)
        if chunk.type != HEAD_TYPE:
            raise stream_error(
                "bad-order", f"the first chunk is {chunk.name}, not HEAD", chunk.offset
            )
        try:
            self.head: Head = parse_head(chunk.payload)
        except Fault as fault:
            raise stream_error(fault.code, f"HEAD: {fault.message}", chunk.offset) from None
        self.head_chunk = chunk
        self._layers, self._decode_layers, self._scenes = layers, decode, scenes
        self._rules = StreamRules(self.head, chunk)
        self._body = self._source.offset
        self._started = False

    @property
    def sizes(self) -> StreamSizes:
        """Bytes by purpose of what the latest iteration has read; after its end, of the whole file."""
        return self._rules.snapshot()

    @property
    def end_tick(self) -> int | None:
        """When the last frame ends; None until the latest iteration has reached IEND."""
        return self._rules.end_tick

    def __iter__(self) -> Iterator[Item]:
        """Everything in file order, tokens decoded."""
        for chunk, value in self.chunks():
            if value is not None:
                yield self._decode(chunk, value, self._rules.shots)
            elif self._scenes and (scene := scene_of(chunk)) is not None:
                yield scene

    def coded(self) -> Iterator[CodedItem]:
        """Everything in file order, tokens left entropy-coded: fast, and every other check is made."""
        for _, value in self.chunks():
            if value is not None:
                yield value

    def chunks(self) -> Iterator[tuple[Chunk, CodedItem | None]]:
        """Every chunk between HEAD and INDX with what it holds; None for ancillary chunks this version lacks."""
        rules = self._restart()
        position = self._body
        while True:
            if self._source.offset != position:
                self._source.seek(position)
            chunk = read_chunk(self._source)
            position = self._source.offset
            try:
                value = apply_chunk(chunk, rules)
            except Fault as fault:
                raise stream_error(
                    fault.code, f"{chunk.name}: {fault.message}", chunk.offset
                ) from None
            if chunk.type == IEND_TYPE:
                return
            if chunk.type != INDX_TYPE:
                yield chunk, value

    def check_nothing_follows(self) -> None:
        """After an iteration has come to its end: raise trailing-data when the source goes on."""
        if not self._source.at_end():
            raise stream_error("trailing-data", "there are bytes after IEND", self._source.offset)

    def index(self) -> StreamIndex:
        """Read IEND and INDX, nothing else.

        Raises:
            UsageError: the source can't seek.
            TruncatedError: the file doesn't end with IEND; it can still be read in order.
            BitstreamError: bad-index, bad-total and what reading a chunk raises.
        """
        if not self._source.seekable:
            raise UsageError(
                "random access needs a file, not a pipe", hint="write the stream to a file first"
            )
        index = load_index(self._source, self.head.version[0])
        try:
            check_time(self.head, index.end_tick * self.head.time_base_s)
        except Fault as fault:
            end = self._source.size() - IEND_CHUNK_BYTES
            raise stream_error(fault.code, f"IEND: {fault.message}", end) from None
        return index

    def groups_from(self, start_s: Fraction | float) -> Iterator[Item]:
        """What it takes to play from a time on, reading only the index and those chunks.

        Yields the key frame that applies first (in major version 2 the portraits of the shot so far), then in file order
        the motion groups from the one that holds `start_s`, the later portraits, and the audio groups from 80 ms before
        `start_s` (the Opus pre-roll).

        Args:
            start_s: seconds from the stream's time 0.

        Raises:
            UsageError: `start_s` is negative or past the end, or the source can't seek.
            BitstreamError: bad-index, bad-total and what reading a chunk raises.
        """
        index = self.index()
        end_s = index.end_tick * self.head.time_base_s
        if not 0 <= start_s < end_s:  # also refuses nan
            hint = f"it ends at {float(end_s):g} s"
            raise UsageError(f"the start {float(start_s):g} s is outside the stream", hint=hint)
        walk = SceneWalk(self._source, index.entries.offsets) if self._scenes else None
        return self._items(self._entries_from(index, Fraction(start_s)), walk)

    def body(self) -> tuple[BinaryIO, int]:
        """The source, brought to the first byte after HEAD, and that byte's offset; of a pipe nothing may be read yet."""
        if self._source.offset != self._body:
            self._source.seek(self._body)
        return self._source.stream, self._body

    def _items(self, entries: Iterable[IndexEntry], walk: SceneWalk | None) -> Iterator[Item]:
        shots = Shots(first=None)
        for entry in entries:
            if walk is not None:
                yield from walk.until(entry.offset)
            self._source.seek(entry.offset)
            chunk = read_chunk(self._source)
            if walk is not None:
                walk.read(entry.offset, entry.kind == IndexKind.KEY_FRAME)
            yield self._decode(chunk, self._indexed(chunk, entry, shots), shots)

    def _entries_from(self, index: StreamIndex, start_s: Fraction) -> Iterable[IndexEntry]:
        motion = index.motion_at(start_s / self.head.time_base_s)
        key_frame = index.key_frame_at(motion)
        pre_skip_samples = self.head.audio.pre_skip_samples if self.head.audio else 0
        audio = index.audio_at(start_s * AUDIO_RATE_HZ + pre_skip_samples - PRE_ROLL_SAMPLES)
        first_offset = np.empty(len(IndexKind), np.int64)
        first_offset[:] = motion.offset
        first_offset[IndexKind.AUDIO] = audio.offset if audio else 0
        entries = index.entries
        shown = np.isin(entries.kinds, (IndexKind.KEY_FRAME, IndexKind.PORTRAIT))
        shown &= (key_frame.offset <= entries.offsets) & (entries.offsets < motion.offset)
        return chain(
            entries.where(shown), entries.where(entries.offsets >= first_offset[entries.kinds])
        )

    def _indexed(self, chunk: Chunk, entry: IndexEntry, shots: Shots) -> CodedItem:
        try:
            expected = item_types(self.head)[entry.kind]
            if chunk.type != expected:
                raise Fault("bad-index", f"the index takes {chunk.name} for {expected.decode()}")
            value = parse_item(chunk, self.head)
            if item_position(value) != entry.position:
                found = f"{chunk.name} starts at {item_position(value)}"
                raise Fault("bad-index", f"{found}, in the index at {entry.position}")
            if isinstance(value, CodedGroup) and len(value.payloads) != self.head.layers:
                raise Fault(
                    "bad-layers",
                    f"a group has {len(value.payloads)} layers, the stream {self.head.layers}",
                )
            self._check_shot(value, entry, shots)
        except Fault as fault:
            raise stream_error(fault.code, fault.message, chunk.offset) from None
        return value

    def _check_shot(self, value: CodedItem, entry: IndexEntry, shots: Shots) -> None:
        if isinstance(value, RelativePortrait):
            begins = value.outline.number == 0
            if begins != (entry.kind == IndexKind.KEY_FRAME):
                found = f"portrait {value.outline.number} of a shot"
                raise Fault("bad-index", f"the index takes {found} for another one")
            shots.portrait(value.outline)
        elif isinstance(value, CodedGroup) and self.head.version[0] != 1:
            shots.motion(value.outline, self.head.time_base_s)

    def _restart(self) -> StreamRules:
        if self._started and not self._source.seekable:
            raise UsageError(
                "a pipe can be read only once", hint="write the stream to a file first"
            )
        self._started = True
        self._rules = StreamRules(self.head, self.head_chunk)
        return self._rules

    def _decode(self, chunk: Chunk, value: CodedItem, shots: Shots) -> Item:
        if isinstance(value, RelativePortrait):
            return shots.unit(value)
        if not isinstance(value, CodedGroup):
            return value
        group = drop_layers(value, self._layers or self.head.layers)
        try:
            indices = self._decode_layers(group.payloads, len(group.ticks), self.head.groups)
        except BitstreamError as error:
            message = str(error).removesuffix(f" [{error.code}]")
            raise stream_error("bad-payload", f"MOTN: {message}", chunk.offset) from error
        return group.decoded(indices)
