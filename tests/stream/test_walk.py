"""Features of a stream's frames: the portrait's own, and what the tokens add."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest

from tests.support.pipeline import FakeSpace
from tests.support.recover import GROUP_FRAMES, STEP, playable
from vqcodec.container import Reader
from vqcodec.format import from_indices
from vqcodec.stream.walk import Walk, posed_groups, poses
from vqcodec.types import KeyFrame, MotionGroup

UNITS = FakeSpace().units
DATA = playable(6, 3, layers=3)


def items() -> list[object]:
    return list(Reader(io.BytesIO(DATA)))


@pytest.mark.parametrize("layers", [None, 1, 2, 3, 4])
def test_tokens_are_added_to_the_portrait_in_force(layers: int | None) -> None:
    motion = [item for item in items() if isinstance(item, MotionGroup)]
    portraits = [item for item in items() if isinstance(item, KeyFrame)]
    found = list(posed_groups(Reader(io.BytesIO(DATA)), UNITS, layers))
    assert [group.first_frame for group in found] == [0, 10, 20, 30, 40, 50]
    for number, (group, coded) in enumerate(zip(found, motion, strict=True)):
        own = portraits[number // 3]
        assert group.portrait.first_frame == own.first_frame and len(group) == GROUP_FRAMES
        assert np.array_equal(group.base, own.features * UNITS)
        whole = own.features + from_indices(coded.indices[..., :layers]).astype(np.int64)
        assert np.allclose(group.features, whole * UNITS, atol=1e-3)
        assert group.features.dtype == np.float32 and np.array_equal(group.ticks, coded.ticks)
    assert found[0].portrait is found[2].portrait is not found[3].portrait


def test_frames_one_by_one() -> None:
    frames = list(poses(Reader(io.BytesIO(DATA)), UNITS))
    assert [frame.tick for frame in frames] == [STEP * n for n in range(60)]
    groups = posed_groups(Reader(io.BytesIO(DATA)), UNITS)
    rows = chain.from_iterable(group.features for group in groups)
    assert all(np.array_equal(a.features, b) for a, b in zip(frames, rows, strict=True))
    assert [frame.shown.portrait.first_frame for frame in frames] == [0] * 30 + [30] * 30


def test_only_motion_gives_something() -> None:
    walk = Walk(UNITS)
    first = next(item for item in items() if isinstance(item, KeyFrame))
    assert walk.portrait is None and walk.push(first) is None and walk.portrait is first
    other = replace(first, features=first.features + np.int16(1))
    assert walk.push(other) is None
    group = next(item for item in items() if isinstance(item, MotionGroup))
    posed = walk.push(group)
    assert posed is not None and posed.portrait is other
    assert np.array_equal(posed.base, other.features * UNITS)
