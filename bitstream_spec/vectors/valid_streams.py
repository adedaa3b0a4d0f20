"""The streams of vectors/valid: name -> bytes. Each shows one feature or one limit."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
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
from vqcodec.types import AudioGroup, AudioHead, Crop, Head, KeyFrame, ModelId, MotionGroup

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


def noise() -> bytes:
    """Indices without any order: the longest payloads."""
    group = make_group(0, 12)
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

RECIPES: dict[str, Callable[[], bytes]] = {
    "smallest": lambda: silent(make_group(0, 1, 1), layers=1),
    "one-frame": lambda: silent(make_group(0, 1)),
    "layers-1": lambda: silent(make_group(0, 6, 1), layers=1),
    "layers-2": lambda: silent(make_group(0, 6, 2), layers=2),
    "layers-3": lambda: silent(make_group(0, 6, 3), layers=3),
    "layers-4": lambda: silent(make_group(0, 6, 4)),
    "thinned-to-2-layers": thinned,
    "typical": lambda: write(
        make_head(),
        KeyFrame(0, GREY, make_key_frame().features),
        make_group(0, 50),
        make_audio(0, 34, 60),
        make_group(50, 10),
        make_audio(97_920, 8, 60, 700),
    ),
    "synthetic": lambda: make_stream(1, layers=1, synthetic=True),
    "rate-8": lambda: rate(Fraction(8), 16),
    "rate-29.97": lambda: rate(Fraction(30_000, 1001), 59),
    "rate-30": lambda: rate(Fraction(30), 60),
    "rate-60": lambda: rate(Fraction(60), 120, 1),
    "rate-variable": lambda: silent(
        make_group(0, 9, 1, ticks=VARIABLE_MS), layers=1, time_base_s=Fraction(1, 1000)
    ),
    "rate-one-frame-a-minute": lambda: silent(
        *[make_group(i, 1, 1, first_tick=60 * i) for i in range(4)],
        layers=1,
        time_base_s=Fraction(1),
        frame_rate_hz=Fraction(1, 60),
    ),
    "times-90-khz": lambda: silent(
        make_group(0, 30, 1, step=3003), layers=1, time_base_s=Fraction(1, 90_000)
    ),
    "times-start-late": lambda: silent(
        make_group(0, 3, 1, first_tick=100),
        make_group(3, 3, 1, first_tick=900),
        layers=1,
        end_tick=1000,
    ),
    "times-greatest": lambda: silent(LAST, layers=1, end_tick=TICK_LIMIT),
    "times-finest": lambda: silent(
        make_group(0, 2, 1, ticks=[7, 7 + 2 * (2**32 - 1)]),
        layers=1,
        time_base_s=Fraction(1, 2**32 - 1),
    ),
    "times-packed-wide": wide_packing,
    "group-240-frames": lambda: rate(Fraction(120), 240, 1),
    "group-spans-2-s": lambda: silent(make_group(0, 51, 1), layers=1),
    "key-frames": several_key_frames,
    "held-frames": lambda: silent(
        make_group(0, 9, 1, held=(0, 3, 8)), make_group(9, 9, 1), layers=1
    ),
    "held-all": lambda: silent(make_group(0, 9, 1, held=ALL_HELD), layers=1),
    "sound-mono": lambda: sound(make_audio(0, 3)),
    "sound-stereo": lambda: sound(make_audio(0, 3), audio=replace(MONO, channels=2)),
    "sound-no-opus-head": lambda: sound(
        make_audio(0, 3), audio=replace(MONO, extradata=b"", pre_skip_samples=0)
    ),
    "sound-variable-packets": lambda: sound(
        sized_audio(0, [1, 30, 62, 3, 17]), sized_audio(4800, [8])
    ),
    "sound-gap-and-trim": lambda: sound(
        make_audio(0, 3), make_audio(50_000, 2, end_trim_samples=5760)
    ),
    "sound-starts-late": lambda: sound(make_audio(24_000, 3)),
    "sound-first": lambda: write(
        make_head(layers=1), make_audio(0), make_key_frame(), make_group(0, 4, 1)
    ),
    "sound-800-packets": lambda: sound(make_audio(0, 800, 1)),
    "sound-long-packet": lambda: sound(make_audio(0, 1, 8191)),
    "sound-announced-but-none": lambda: sound(),
    "ancillary": notes,
    "newer-minor-version": newer_minor,
    "crop-outside": lambda: silent(
        make_group(0, 1, 1), layers=1, crop=Crop(65_535, 1, -131_070, 131_070, 131_070)
    ),
    "coded-size-16": lambda: silent(make_group(0, 1, 1), layers=1, coded_size_px=16),
    "coded-size-4096": lambda: silent(make_group(0, 1, 1), layers=1, coded_size_px=4096),
    "names-long": lambda: silent(
        make_group(0, 1, 1),
        layers=1,
        motion_space=ModelId(LONG_NAME, bytes(32)),
        renderer=ModelId("r", b"\xff" * 32),
    ),
    "features-extreme": lambda: write(
        make_head(layers=1, audio=None),
        KeyFrame(0, b"\0", np.array([-32768, 32767] * 24, dtype=np.int16)),
        make_group(0, 1, 1),
    ),
    "tokens-all-0": lambda: with_tokens(0),
    "tokens-all-312": lambda: with_tokens(312),
    "tokens-all-624": lambda: with_tokens(624),
    "tokens-noise": noise,
    "rate-1": lambda: rate(Fraction(1), 3),
    "rate-23.976": lambda: rate(Fraction(24_000, 1001), 47),
    "rate-24": lambda: rate(Fraction(24), 24),
    "rate-50": lambda: rate(Fraction(50), 30),
    "rate-59.94": lambda: rate(Fraction(60_000, 1001), 30),
    "rate-240": lambda: rate(Fraction(240), 24, 1),
    "rate-largest-terms": lambda: rate(Fraction(2**32 - 1, 2**32 - 2), 2, 1),
    "times-end-late": lambda: silent(make_group(0, 2, 1), layers=1, end_tick=2**40),
    "times-steps-34-bits": widest_steps,
    "groups-uneven": uneven_groups,
    "held-240-frames": lambda: silent(
        make_group(0, 240, 1, held=tuple(range(0, 240, 7))),
        layers=1,
        time_base_s=Fraction(1, 120),
        frame_rate_hz=Fraction(120),
    ),
    "key-frames-each-group": key_frame_each_group,
    "no-sound": lambda: silent(make_group(0, 25), make_group(25, 25)),
    "synthetic-with-sound": lambda: make_stream(2, synthetic=True, layers=2),
    "sound-position-greatest": lambda: sound(make_audio(TICK_LIMIT, 1)),
    "sound-pre-skip-greatest": lambda: sound(
        make_audio(0, 2), audio=replace(MONO, pre_skip_samples=65_535)
    ),
    "sound-extradata-255": lambda: sound(
        make_audio(0, 2), audio=replace(MONO, extradata=bytes(range(255)))
    ),
    "sound-packets-13-bits": lambda: sound(sized_audio(0, [1, 8191])),
    "sound-closest": lambda: sound(
        make_audio(0, 3, 2), make_audio(360, 1, 2), make_audio(480, 1, 2)
    ),
    "sound-hours": long_sound,
    "thinned-to-1-layer": lambda: thinned(1),
    "thinned-to-3-layers": lambda: thinned(3),
    "ancillary-types": odd_notes,
    "newer-minor-version-255": worst_minor,
    "crop-odd": lambda: silent(make_group(0, 1, 1), layers=1, crop=Crop(1919, 1079, -1, 3, 1083)),
    "crop-smallest": lambda: silent(make_group(0, 1, 1), layers=1, crop=Crop(1, 1, 0, 0, 1)),
    "coded-size-odd": lambda: silent(make_group(0, 1, 1), layers=1, coded_size_px=511),
    "names-short": lambda: silent(
        make_group(0, 1, 1),
        layers=1,
        motion_space=ModelId("\U0001f642", bytes(32)),
        renderer=ModelId(" ", bytes(32)),
    ),
    "tokens-all-1": lambda: with_tokens(1),
    "tokens-jumps": jumps,
    "long-hour": hour,
    "long-hour-29.97": hour_ntsc,
    "long": lambda: silent(
        *[make_group(2 * i, 2, 1, first_tick=50 * i) for i in range(300)], layers=1
    ),
}

VALID = {name: recipe() for name, recipe in RECIPES.items()}
