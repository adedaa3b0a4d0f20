"""Bad links and bad disks: what they do to a .vqt stream, the same for the same seed.

HEAD and the portraits are spared: a link sends them first and safely (bitstream_spec/carriage.md), and without them nothing can
be shown, so that there is nothing to measure.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from vqcodec.container import CodedGroup, Reader, Writer
from vqcodec.container.chunks import Chunk
from vqcodec.container.items import CodedItem
from vqcodec.container.portraits import RelativePortrait
from vqcodec.container.scan import ChunkScanner
from vqcodec.errors import UsageError
from vqcodec.format import (
    AUDIO_RATE_HZ,
    AUDO_TYPE,
    HEAD_TYPE,
    KEYF_TYPE,
    MIN_PACKET_SAMPLES,
    MOTN_TYPE,
    PORT_TYPE,
)
from vqcodec.types import AudioGroup, Head, KeyFrame

FLIP_EVERY_BYTES = 10_000
CUT_SHARE = Fraction(1, 2)
PORTRAIT_TYPES = (KEYF_TYPE, PORT_TYPE)


def chunks(data: bytes) -> list[Chunk]:
    """All intact chunks of a stream."""
    return [piece for piece in ChunkScanner(io.BytesIO(data)) if isinstance(piece, Chunk)]


def lose_groups(data: bytes, share: float, rng: random.Random) -> bytes:
    """Every motion group, and every sound group, is missing with a probability, independently."""
    found = chunks(data)
    kept = [data[: found[0].offset]]
    kept += [
        data[chunk.offset : chunk.offset + chunk.size_bytes]
        for chunk in found
        if chunk.type not in (MOTN_TYPE, AUDO_TYPE) or rng.random() >= share
    ]
    return b"".join(kept)


def flip_bits(data: bytes, rng: random.Random, every_bytes: int = FLIP_EVERY_BYTES) -> bytes:
    """One random bit in so many bytes is wrong, one at least."""
    spared = {
        at
        for chunk in chunks(data)
        if chunk.type in (HEAD_TYPE, *PORTRAIT_TYPES)
        for at in range(chunk.offset, chunk.offset + chunk.size_bytes)
    }
    places = [at for at in range(len(data)) if at not in spared]
    changed = bytearray(data)
    for at in rng.choices(places, k=max(len(data) // every_bytes, 1)):
        changed[at] ^= 1 << rng.randrange(8)
    return bytes(changed)


def cut(data: bytes, share: Fraction = CUT_SHARE) -> bytes:
    """Of what follows the first portrait only a share came."""
    portrait = next(chunk for chunk in chunks(data) if chunk.type in PORTRAIT_TYPES)
    start = portrait.offset + portrait.size_bytes
    return data[: start + int((len(data) - start) * share)]


@dataclass(frozen=True, slots=True)
class Harm:
    """One kind of damage.

    Attributes:
        name: for tables.
        apply: stream and random numbers -> damaged stream.
        chance: it differs with the seed.
    """

    name: str
    apply: Callable[[bytes, random.Random], bytes]
    chance: bool = True


def _loss(percent: int) -> Harm:
    return Harm(
        f"{percent} % of groups lost", lambda data, rng: lose_groups(data, percent / 100, rng)
    )


HARMS = (
    _loss(1),
    _loss(5),
    _loss(20),
    Harm("a flipped bit in 10 kB", flip_bits),
    Harm("second half missing", lambda data, rng: cut(data), chance=False),
)


def long_stream(streams: Sequence[bytes], seconds: Fraction) -> bytes:
    """The groups of short streams one after the other, over and over.

    The poses jump where one stream follows another; what is measured on it is relative to itself. Of major version 1 only
    the first stream's first portrait is in it; shots of version 2 have their own.

    Args:
        streams: of one version, time base and number of layers (others are left out), sound included.
        seconds: least duration.

    Raises:
        UsageError: there is none.
    """
    readers = [Reader(io.BytesIO(data)) for data in streams]
    if not readers:
        raise UsageError("a long stream can't be made of nothing")
    head, sink = replace(readers[0].head, crop=None), io.BytesIO()
    fitting = [r for r in readers if _form(r.head) == _form(head)]
    items = [(list(reader.coded()), reader.end_tick or 0) for reader in fitting]
    with Writer(sink, head) as writer:
        place, number = _Place(0, 0, 0), 0
        while place.ticks * head.time_base_s < seconds:
            coded, end_tick = items[number % len(items)]
            place, number = _repeated(writer, coded, place, end_tick), number + 1
        writer.close(place.ticks)
    return sink.getvalue()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a long stream a short one begins: what is written before it."""

    frames: int
    ticks: int
    shots: int
    samples: int = 0


def _form(head: Head) -> tuple[object, ...]:
    return head.version[0], head.time_base_s, head.layers


def _repeated(writer: Writer, items: Sequence[CodedItem], place: _Place, end_tick: int) -> _Place:
    """Write a stream's items behind others; returns the place of the next one."""
    begins_s = place.ticks * writer.head.time_base_s
    first_sample, next_sample = int(begins_s * AUDIO_RATE_HZ), place.samples
    frames, shots = place.frames, place.shots
    for item in items:
        if isinstance(item, KeyFrame) and not frames:
            writer.key_frame(item)
        elif isinstance(item, RelativePortrait):
            outline, shot = item.outline, place.shots + item.outline.shot
            outline = replace(outline, shot=shot, first_frame=frames)
            writer.relative_portrait(replace(item, outline=outline))
            shots = shot + 1
        elif isinstance(item, CodedGroup):
            shot = place.shots + item.shot
            ticks = item.ticks + place.ticks
            writer.coded_motion(replace(item, first_frame=frames, ticks=ticks, shot=shot))
            frames += len(item.ticks)
        elif isinstance(item, AudioGroup) and writer.head.audio is not None:
            start = first_sample + item.first_sample
            if start >= next_sample:
                writer.audio(replace(item, first_sample=start, end_trim_samples=0))
                next_sample = start + MIN_PACKET_SAMPLES * len(item.packets)
    return _Place(frames, place.ticks + end_tick, shots, next_sample)
