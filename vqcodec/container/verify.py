"""Checking a stream against every rule of the specification, without a model."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import BinaryIO

from vqcodec.container.reader import Decode, Reader
from vqcodec.entropy import decode_layers
from vqcodec.late import np
from vqcodec.types import AudioGroup, Head, KeyFrame, MotionGroup, PortraitUnit, StreamSizes


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What a valid stream holds.

    Attributes:
        head: its HEAD chunk.
        groups: number of motion groups.
        frames: number of frames.
        low_confidence_frames: frames in which the face was not seen.
        key_frames: number of portraits, of either version.
        shots: in how many shots they are; 0 in major version 1, which doesn't say it.
        audio_groups: number of AUDO chunks.
        audio_packets: number of Opus packets.
        sizes: bytes by purpose, and the duration.
        token_sha256: hex digest of all indices (conformance.md, "Level A"): equal on every machine.
    """

    head: Head
    groups: int
    frames: int
    low_confidence_frames: int
    key_frames: int
    audio_groups: int
    audio_packets: int
    sizes: StreamSizes
    token_sha256: str
    shots: int = 0


def verify(source: BinaryIO, *, decode: Decode = decode_layers) -> VerifyReport:
    """Read a whole stream, decode every token, and check that nothing follows it.

    Args:
        source: a .vqt stream; may be a pipe.
        decode: how payloads become indices.

    Raises:
        BitstreamError, TruncatedError, UnsupportedError: as `Reader`, and trailing-data when bytes follow IEND.
    """
    reader = Reader(source, decode=decode)
    tokens = hashlib.sha256()
    groups = low_confidence_frames = key_frames = audio_groups = audio_packets = shots = 0
    for item in reader:
        if isinstance(item, MotionGroup):
            groups += 1
            low_confidence_frames += int(np.count_nonzero(item.low_confidence))
            tokens.update(item.indices.astype(">u2").tobytes())
        elif isinstance(item, KeyFrame):
            key_frames += 1
        elif isinstance(item, PortraitUnit):
            key_frames += 1
            shots += item.number == 0
        elif isinstance(item, AudioGroup):
            audio_groups += 1
            audio_packets += len(item.packets)
    reader.check_nothing_follows()
    sizes = reader.sizes
    return VerifyReport(
        head=reader.head,
        groups=groups,
        frames=sizes.frames,
        low_confidence_frames=low_confidence_frames,
        key_frames=key_frames,
        audio_groups=audio_groups,
        audio_packets=audio_packets,
        sizes=sizes,
        token_sha256=tokens.hexdigest(),
        shots=shots,
    )
