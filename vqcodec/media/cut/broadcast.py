"""MPEG transport and program streams: whether the last packet, or the last piece of sound, is whole.

Neither marks its end: one cut between two pieces can't be told. A transport stream's pictures have no length, but the last
packet of each is filled up, since the next begins with a packet of its own (but for one in 184, which fits by chance).
"""

from __future__ import annotations

import os
from typing import BinaryIO

_SYNC, _STARTS_PIECE = 0x47, 0x40
_SIZES = ((188, 0), (192, 4), (204, 0))  # bytes of a packet, and where its sync byte stands
_FILLED = 0x20
_PROOFS = 4
_TAIL_PACKETS = 2000
_PACK = b"\0\0\1\xba"
_PREFIX = b"\0\0\1"
_TAIL_BYTES = 1 << 17
_FIRST_ID, _END = 0xB9, 0xB9


def transport_ends_early(file: BinaryIO) -> bool:
    """Whether a transport stream (ISO/IEC 13818-1) ends within a packet or a piece of known length; False for other kinds."""
    start, head = file.tell(), file.read(_PROOFS * 204)
    for size, sync_at in _SIZES:
        proofs = head[sync_at::size][:_PROOFS]
        if len(proofs) == _PROOFS and set(proofs) == {_SYNC}:
            return _packets_end_early(file, start, size, sync_at)
    return False


def _packets_end_early(file: BinaryIO, start: int, size: int, sync_at: int) -> bool:
    count, rest = divmod(file.seek(0, os.SEEK_END) - start, size)
    first = max(count - _TAIL_PACKETS, 0)
    file.seek(start + first * size)
    tail = file.read()
    packets = [tail[n * size + sync_at :][:188] for n in range(count - first)]
    if any(packet[0] != _SYNC for packet in packets):
        return False  # damaged: what stands where isn't known
    is_cut = rest > sync_at and tail[len(packets) * size + sync_at] == _SYNC
    return is_cut or any(_unfinished(packets))


def _unfinished(packets: list[bytes]) -> list[bool]:
    """Of each stream, whether its last piece lacks something."""
    missing: dict[int, int] = {}  # bytes; of a piece without length 1 until its last packet
    without_length: set[int] = set()
    for packet in packets:
        stream, payload = (packet[1] & 0x1F) << 8 | packet[2], _payload(packet)
        if packet[1] & _STARTS_PIECE:
            is_piece = payload.startswith(_PREFIX)
            told = int.from_bytes(payload[4:6], "big") if is_piece else 0
            missing[stream] = told + 6 if told else 0
            without_length.discard(stream)
            if is_piece and not told:
                without_length.add(stream)
        if stream in without_length:
            missing[stream] = int(not packet[3] & _FILLED)
        elif stream in missing:
            missing[stream] -= len(payload)
    return [left > 0 for left in missing.values()]


def _payload(packet: bytes) -> bytes:
    """What a packet of 188 bytes carries."""
    if not packet[3] & 0x10:
        return b""
    return packet[4 + (1 + packet[4] if packet[3] & _FILLED else 0) :]


def packs_end_early(file: BinaryIO) -> bool:
    """Whether a program stream (`.mpg`, `.vob`) ends within a packet; False for other kinds."""
    start = file.tell()
    if file.read(4) != _PACK:
        return False
    end = file.seek(0, os.SEEK_END)
    file.seek(max(start, end - _TAIL_BYTES))
    tail = file.read()
    at = tail.find(_PACK)
    while 0 <= at < len(tail):
        head = tail[at : at + 14]
        if not head.startswith(_PREFIX):
            return _PREFIX.startswith(head)
        if len(head) < 4 or head[3] < _FIRST_ID or head[3] == _END:
            return len(head) < 4
        at += _pack_bytes(head) if head.startswith(_PACK) else 6 + int.from_bytes(head[4:6], "big")
    return at > len(tail)


def _pack_bytes(head: bytes) -> int:
    """Of a pack's header: MPEG-2's has stuffing, MPEG-1's a fixed length."""
    return 14 + (head[13] & 7) if len(head) == 14 and head[4] >> 6 == 1 else 12
