"""The streams of vectors/valid: name -> bytes. Each shows one feature or one limit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
from whole_streams import (
    ALL_HELD,
    GREY,
    LAST,
    LONG_NAME,
    TICK_LIMIT,
    VARIABLE_MS,
    hour,
    hour_ntsc,
    jumps,
    key_frame_each_group,
    long_sound,
    newer_minor,
    noise,
    notes,
    odd_notes,
    rate,
    several_key_frames,
    silent,
    sized_audio,
    sound,
    thinned,
    uneven_groups,
    wide_packing,
    widest_steps,
    with_tokens,
    worst_minor,
    write,
)

from tests.support.container import (
    MONO,
    make_audio,
    make_group,
    make_head,
    make_key_frame,
    make_stream,
)
from vqcodec.types import Crop, KeyFrame, ModelId

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
