"""The bytes of a packet and of a report (bitstream_spec/carriage.md, "WebRTC data channels").

packet:  number u16 | part*          part: kind u8, length varint, payload
report:  newest u16 | due u16 | come u16 | late_ms u16
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from vqcodec.container.faults import Fault
from vqcodec.container.varint import decode_varint, encode_varint
from vqcodec.errors import BitstreamError

NUMBERS = 1 << 16
"""Packet numbers begin again after so many."""
MOST_PACKET_BYTES = 16_384
"""Longer messages aren't looked at: browsers differ in what they take beyond."""
MAX_PARTS = 16
_MOST = NUMBERS - 1
_REPORT = struct.Struct(">HHHH")


class PartKind(IntEnum):
    """What a part holds; others are skipped."""

    MOTION = 1
    """A MOTN payload, perhaps with fewer layers than HEAD says."""
    COPY = 2
    """The same of a group that another packet holds, with its coarse layers."""
    SOUND = 3
    """An AUDO payload."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a packet.

    Attributes:
        kind: a PartKind, or a number this version doesn't know.
        payload: as that kind says.
    """

    kind: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Packet:
    """A message of the unreliable channel.

    Attributes:
        number: of the packet, 0..65535, counted round.
        parts: in order.
    """

    number: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What a viewer tells the sender, every two seconds or so.

    Attributes:
        newest: number of the newest packet that has come.
        due: packets that should have come since the last report, 0..65535.
        come: packets that have, 0..65535.
        late_ms: how much later than the fastest packet of the last ten seconds the slowest one since the last report came,
            0..65535.
    """

    newest: int
    due: int
    come: int
    late_ms: int


def build_packet(number: int, parts: Sequence[Part]) -> bytes:
    """Write a packet; its number is taken modulo 65536."""
    pieces = [(number % NUMBERS).to_bytes(2, "big")]
    for part in parts:
        pieces += [bytes([part.kind]), encode_varint(len(part.payload)), part.payload]
    return b"".join(pieces)


def parse_packet(data: bytes) -> Packet:
    """Read a packet.

    Raises:
        BitstreamError: bad-length for more bytes or parts than there may be, bad-layout for parts that don't fill it.
    """
    if len(data) > MOST_PACKET_BYTES:
        raise _wrong("bad-length", f"a packet has {len(data)} bytes", 0)
    if len(data) < 2:
        raise _wrong("bad-layout", "a packet ends inside its number", 0)
    at = 2
    parts: list[Part] = []
    while at < len(data):
        if len(parts) == MAX_PARTS:
            raise _wrong("bad-length", f"a packet has more than {MAX_PARTS} parts", at)
        try:
            length, start = decode_varint(data, at + 1)
        except Fault as fault:
            raise _wrong(fault.code, fault.message, at) from None
        if start + length > len(data):
            raise _wrong("bad-layout", "a packet ends inside a part", at)
        parts.append(Part(data[at], data[start : start + length]))
        at = start + length
    return Packet(int.from_bytes(data[:2], "big"), tuple(parts))


def build_report(report: Report) -> bytes:
    """Write a report; counts that don't fit are the greatest that do."""
    counts = (report.due, report.come, report.late_ms)
    return _REPORT.pack(report.newest % NUMBERS, *(min(max(n, 0), _MOST) for n in counts))


def parse_report(data: bytes) -> Report:
    """Read a report; bytes behind it are left alone.

    Raises:
        BitstreamError: bad-layout when it ends too soon.
    """
    if len(data) < _REPORT.size:
        raise _wrong("bad-layout", f"a report has {len(data)} bytes", 0)
    return Report(*_REPORT.unpack_from(data))


def ahead(number: int, of: int) -> int:
    """How many packets `number` is ahead of another one, -32768..32767."""
    return (number - of + NUMBERS // 2) % NUMBERS - NUMBERS // 2


def _wrong(code: str, message: str, offset: int) -> BitstreamError:
    return BitstreamError(
        message, code=code, offset=offset, hint="the packet is left out: the next one serves"
    )
