"""Streams of major version 2 with more than 12 groups of dimensions, valid and invalid. After tables/motion-3.json has changed:
python bitstream_spec/vectors/make.py --unfreeze 2-groups
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from raw_streams import edit, join, put, split
from valid_portraits import Run

from tests.support.container import make_group, make_stream
from tests.support.units import in_shot, make_head_2, make_portrait, make_stream_2, write_2
from vqcodec.container import thin
from vqcodec.format import GROUP_DIMS, REACH, to_indices
from vqcodec.types import MotionGroup, PortraitRun, PortraitUnit

GROUPS_AT = 21
"""Place of `groups` in HEAD."""


def portrait(groups: int, number: int = 0, *, first: int = 0, shot: int = 0) -> PortraitUnit:
    """A short one, whose features differ."""
    return make_portrait(first, shot, number, size=6, groups=groups)


def at_rest(groups: int, number: int = 0, *, first: int = 0, shot: int = 0) -> PortraitUnit:
    """The same, its features all 0."""
    made = portrait(groups, number, first=first, shot=shot)
    return replace(made, features=np.zeros_like(made.features))


def group(
    groups: int, first: int, frames: int, layers: int = 1, shot: int = 0, *runs: PortraitRun
) -> MotionGroup:
    """Frames whose tokens wander, far enough to be seen in the first layer."""
    noise = hashlib.shake_256(f"wander {first}".encode()).digest(frames * groups * GROUP_DIMS)
    steps = np.frombuffer(noise, np.uint8).reshape(frames, -1).astype(np.int64) % 61 - 30
    values = np.clip(np.cumsum(steps, axis=0), -REACH, REACH)
    made = make_group(first, frames, layers, groups=groups)
    return in_shot(replace(made, indices=to_indices(values)[..., :layers]), shot, *runs)


def stream(groups: int, *items: object, layers: int = 1) -> bytes:
    """No sound, no crop."""
    head = make_head_2(audio=None, crop=None, groups=groups, layers=layers)
    return write_2(head, *items)


def alone(groups: int, frames: int = 2, layers: int = 1) -> bytes:
    """One portrait, one group."""
    return stream(groups, at_rest(groups), group(groups, 0, frames, layers), layers=layers)


def noise(groups: int) -> bytes:
    """Indices without any order, all of 0 and all of 624 among them."""
    made = group(groups, 0, 4, 4)
    scattered = (np.arange(made.indices.size, dtype=np.uint64) * 2654435761 >> 7) % 625
    indices = scattered.reshape(made.indices.shape).astype(np.uint16)
    indices[1], indices[2] = 0, 624
    return stream(groups, at_rest(groups), replace(made, indices=indices), layers=4)


def two_portraits() -> bytes:
    """The second portrait comes with the second group, which passes to it."""
    return stream(
        20,
        portrait(20),
        group(20, 0, 3, 4),
        portrait(20, 1, first=3),
        group(20, 3, 4, 4, 0, Run(2, 0, 1), Run(2, 1)),
        layers=4,
    )


def shots() -> bytes:
    """Three shots, two portraits in the second; the features of each are relative to those of its own first one."""
    return stream(
        16,
        portrait(16),
        group(16, 0, 2),
        portrait(16, first=2, shot=1),
        portrait(16, 1, first=2, shot=1),
        group(16, 2, 3, 1, 1, Run(1, 0), Run(2, 1)),
        at_rest(16, first=5, shot=2),
        group(16, 5, 2, 1, 2),
    )


def thinned() -> bytes:
    """What `thin` makes of four layers."""
    sink = io.BytesIO()
    thin(io.BytesIO(two_portraits()), sink, 2)
    return sink.getvalue()


RECIPES: dict[str, Callable[[], bytes]] = {
    "2-groups-12": lambda: alone(12),
    "2-groups-13": lambda: alone(13),
    "2-groups-16-layers-1": lambda: alone(16, 6),
    "2-groups-16-layers-4": lambda: alone(16, 6, 4),
    "2-groups-16-shots": shots,
    "2-groups-16-sound": lambda: make_stream_2((2,), 3, layers=2, groups=16),
    "2-groups-20-noise": lambda: noise(20),
    "2-groups-20-two-portraits": two_portraits,
    "2-groups-20-thinned-to-2-layers": thinned,
    "2-groups-32": lambda: alone(32),
}
VALID_GROUPS = {name: recipe() for name, recipe in RECIPES.items()}


def told(data: bytes, groups: int) -> bytes:
    """A stream whose HEAD names another number of groups."""
    return edit(data, b"HEAD", put(GROUPS_AT, bytes([groups])))


def of_12(kind: bytes) -> bytes:
    """A stream of 16 groups, one of its chunks as in a stream of 12."""
    small = stream(12, portrait(12), group(12, 0, 2))
    large = stream(16, portrait(16), group(16, 0, 2))
    chunks = dict(split(small))
    return join([(k, chunks[k] if k == kind else p) for k, p in split(large)])


INVALID_GROUPS: dict[str, tuple[str, str, bytes]] = {
    "2-groups-11": ("unsupported-layout", "11 groups", told(alone(12), 11)),
    "2-groups-33": ("unsupported-layout", "33 groups", told(alone(32), 33)),
    "2-groups-dimensions-5": (
        "unsupported-layout",
        "16 groups of five dimensions",
        edit(alone(16), b"HEAD", put(GROUPS_AT + 1, b"\5")),
    ),
    "2-groups-16-in-1": (
        "unsupported-layout",
        "16 groups in version 1.0",
        told(make_stream(1, layers=1, audio=None), 16),
    ),
    "2-groups-portrait-of-12": (
        "bad-layout",
        "features for 12 groups in a PORT of 16",
        of_12(b"PORT"),
    ),
    "2-groups-motion-of-12": (
        "bad-payload",
        "a layer of 12 groups in a MOTN of 16",
        of_12(b"MOTN"),
    ),
    "2-groups-motion-of-20": (
        "bad-payload",
        "a layer of 20 groups in a stream of 16",
        told(alone(20), 16),
    ),
}
