"""The few facts about Opus bytes that are needed without decoding (RFC 6716 section 3, RFC 7845 section 5.1)."""

from __future__ import annotations

import struct

from vqcodec.errors import BitstreamError
from vqcodec.format import AUDIO_RATE_HZ, MAX_PACKET_SAMPLES

_HEAD = struct.Struct("<8sBBHIhB")
_SILK = (480, 960, 1920, 2880)
_HYBRID = (480, 960)
_CELT = (120, 240, 480, 960)


def opus_head_bytes(channels: int, pre_skip: int, input_rate_hz: int = AUDIO_RATE_HZ) -> bytes:
    """An OpusHead of mapping family 0."""
    return _HEAD.pack(b"OpusHead", 1, channels, pre_skip, input_rate_hz, 0, 0)


def opus_head(data: bytes) -> tuple[int, int]:
    """(channels, pre_skip_samples) of an OpusHead.

    Raises:
        BitstreamError: code "bad-audio": not an OpusHead of version 0.x, or more than two channels.
    """
    if len(data) < _HEAD.size or data[:8] != b"OpusHead" or data[8] >= 16:
        raise BitstreamError("no OpusHead", code="bad-audio")
    _, _, channels, pre_skip, _, _, family = _HEAD.unpack_from(data)
    if channels not in (1, 2) or family not in (0, 1):
        raise BitstreamError(
            f"Opus with {channels} channels, mapping family {family}",
            code="bad-audio",
            hint="only mono and stereo are carried",
        )
    return channels, pre_skip


def _frame_samples(toc: int) -> int:
    config = toc >> 3
    if config < 12:
        return _SILK[config & 3]
    return _HYBRID[config & 1] if config < 16 else _CELT[config & 3]


def packet_samples(packet: bytes) -> int:
    """Samples at 48 kHz in an Opus packet, by its first bytes (RFC 6716 section 3.1).

    Raises:
        BitstreamError: code "bad-audio", empty or longer than 120 ms.
    """
    if not packet:
        raise BitstreamError("an empty Opus packet", code="bad-audio")
    code = packet[0] & 3
    if code == 3 and len(packet) < 2:
        raise BitstreamError("an Opus packet without its frame count", code="bad-audio")
    frames = (1, 2, 2, packet[1] & 63 if code == 3 else 0)[code]
    samples = frames * _frame_samples(packet[0])
    if not 0 < samples <= MAX_PACKET_SAMPLES:
        raise BitstreamError(f"an Opus packet of {samples} samples", code="bad-audio")
    return samples


def silent_packet(like: bytes) -> bytes:
    """A packet as long as `like` whose frames are empty, as an encoder in DTX sends them (RFC 6716 section 3.2.1)."""
    code = like[0] & 3
    if code == 0:
        return bytes((like[0],))
    if code == 3:
        return bytes((like[0], like[1] & 63))
    return bytes((like[0] & 0xFC | 1,))
