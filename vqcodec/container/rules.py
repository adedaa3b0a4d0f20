"""The rules between chunks (vqt.md, "Order", "Time"), kept alike by the reader and the writer.

    HEAD  ( KEYF | MOTN | AUDO | ancillary )*  INDX  IEND      major version 1
    HEAD  ( PORT | MOTN | AUDO | ancillary )*  INDX  IEND      major version 2

The reader feeds it what it has read, the writer what it is about to write.
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from fractions import Fraction

from vqcodec.container.chunks import Chunk, ChunkFrame
from vqcodec.container.faults import Fault
from vqcodec.container.index import IndexBuilder, IndexKind
from vqcodec.container.outlines import GroupOutline, PortraitOutline, SoundOutline
from vqcodec.container.shots import Shots
from vqcodec.container.structs import IEND, build_struct, parse_struct
from vqcodec.format import (
    AUDIO_RATE_HZ,
    CRC_BYTES,
    MAX_FRAMES,
    MAX_GROUP_SPAN_S,
    MAX_POSITION,
    MAX_STREAM_S,
    MIN_PACKET_SAMPLES,
    SCNE_TYPE,
    SIGNATURE,
)
from vqcodec.types import Head, StreamSizes


def check_time(head: Head, time_s: Fraction) -> None:
    """Nothing in a stream of major version 2 is later than MAX_STREAM_S.

    Raises:
        Fault: bad-time.
    """
    if too_late(head, time_s):
        raise Fault("bad-time", f"{float(time_s):.2f} s is past {MAX_STREAM_S} s")


def too_late(head: Head, time_s: Fraction) -> bool:
    """Whether no frame or sample may have this time: version 1 has no bound."""
    return head.version[0] != 1 and time_s > MAX_STREAM_S


class StreamRules:
    """Follows a stream chunk by chunk: says what breaks a rule, counts bytes, derives INDX and IEND.

    Every method takes a chunk (or only its frame) together with what was read from it, and raises `Fault`.

    Attributes:
        head: the stream's HEAD.
        shots: the shot at hand and its portraits, in major version 2.
        sizes: bytes by purpose so far; their sum is the bytes read or written so far.
        first_tick: presentation time of the first frame, None before it.
        last_tick: presentation time of the last frame so far, -1 before the first.
        end_tick: when the last frame ends, None until IEND.
    """

    def __init__(self, head: Head, chunk: Chunk) -> None:
        self.head = head
        self.shots = Shots()
        self.sizes = StreamSizes(container=len(SIGNATURE))
        self.first_tick: int | None = None
        self.last_tick = -1
        self.end_tick: int | None = None
        self._index = IndexBuilder()
        self._index_chunk_bytes = 0
        self._chain = 0
        self._key_frame_waits = False
        self._next_sample = 0
        self._audio_ended = False
        self._count(chunk, 0)

    def key_frame(self, chunk: ChunkFrame, first_frame: int) -> None:
        """A key frame stands directly before the group that starts with its first frame, but for AUDO chunks."""
        self._check_open(chunk)
        if self.head.version[0] != 1:
            raise Fault("bad-order", "a stream of major version 2 has no key frames")
        self._check_portrait(first_frame, begins=True)
        self._key_frame_waits = True
        self._index.add(IndexKind.KEY_FRAME, chunk.offset, first_frame)
        self.sizes.portrait += chunk.payload_bytes
        self._count(chunk, chunk.payload_bytes)

    def portrait(self, chunk: ChunkFrame, outline: PortraitOutline) -> None:
        """Portraits follow each other in their shot; one that begins a shot stands before a motion group, as a key frame."""
        self._check_open(chunk)
        if self.head.version[0] == 1:
            raise Fault("unsupported-chunk", "this critical chunk is unknown to major version 1")
        begins = outline.number == 0
        self._check_portrait(outline.first_frame, begins=begins)
        self.shots.check_portrait(outline)
        kind = IndexKind.KEY_FRAME if begins else IndexKind.PORTRAIT
        self._index.add(kind, chunk.offset, outline.first_frame)
        self.shots.portrait(outline)
        self._key_frame_waits |= begins
        self.sizes.portrait += chunk.payload_bytes
        self._count(chunk, chunk.payload_bytes)

    def motion(self, chunk: ChunkFrame, group: GroupOutline) -> None:
        """Groups follow each other without a gap in frame numbers, later in time, each at most 2 s long."""
        self._check_open(chunk)
        first, last = group.first_tick, group.last_tick
        if self.first_tick is None and not self._key_frame_waits:
            kind = "key frame" if self.head.version[0] == 1 else "portrait"
            raise Fault("bad-order", f"a motion group comes before the first {kind}")
        if group.layers != self.head.layers:
            raise Fault(
                "bad-layers", f"a group has {group.layers} layers, the stream {self.head.layers}"
            )
        if group.first_frame != self.sizes.frames:
            raise Fault(
                "bad-frame", f"a group starts at frame {group.first_frame}, not {self.sizes.frames}"
            )
        if self.sizes.frames + group.frames > MAX_FRAMES:
            raise Fault("too-many", f"the stream has more than {MAX_FRAMES} frames")
        if first <= self.last_tick:
            raise Fault("bad-time", f"a group starts at tick {first}, not after {self.last_tick}")
        if (last - first) * self.head.time_base_s > MAX_GROUP_SPAN_S:
            raise Fault(
                "bad-time", f"a group spans ticks {first}..{last}, more than {MAX_GROUP_SPAN_S} s"
            )
        check_time(self.head, last * self.head.time_base_s)
        if self.head.version[0] != 1:
            self.shots.check_motion(group, self.head.time_base_s)
        self._index.add(IndexKind.MOTION, chunk.offset, first)
        if self.head.version[0] != 1:
            self.shots.motion(group, self.head.time_base_s)
        self._key_frame_waits = False
        self.first_tick = first if self.first_tick is None else self.first_tick
        self.last_tick = last
        self.sizes.frames += group.frames
        self.sizes.seconds = (last - self.first_tick) * self.head.time_base_s
        self.sizes.motion += group.layer_bytes
        self._count(chunk, group.layer_bytes)

    def audio(self, chunk: ChunkFrame, group: SoundOutline) -> None:
        """Packets follow each other in time; a trimmed end is the end."""
        self._check_open(chunk)
        if self.head.audio is None:
            raise Fault("bad-audio", "a stream without sound has an audio group")
        if self._audio_ended:
            raise Fault("bad-audio", "an audio group follows the one whose end is trimmed")
        if group.first_sample < self._next_sample:
            found = f"an audio group starts at sample {group.first_sample}"
            raise Fault(
                "bad-audio", f"{found}; the packets before it last to {self._next_sample} at least"
            )
        check_time(self.head, Fraction(group.first_sample, AUDIO_RATE_HZ))
        self._index.add(IndexKind.AUDIO, chunk.offset, group.first_sample)
        self._next_sample = group.first_sample + MIN_PACKET_SAMPLES * group.packets
        self._audio_ended = group.end_trim_samples > 0
        self.sizes.audio += group.packet_bytes
        self._count(chunk, group.packet_bytes)

    def ancillary(self, chunk: ChunkFrame) -> None:
        """A chunk that no rule is about; it may stand anywhere between HEAD and INDX."""
        self._check_open(chunk)
        scene_bytes = chunk.payload_bytes if chunk.type == SCNE_TYPE else 0
        self.sizes.scene += scene_bytes
        self._count(chunk, scene_bytes)

    def index_payload(self) -> bytes:
        """The INDX payload that the chunks so far demand.

        Raises:
            Fault: bad-order when the stream can't end here.
        """
        if self.first_tick is None:
            raise Fault("bad-order", "the stream ends without a motion group")
        if self._key_frame_waits:
            raise Fault("bad-order", "the stream ends with a portrait that no motion group follows")
        return bytes(self._index.payload)

    def index(self, chunk: Chunk) -> None:
        """INDX holds what the chunks before it demand, byte for byte."""
        self._check_open(chunk)
        if chunk.payload != self.index_payload():
            raise Fault("bad-index", "the index differs from the chunks it lists")
        self._index_chunk_bytes = chunk.size_bytes
        self._count(chunk, 0)

    def end_payload(self, end_tick: int) -> bytes:
        """The IEND payload that the chunks so far demand."""
        fields = {
            "frames": self.sizes.frames,
            "end_tick": end_tick,
            "index_chunk_bytes": self._index_chunk_bytes,
            "chain_crc32": self._chain.to_bytes(CRC_BYTES, "big"),
        }
        return build_struct(IEND, fields)

    def end(self, chunk: Chunk) -> None:
        """IEND repeats the totals, and the CRC of all CRCs."""
        if not self._index_chunk_bytes:
            raise Fault("bad-order", "IEND comes before INDX")
        end_tick = int(parse_struct(IEND, chunk.payload).end_tick)
        self.check_end_tick(end_tick)
        if chunk.payload != self.end_payload(end_tick):
            raise Fault("bad-total", "the totals of IEND differ from the stream's")
        assert self.first_tick is not None  # INDX, and so a group, came before
        self.sizes.seconds = (end_tick - self.first_tick) * self.head.time_base_s
        self.end_tick = end_tick
        self._count(chunk, 0)

    def check_end_tick(self, end_tick: int) -> None:
        """The stream ends after its last frame starts."""
        if not self.last_tick < end_tick <= MAX_POSITION:
            raise Fault(
                "bad-time",
                f"the stream ends at tick {end_tick}; its last frame starts at {self.last_tick}",
            )

        check_time(self.head, end_tick * self.head.time_base_s)

    def snapshot(self) -> StreamSizes:
        """A copy of `sizes` that later chunks don't change."""
        return replace(self.sizes)

    def _check_portrait(self, first_frame: int, *, begins: bool) -> None:
        if begins and self._key_frame_waits:
            raise Fault("bad-order", "a portrait follows a portrait with no motion group between")
        if first_frame != self.sizes.frames:
            found = f"a portrait starts at frame {first_frame}"
            raise Fault("bad-frame", f"{found}; the next group starts at {self.sizes.frames}")

    def _check_open(self, chunk: ChunkFrame) -> None:
        if self._index_chunk_bytes:
            raise Fault("bad-order", f"{chunk.name} comes after INDX; only IEND may")

    def _count(self, chunk: ChunkFrame, payload_bytes: int) -> None:
        self.sizes.container += chunk.size_bytes - payload_bytes
        self._chain = zlib.crc32(chunk.crc32, self._chain)
