"""Writing a .vqt stream, front to back, to anything that can be written: no seek, no second pass.

    with open("talk.vqt", "wb") as file, Writer(file, head) as writer:
        writer.key_frame(key_frame)         # writer.portrait(unit) in major version 2
        for group, sound in ...:
            writer.motion(group)
            writer.audio(sound)

What can't be read back isn't written.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import BinaryIO, Self, TypeVar

from vqcodec.container.chunks import Chunk, is_ancillary, make_chunk
from vqcodec.container.faults import Fault, usage_error
from vqcodec.container.head import build_head, parse_head
from vqcodec.container.outlines import PortraitOutline, SoundOutline
from vqcodec.container.payloads import (
    CodedGroup,
    build_audio,
    build_key_frame,
    build_motion,
)
from vqcodec.container.portraits import (
    RelativePortrait,
    build_portrait,
    relative,
)
from vqcodec.container.rules import StreamRules
from vqcodec.container.scenes import build_scene
from vqcodec.entropy import encode_layers
from vqcodec.errors import UsageError
from vqcodec.format import (
    AUDO_TYPE,
    CODES,
    HEAD_TYPE,
    IEND_TYPE,
    INDX_TYPE,
    KEYF_TYPE,
    MAX_CHUNK_BYTES,
    MOTN_TYPE,
    PORT_TYPE,
    SCNE_TYPE,
    SIGNATURE,
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

T = TypeVar("T")


class Writer:
    """Writes a stream that `Reader` accepts, or raises before it writes the chunk that would break a rule.

    As a context manager it closes the stream when the block ends without an error; it never closes the sink.

    Attributes:
        head: what was written as HEAD.

    Args:
        sink: a binary file object or pipe; the signature and HEAD are written at once.
        head: the stream's parameters; its version decides whether portraits are key frames or units.
        payload: HEAD's bytes where they hold more than `head` says; None: made from it, and its version must be one
            that this package writes.

    Raises:
        UsageError: a value can't be written, or comes in the wrong order. Nothing of it has been written.
    """

    def __init__(self, sink: BinaryIO, head: Head, *, payload: bytes | None = None) -> None:
        written = _checked(lambda: build_head(head)) if payload is None else payload
        self.head: Head = _checked(lambda: parse_head(written))
        self._sink = sink
        self._offset = len(SIGNATURE)
        self._closed = False
        chunk, data = make_chunk(HEAD_TYPE, written, self._offset)
        self._rules = StreamRules(self.head, chunk)
        self._emit(SIGNATURE + data, chunk)

    @classmethod
    def with_head_payload(cls, sink: BinaryIO, payload: bytes) -> Self:
        """A writer that keeps a HEAD payload byte for byte, fields of newer minor versions included."""
        return cls(sink, _checked(lambda: parse_head(payload)), payload=payload)

    @property
    def sizes(self) -> StreamSizes:
        """Bytes by purpose of what has been written so far; their sum is the length of the stream."""
        return self._rules.snapshot()

    def key_frame(self, key_frame: KeyFrame) -> None:
        """Write a portrait of major version 1; the next motion group must start at its first frame."""
        chunk, data = self._chunk(KEYF_TYPE, lambda: build_key_frame(key_frame))
        _checked(lambda: self._rules.key_frame(chunk, key_frame.first_frame))
        self._emit(data, chunk)

    def portrait(self, unit: PortraitUnit) -> None:
        """Write a portrait of major version 2; number 0 begins a shot, and a motion group must follow it."""
        base = self._rules.shots.base if unit.number else None
        elements = _checked(lambda: relative(unit.features, base, self.head.dims))
        outline = PortraitOutline(
            unit.first_frame, unit.shot, unit.number, unit.depends_on, unit.continues, elements
        )
        self.relative_portrait(RelativePortrait(outline, unit.unit))

    def relative_portrait(self, portrait: RelativePortrait) -> None:
        """Write a portrait whose features are relative already."""
        chunk, data = self._chunk(PORT_TYPE, lambda: build_portrait(portrait, self.head))
        _checked(lambda: self._rules.portrait(chunk, portrait.outline))
        self._emit(data, chunk)

    def motion(self, group: MotionGroup) -> None:
        """Entropy-code and write a group of 1..240 frames that spans at most 2 s."""
        _checked(lambda: _check_indices(group, self.head))
        payloads = tuple(encode_layers(group.indices))
        self.coded_motion(
            CodedGroup(
                group.first_frame,
                group.ticks,
                group.low_confidence,
                payloads,
                group.shot,
                group.runs,
            )
        )

    def coded_motion(self, group: CodedGroup) -> None:
        """Write a group whose layers are entropy-coded already."""
        chunk, data = self._chunk(MOTN_TYPE, lambda: build_motion(group, self.head.version[0]))
        _checked(lambda: self._rules.motion(chunk, group.outline))
        self._emit(data, chunk)

    def audio(self, group: AudioGroup) -> None:
        """Write Opus packets; a group with a trimmed end is the last one."""
        chunk, data = self._chunk(AUDO_TYPE, lambda: build_audio(group))
        _checked(lambda: self._rules.audio(chunk, SoundOutline.of(group)))
        self._emit(data, chunk)

    def ancillary(self, kind: bytes, payload: bytes) -> None:
        """Write a chunk of the caller's own; decoders that don't know it skip it.

        Args:
            kind: four ASCII letters, the first lower case; the fourth lower case too when tools that change
                other chunks may keep it.
            payload: its content.
        """
        if kind in MAX_CHUNK_BYTES or not is_ancillary(kind):
            raise UsageError(
                f"{kind!r} is no ancillary chunk type", hint="its first letter must be lower case"
            )
        chunk, data = self._chunk(kind, lambda: payload)
        _checked(lambda: self._rules.ancillary(chunk))
        self._emit(data, chunk)

    def scene(self, scene: ScenePicture) -> None:
        """Write a picture of what is around the square; it stands before the group that has its first frame."""
        self.ancillary(SCNE_TYPE, _checked(lambda: build_scene(scene)))

    def close(self, end_tick: int | None = None) -> None:
        """Write INDX and IEND. Closing twice does nothing.

        Args:
            end_tick: when the last frame ends; None for one nominal frame after its start.

        Raises:
            UsageError: no motion group was written, or `end_tick` is not after the last frame's start.
        """
        if self._closed:
            return
        index, index_data = self._chunk(INDX_TYPE, self._rules.index_payload)
        if end_tick is None:
            end_tick = self._rules.last_tick + max(
                1, round(1 / (self.head.frame_rate_hz * self.head.time_base_s))
            )
        _checked(lambda: self._rules.check_end_tick(end_tick))
        self._rules.index(index)
        self._emit(index_data, index)
        end, end_data = self._chunk(IEND_TYPE, lambda: self._rules.end_payload(end_tick))
        self._rules.end(end)
        self._emit(end_data, end)
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()

    def _chunk(self, kind: bytes, payload: Callable[[], bytes]) -> tuple[Chunk, bytes]:
        if self._closed:
            raise UsageError("the stream is closed", hint="write everything before close()")
        return _checked(lambda: make_chunk(kind, payload(), self._offset))

    def _emit(self, data: bytes, chunk: Chunk) -> None:
        rest = memoryview(data)
        while rest:  # an unbuffered pipe may take only a part
            taken = self._sink.write(rest)
            rest = rest[len(rest) if taken is None else taken :]
        self._offset = chunk.offset + chunk.size_bytes


def _checked(action: Callable[[], T]) -> T:
    try:
        return action()
    except Fault as fault:
        raise usage_error(fault) from None


def _check_indices(group: MotionGroup, head: Head) -> None:
    shape = (len(group.ticks), head.groups, head.layers)
    if group.indices.shape != shape or group.indices.dtype != np.uint16:
        found = f"{group.indices.dtype}{group.indices.shape}"
        raise Fault("bad-value", f"the indices are {found}, not uint16{shape}")
    if group.indices.size and int(group.indices.max()) >= CODES:
        raise Fault("bad-value", f"an index is {int(group.indices.max())}, above {CODES - 1}")
