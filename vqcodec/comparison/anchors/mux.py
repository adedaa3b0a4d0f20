"""Packets of an ordinary video codec in the smallest file that players take: Matroska or MP4, whichever is smaller."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av

from vqcodec.media.out.tracks import OpusTrack
from vqcodec.types import AudioHead

_START = b"\x00\x00\x01"
_SEI_TYPE = 6
# without the name of the program, checksums and reserved space: what a careful person would leave out
_OPTIONS: dict[str, dict[str, str]] = {
    "matroska": {
        "fflags": "+bitexact",
        "write_crc32": "0",
        "cluster_time_limit": "32000",
        "cluster_size_limit": "8000000",
    },
    "mp4": {"fflags": "+bitexact"},
}


@dataclass(frozen=True, slots=True)
class CodedSound:
    """Opus packets to lay beside the pictures.

    Attributes:
        head: of the stream.
        packets: in order.
    """

    head: AudioHead
    packets: tuple[bytes, ...]

    @property
    def size_bytes(self) -> int:
        """Of the packets alone."""
        return sum(map(len, self.packets))


def without_sei(data: bytes) -> bytes:
    """An H.264 access unit (start codes) without supplemental information: x264 signs its work with 700 bytes.

    NAL units of type 6 are dropped; ITU-T H.264 section 7.3.2.3: a decoder doesn't need them.
    """
    starts = []
    at = data.find(_START)
    while at >= 0:
        starts.append(at)
        at = data.find(_START, at + 3)
    if not starts:
        return data
    kept = bytearray(data[: starts[0]].rstrip(b"\0"))
    for begin, end in zip(starts, [*starts[1:], len(data)], strict=True):
        unit = data[begin + 3 : end]
        if unit and unit[0] & 31 != _SEI_TYPE:
            kept += (
                b"\0" + _START + unit.rstrip(b"\0") if end < len(data) else b"\0" + _START + unit
            )
    return bytes(kept)


@dataclass(frozen=True, slots=True)
class Unit:
    """One coded picture with the times its encoder gave it (Matroska doesn't keep decoding times).

    Attributes:
        data: the packet.
        pts: presentation time in ticks.
        dts: decoding time in ticks.
        duration: in ticks.
        tick_s: length of a tick.
        is_keyframe: a decoder can begin here.
    """

    data: bytes
    pts: int
    dts: int
    duration: int
    tick_s: Fraction
    is_keyframe: bool

    @classmethod
    def of(cls, packet: Any, data: bytes) -> Unit:
        """An encoder's packet with its own or changed bytes; a tick is a frame, which is what most last."""
        return cls(
            data,
            packet.pts,
            packet.dts,
            packet.duration or 1,
            Fraction(packet.time_base),
            packet.is_keyframe,
        )

    def packet(self, stream: Any, data: bytes | None = None) -> Any:
        """A packet for a stream of a file being written; `data` is the same picture as a container frames it."""
        packet = av.Packet(self.data if data is None else data)
        packet.stream, packet.time_base = stream, self.tick_s
        packet.pts, packet.dts, packet.duration = self.pts, self.dts, self.duration
        packet.is_keyframe = self.is_keyframe
        return packet


@contextmanager
def opened(buffer: io.BytesIO, kind: str) -> Iterator[Any]:
    """A file of one of the two kinds for writing, as small as its container allows."""
    with av.open(buffer, "w", format=kind, container_options=_OPTIONS[kind]) as container:
        yield container


def remuxed(
    file: bytes, units: Sequence[Unit], kind: str, sound: CodedSound | None = None
) -> bytes:
    """The pictures of a file in another container, and sound if given.

    Args:
        file: a file of these pictures, for the codec's parameters.
        units: the pictures.
        kind: "matroska" or "mp4".
        sound: laid beside them unchanged.
    """
    buffer = io.BytesIO()
    with av.open(io.BytesIO(file), "r") as source, opened(buffer, kind) as container:
        stream = container.add_stream_from_template(source.streams.video[0], opaque=True)
        # H.264 and H.265 lie in files with lengths, not start codes; the parameters copied above say so
        framed = [bytes(p) for p in source.demux(video=0) if p.size]
        queue = [unit.packet(stream, data) for unit, data in zip(units, framed, strict=True)]
        if sound is not None:
            queue += OpusTrack(container, sound.head).packets(sound.packets, 0)
        for packet in sorted(queue, key=lambda p: (p.dts * Fraction(p.time_base), p.stream.index)):
            container.mux(packet)
    return buffer.getvalue()


def smallest(file: bytes, units: Sequence[Unit], sound: CodedSound | None = None) -> int:
    """Bytes of the smaller of the two kinds of file."""
    return min(len(remuxed(file, units, kind, sound)) for kind in _OPTIONS)
