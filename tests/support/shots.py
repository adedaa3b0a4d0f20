"""Items of streams of major version 2: portraits without pictures, and groups."""

from __future__ import annotations

import numpy as np

from vqcodec.format import DIMS, GROUPS, LAYERS
from vqcodec.types import MotionGroup, PortraitRun, PortraitUnit


def unit(
    shot: int,
    number: int,
    depends_on: int | None = None,
    *,
    first_frame: int = 0,
    value: int = 0,
    data: bytes = b"",
    continues: bool = False,
) -> PortraitUnit:
    """A portrait all of whose features have one value."""
    features = np.full(DIMS, value, np.int16)
    return PortraitUnit(first_frame, shot, number, depends_on, features, data, continues)


def group(
    first_frame: int,
    frames: int,
    *,
    shot: int = 0,
    runs: tuple[PortraitRun, ...] = (),
    tick: int | None = None,
) -> MotionGroup:
    """A group whose tokens depend on the frame's number alone; a tick is a frame."""
    numbers = np.arange(first_frame, first_frame + frames)
    tokens = np.random.default_rng(1).integers(0, 625, (1000, GROUPS, LAYERS), dtype=np.uint16)
    ticks = numbers - first_frame + (first_frame if tick is None else tick)
    return MotionGroup(
        first_frame, ticks.astype(np.int64), np.zeros(frames, np.bool_), tokens[numbers], shot, runs
    )
