"""Small streams for the container tests: every value is made from a seed, so that bytes can be compared."""

from __future__ import annotations

import hashlib
import io
from fractions import Fraction

import numpy as np

from vqcodec.container import Writer
from vqcodec.format import GROUP_DIMS, GROUPS
from vqcodec.types import AudioGroup, AudioHead, Crop, Head, KeyFrame, ModelId, MotionGroup

MOTION_SPACE = ModelId("test-motion", bytes(range(32)))
RENDERER = ModelId("test-renderer", bytes(range(32, 64)))
MONO = AudioHead(48_000, 1, 312, b"OpusHead\x01\x01\x38\x01\x80\xbb\x00\x00\x00\x00\x00")


def make_head(**changes: object) -> Head:
    """25 fps, four layers, mono sound and a crop, but for `changes`."""
    values: dict[str, object] = {
        "time_base_s": Fraction(1, 25),
        "frame_rate_hz": Fraction(25),
        "layers": 4,
        "motion_space": MOTION_SPACE,
        "renderer": RENDERER,
        "audio": MONO,
        "crop": Crop(1280, 720, -10, 40, 600),
    }
    return Head(**(values | changes))  # type: ignore[arg-type]


def make_key_frame(first_frame: int = 0, size: int = 40) -> KeyFrame:
    features = np.arange(-24, 24, dtype=np.int16) * 100
    return KeyFrame(first_frame, bytes(i % 251 for i in range(size)), features)


def make_indices(frames: int, layers: int, seed: int = 0, groups: int = GROUPS) -> np.ndarray:
    """Tokens of a random walk of small integer steps, about as smooth as a face; the same on every machine."""
    dims = groups * GROUP_DIMS
    noise = np.frombuffer(
        hashlib.shake_256(f"tokens {seed}".encode()).digest(frames * dims), dtype=np.uint8
    )
    rest = np.clip(
        np.cumsum(noise.reshape(frames, dims).astype(np.int64) % 9 - 4, axis=0), -170, 170
    )
    indices = np.zeros((frames, groups, layers), dtype=np.uint16)
    for layer in range(layers):
        step = 4 ** (3 - layer)
        digits = np.clip(np.sign(rest) * ((2 * np.abs(rest) + step) // (2 * step)), -2, 2)
        rest = rest - digits * step
        indices[:, :, layer] = ((digits + 2).reshape(frames, groups, 4) * 5 ** np.arange(4)).sum(
            axis=2
        )
    return indices


def make_group(
    first_frame: int,
    frames: int,
    layers: int = 4,
    *,
    first_tick: int | None = None,
    step: int = 1,
    ticks: list[int] | None = None,
    held: tuple[int, ...] = (),
    groups: int = GROUPS,
) -> MotionGroup:
    start = first_frame * step if first_tick is None else first_tick
    times = (
        start + step * np.arange(frames, dtype=np.int64)
        if ticks is None
        else np.array(ticks, dtype=np.int64)
    )
    low_confidence = np.zeros(frames, dtype=np.bool_)
    low_confidence[list(held)] = True
    return MotionGroup(
        first_frame, times, low_confidence, make_indices(frames, layers, first_frame, groups)
    )


def make_audio(
    first_sample: int, packets: int = 5, size: int = 30, end_trim_samples: int = 0
) -> AudioGroup:
    data = tuple(
        bytes([0x48]) + bytes((i * 7 + k) % 256 for k in range(size - 1)) for i in range(packets)
    )
    return AudioGroup(first_sample, data, end_trim_samples)


def make_stream(
    groups: int = 3, frames: int = 4, *, cut: int | None = None, **changes: object
) -> bytes:
    """`groups` groups of `frames` frames with sound; a new key frame before group `cut`."""
    head = make_head(**changes)
    sink = io.BytesIO()
    with Writer(sink, head) as writer:
        for number in range(groups):
            if number in (0, cut):
                writer.key_frame(make_key_frame(number * frames))
            writer.motion(
                make_group(number * frames, frames, head.layers, held=(0,) if number == 1 else ())
            )
            if head.audio is not None:
                writer.audio(make_audio(number * 5 * 960))
    return sink.getvalue()


def same_item(one: object, two: object) -> bool:
    """Whether two items of a stream are equal, arrays by value and type."""
    if type(one) is not type(two):
        return False
    for name in one.__slots__:  # type: ignore[attr-defined]
        left, right = getattr(one, name), getattr(two, name)
        if isinstance(left, np.ndarray):
            if left.dtype != right.dtype or not np.array_equal(left, right):
                return False
        elif left != right:
            return False
    return True
