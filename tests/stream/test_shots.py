"""Portraits of a shot: their paths, which of them show a frame, and what stands in for those that are missing."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tests.support.pipeline import FakeSpace
from tests.support.shots import group, unit
from vqcodec.format import from_indices
from vqcodec.stream.portraits import (
    Shot,
    ShownFrom,
    StreamPortrait,
    shares_of_other,
    shot_of,
)
from vqcodec.stream.walk import PosedGroup, posed_groups
from vqcodec.types import KeyFrame, PortraitRun

UNITS = FakeSpace().units
BRANCHES = ((1, 0), (2, 1), (3, 0), (4, 2))
"""Portraits, and what they depend on."""
RUNS = (
    PortraitRun(3, 0),
    PortraitRun(2, 0, other=3),
    PortraitRun(1, 3, other=1, weight=5),
    PortraitRun(4, 3),
)


def portrait_numbers(shown: ShownFrom) -> tuple[int, int | None]:
    assert isinstance(shown.portrait, StreamPortrait)
    other = shown.other
    return shown.portrait.number, other.number if isinstance(other, StreamPortrait) else None


def path(portrait: object) -> list[int]:
    assert isinstance(portrait, StreamPortrait)
    return [step.number for step in portrait.path]


def branched() -> Shot:
    shot = Shot(unit(2, 0))
    for number, before in BRANCHES:
        shot.add(unit(2, number, before))
    return shot


@pytest.mark.parametrize(
    ("run", "shares"),
    [
        (PortraitRun(2, 7), ["0", "0"]),
        (PortraitRun(3, 0, other=1, weight=5), ["5/16"] * 3),
        (PortraitRun(1, 0, other=1), ["1/2"]),
        (PortraitRun(4, 0, other=1), ["1/5", "2/5", "3/5", "4/5"]),
    ],
)
def test_shares_of_a_run(run: PortraitRun, shares: list[str]) -> None:
    assert list(shares_of_other(run)) == [Fraction(share) for share in shares]


def test_a_path_follows_what_a_portrait_depends_on() -> None:
    shot = Shot(unit(2, 0))
    found = [shot.first, *(shot.add(unit(2, *pair)) for pair in BRANCHES)]
    assert list(map(path, found)) == [[0], [0, 1], [0, 1, 2], [0, 3], [0, 1, 2, 4]]
    assert len({id(shot_of(portrait)) for portrait in found}) == 1


def test_runs_say_what_each_frame_is_shown_from() -> None:
    shown = branched().shown(RUNS, 10)
    assert list(map(portrait_numbers, shown)) == [
        *[(0, None)] * 3,
        *[(0, 3)] * 2,
        (3, 1),
        *[(3, None)] * 4,
    ]
    assert [str(s.share) for s in shown] == ["0"] * 3 + ["1/3", "2/3", "5/16"] + ["0"] * 4
    assert [s.passing for s in shown] == [False] * 3 + [True] * 2 + [False] * 5
    assert [portrait_numbers(ShownFrom(s.nearer))[0] for s in shown] == [0] * 4 + [3] * 6


def test_without_runs_portrait_0_shows_all() -> None:
    shown = branched().shown((), 4)
    assert list(map(portrait_numbers, shown)) == [(0, None)] * 4


def test_a_portrait_stays_one_object() -> None:
    shot = branched()
    first, later = (shot.shown(RUNS, 10) for _ in range(2))
    assert all(
        a.portrait is b.portrait and a.other is b.other for a, b in zip(first, later, strict=True)
    )


# --- the walk ---


def walked() -> list[PosedGroup]:
    items = [
        unit(0, 0, value=7),
        unit(0, 1, 0, value=30),
        group(0, 4, runs=(PortraitRun(4, 1),)),
        group(4, 3),
        unit(1, 0, first_frame=7, value=-5),
        group(7, 2, shot=1),
    ]
    return list(posed_groups(items, UNITS))


def test_tokens_are_relative_to_portrait_0_of_the_shot() -> None:
    for posed, value in zip(walked(), (7, 7, -5), strict=True):
        assert np.array_equal(posed.base, np.full(48, value) * UNITS)
        tokens = from_indices(group(posed.first_frame, len(posed)).indices)
        assert np.allclose(posed.features, (value + tokens) * UNITS)


def test_groups_of_a_shot_have_one_portrait_to_be_relative_to() -> None:
    first, second, third = walked()
    assert first.portrait is second.portrait is not third.portrait
    assert first.shown[0].portrait is not first.portrait is second.shown[0].portrait


def test_a_key_frame_shows_all_of_its_frames() -> None:
    key_frame = KeyFrame(0, b"", np.zeros(48, np.int16))
    (posed,) = posed_groups([key_frame, group(0, 3)], UNITS)
    assert [s.portrait for s in posed.shown] == [key_frame] * 3
    assert shot_of(key_frame) is key_frame
