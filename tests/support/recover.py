"""Streams to damage: chunk by chunk, with real sound and a real still where they are played."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tests.support.container import make_group
from tests.support.pipeline import RENDERER_ID, SPACE_ID
from vqcodec.container import Reader, RecoveringReader, Writer
from vqcodec.container.chunks import Chunk
from vqcodec.container.reader import Item
from vqcodec.container.scan import ChunkScanner
from vqcodec.damage import Damage
from vqcodec.format import DIMS
from vqcodec.media.sound.opus_codec import AudioEncoder
from vqcodec.media.still.stills import encode_avif
from vqcodec.types import AudioGroup, Head, KeyFrame, MotionGroup

FPS = 25
STEP = 1001
TIME_BASE_S = Fraction(1, FPS * STEP)
GROUP_FRAMES = 10


def split(data: bytes) -> list[bytes]:
    """Signature and HEAD together, then the bytes of each chunk."""
    chunks = [piece for piece in ChunkScanner(io.BytesIO(data)) if isinstance(piece, Chunk)]
    parts = [data[chunk.offset : chunk.offset + chunk.size_bytes] for chunk in chunks]
    return [data[:8] + parts[0], *parts[1:]]


def kinds(parts: Sequence[bytes], kind: bytes) -> list[int]:
    """Numbers of the parts of one type."""
    return [number for number, part in enumerate(parts) if part[:4] == kind]


@cache
def still(level: int) -> bytes:
    return encode_avif(np.full((512, 512, 3), level, np.uint8), quality=30)


@cache
def tone_packets(packets: int) -> tuple[AudioEncoder, tuple[bytes, ...]]:
    """20 ms packets of a tone that never is near silence for long."""
    encoder = AudioEncoder(16000, frame_ms=20)
    samples = np.arange(packets * 960)
    tone = (9000 * np.sin(2 * np.pi * 300 * samples / 48000)).astype(np.int16)
    return encoder, tuple(encoder.encode(tone))[:packets]


@cache
def playable(
    groups: int = 6, cut: int | None = None, *, layers: int = 2, sound: bool = True
) -> bytes:
    """Groups of 0.4 s with 0.4 s of sound each; a new portrait before group `cut`."""
    encoder, packets = tone_packets(groups * 20)
    sink = io.BytesIO()
    head = Head(
        TIME_BASE_S, Fraction(FPS), layers, SPACE_ID, RENDERER_ID, encoder.head if sound else None
    )
    with Writer(sink, head) as writer:
        for number in range(groups):
            if number in (0, cut):
                features = np.full(DIMS, 100 * (number + 1), np.int16)
                writer.key_frame(KeyFrame(number * GROUP_FRAMES, still(80 + number), features))
            group = make_group(number * GROUP_FRAMES, GROUP_FRAMES, layers, step=STEP)
            writer.motion(group)
            if sound:
                writer.audio(AudioGroup(number * 20 * 960, packets[number * 20 : number * 20 + 20]))
    return sink.getvalue()


def renumbered(data: bytes, **changes: object) -> bytes:
    """The same stream with another HEAD."""
    reader, sink = Reader(io.BytesIO(data)), io.BytesIO()
    with Writer(sink, replace(reader.head, **changes)) as writer:  # type: ignore[arg-type]
        for item in reader.coded():
            {KeyFrame: writer.key_frame, AudioGroup: writer.audio}.get(
                type(item), writer.coded_motion
            )(item)  # type: ignore[arg-type,operator]
    return sink.getvalue()


def flipped(data: bytes, *places: int) -> bytes:
    changed = bytearray(data)
    for place in places:
        changed[place] ^= 0x10
    return bytes(changed)


def times(count: int, first: int = 0) -> list[Fraction]:
    return [Fraction(i, FPS) for i in range(first, first + count)]


Pcm = NDArray[np.int16]


def recovered(data: bytes, **options: object) -> tuple[list[Item], Damage]:
    """What a recovery gives of the bytes, and what was lost."""
    reader = RecoveringReader.open(io.BytesIO(data), **options)  # type: ignore[arg-type]
    return list(reader), reader.damage


def labels(items: list[Item]) -> str:
    """K0 M0 A0 ...: kind and first frame, or the number of the sound group."""
    names = {KeyFrame: "K", MotionGroup: "M", AudioGroup: "A"}
    return " ".join(
        names[type(i)] + str(i.first_sample // 4800 if isinstance(i, AudioGroup) else i.first_frame)
        for i in items
    )
