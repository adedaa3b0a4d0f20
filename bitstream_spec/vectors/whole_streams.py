"""What vectors/valid is made from: streams that show one feature or one limit each."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from fractions import Fraction

import numpy as np
from raw_streams import finish, put, split

from tests.support.container import (
    MONO,
    make_audio,
    make_group,
    make_head,
    make_key_frame,
    make_stream,
)
from vqcodec.container import Writer, thin
from vqcodec.types import AudioGroup, AudioHead, Head, KeyFrame, MotionGroup

# A grey AVIF picture of 512 x 512. Stills elsewhere are bytes that stand in for one: Level A doesn't decode them.
GREY = base64.b64decode(
    "AAAAIGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZk1BMUIAAADrbWV0YQAAAAAAAAAhaGRscgAAAAAAAAAAcGljdAAAAAAAAAAAAAAAAAAA"
    "AAAOcGl0bQAAAAAAAQAAAB5pbG9jAAAAAEQAAAEAAQAAAAEAAAETAAAARAAAAChpaW5mAAAAAAABAAAAGmluZmUCAAAAAAEAAGF2MDFD"
    "b2xvcgAAAABqaXBycAAAAEtpcGNvAAAAFGlzcGUAAAAAAAACAAAAAgAAAAAQcGl4aQAAAAADCAgIAAAADGF2MUOBAQwAAAAAE2NvbHJu"
    "Y2x4AAEADQAGgAAAABdpcG1hAAAAAAAAAAEAAQQBAoMEAAAATG1kYXQSAAoKGGI///aICGg0IDI0ExHh4Xd0000wsAAAz8ouWtUfDk0E"
    "GkOFnOQjXwohQozd+ofONTP1JAH7WYJ8v5UqkW2MwA=="
)

Item = KeyFrame | MotionGroup | AudioGroup


def write(
    head: Head,
    *items: Item,
    end_tick: int | None = None,
    notes: dict[int, tuple[bytes, bytes]] | None = None,
) -> bytes:
    """A stream; `notes` are ancillary chunks to put before the item of that number."""
    sink = io.BytesIO()
    writer = Writer(sink, head)
    for number, item in enumerate(items):
        if notes and number in notes:
            writer.ancillary(*notes[number])
        if isinstance(item, KeyFrame):
            writer.key_frame(item)
        elif isinstance(item, MotionGroup):
            writer.motion(item)
        else:
            writer.audio(item)
    writer.close(end_tick)
    return sink.getvalue()


def silent(*groups: MotionGroup, end_tick: int | None = None, **changes: object) -> bytes:
    """Groups after one key frame, without sound."""
    head = make_head(**{"audio": None, "crop": None} | changes)
    return write(head, make_key_frame(), *groups, end_tick=end_tick)


def rate(frames_per_s: Fraction, frames: int, groups: int = 2, **changes: object) -> bytes:
    """A constant frame rate, one tick a frame."""
    parts = [make_group(frames * number, frames, 2) for number in range(groups)]
    return silent(
        *parts, time_base_s=1 / frames_per_s, frame_rate_hz=frames_per_s, layers=2, **changes
    )


def with_tokens(value: int) -> bytes:
    """All indices the same."""
    group = make_group(0, 3)
    return silent(replace(group, indices=np.full_like(group.indices, value)))


def noise(frames: int = 12) -> bytes:
    """Indices without any order: long payloads."""
    group = make_group(0, frames)
    scattered = (np.arange(group.indices.size, dtype=np.uint64) * 2654435761 >> 7) % 625
    return silent(replace(group, indices=scattered.reshape(group.indices.shape).astype(np.uint16)))


def jumps() -> bytes:
    """Each frame is the opposite of the one before: predictions are as wrong as they can be."""
    group = make_group(0, 12)
    indices = np.where(np.arange(12)[:, None, None] % 2 == 0, 0, 624) + np.zeros_like(group.indices)
    return silent(replace(group, indices=indices.astype(np.uint16)))


def sound(*groups: AudioGroup, audio: AudioHead = MONO) -> bytes:
    """Sound beside four frames."""
    return write(
        make_head(audio=audio, crop=None, layers=1), make_key_frame(), make_group(0, 4, 1), *groups
    )


def sized_audio(first_sample: int, sizes: list[int]) -> AudioGroup:
    """Packets of these lengths."""
    packets = tuple(make_audio(0, 1, size).packets[0] for size in sizes)
    return AudioGroup(first_sample, packets)


def hour() -> bytes:
    """An hour and a second, in groups of two frames, 3 s apart."""
    return silent(
        *[make_group(2 * i, 2, 1, first_tick=75 * i) for i in range(1200)],
        layers=1,
        end_tick=90_025,
    )


def hour_ntsc() -> bytes:
    """3603.6 s of 30000/1001 frames a second, of which two are coded every 90: ticks of 1/30000 s, never rounded."""
    groups = [make_group(2 * i, 2, 1, ticks=[90_090 * i, 90_090 * i + 1001]) for i in range(1200)]
    return silent(
        *groups,
        layers=1,
        time_base_s=Fraction(1, 30_000),
        frame_rate_hz=Fraction(30_000, 1001),
        end_tick=108_108_000,
    )


def long_sound() -> bytes:
    """Nine hours of sound in 60 groups, and a frame beside each."""
    items: list[Item] = [make_key_frame()]
    for i in range(60):
        items += [make_group(i, 1, 1, first_tick=13_500 * i), make_audio(25_920_000 * i, 2, 4)]
    return write(make_head(layers=1), *items)


def uneven_groups() -> bytes:
    """Groups of 1, 13, 2, 50 and 7 frames."""
    counts = [1, 13, 2, 50, 7]
    return silent(
        *[make_group(sum(counts[:i]), count, 1) for i, count in enumerate(counts)], layers=1
    )


def key_frame_each_group() -> bytes:
    """A portrait before every group."""
    items: list[Item] = []
    for number in range(5):
        items += [make_key_frame(2 * number, 20 + number), make_group(2 * number, 2, 1)]
    return write(make_head(layers=1, audio=None), *items)


def widest_steps() -> bytes:
    """Steps in 34 bits, the widest field, from a base of 1."""
    pairs = split(silent(make_group(0, 3, 1, ticks=[0, 2, 5]), layers=1))[:-2]
    payload = pairs[2][1]
    pairs[2] = (
        b"MOTN",
        payload[:4] + b"\x01\x22" + (1 << 38 | 2 << 4).to_bytes(9, "big") + payload[7:],
    )
    return finish(pairs, 6)


def worst_minor() -> bytes:
    """Version 1.255, every flag set, and HEAD as long as it may be."""
    pairs = split(make_stream(1, layers=1))[:-2]
    head = put(1, b"\xff\xff")(pairs[0][1])
    return finish(
        [(b"HEAD", head + bytes(range(256)) * 3 + bytes(1024 - 768 - len(head))), *pairs[1:]], 4
    )


def odd_notes() -> bytes:
    """Ancillary types in every mixture of capitals and small letters that there is, and one that looks like MOTN."""
    kinds = [b"aaaa", b"aaaZ", b"aaZa", b"aaZZ", b"aZaa", b"aZaZ", b"aZZa", b"aZZZ", b"mOTN"]
    pairs = split(silent(make_group(0, 2, 1), layers=1))[:-2]
    return finish([*pairs[:2], *[(kind, kind) for kind in kinds], *pairs[2:]], 2)


def newer_minor() -> bytes:
    """Version 1.3 with a flag and HEAD bytes that 1.0 doesn't know."""
    pairs = split(make_stream(1, layers=1))[:-2]
    head = put(1, b"\x03")(put(2, bytes([0x80 | 0x06]))(pairs[0][1])) + b"from the future"
    return finish([(b"HEAD", head), *pairs[1:]], 4)


def wide_packing() -> bytes:
    """Steps in a wider field than needed, from a base below the smallest: valid, though no good writer does it."""
    pairs = split(silent(make_group(0, 3, 1, ticks=[0, 2, 5]), layers=1))[:-2]
    payload = pairs[2][1]
    assert payload[4:7] == b"\x02\x01\x40"  # base 2, width 1, values 0 1
    pairs[2] = (b"MOTN", payload[:4] + b"\x01\x04\x12" + payload[7:])
    return finish(pairs, 6)


def several_key_frames() -> bytes:
    """A new portrait before the second and the third group, the last one after the sound of the second."""
    items: list[Item] = []
    for number in range(4):
        if number != 3:
            items.append(make_key_frame(number * 3, 30 + number))
        items += [make_group(number * 3, 3, 2), make_audio(number * 5760, 6)]
    return write(make_head(layers=2), *items)


def thinned(layers: int = 2) -> bytes:
    """What `thin` makes of four layers."""
    sink = io.BytesIO()
    thin(io.BytesIO(make_stream(2, 3)), sink, layers)
    return sink.getvalue()


def notes() -> bytes:
    """Ancillary chunks in three places, one of them empty, one of them long."""
    items = (make_key_frame(), make_group(0, 3, 1), make_group(3, 3, 1))
    chunks = {
        0: (b"teST", b"before the key frame"),
        1: (b"abcd", b""),
        2: (b"noTe", bytes(range(256)) * 8),
    }
    return write(make_head(layers=1, audio=None), *items, notes=chunks)


TICK_LIMIT = 2**53 - 1
LAST = make_group(0, 2, 1, ticks=[TICK_LIMIT - 9, TICK_LIMIT - 1])
ALL_HELD = tuple(range(9))
LONG_NAME = "é" * 32
VARIABLE_MS = [0, 33, 67, 100, 133, 700, 701, 1400, 2000]
