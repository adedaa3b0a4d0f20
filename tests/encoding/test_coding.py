"""A recorded shot becomes portraits and groups: the rules of the format, and what a decoder makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.recorded import UNITS, frame, made_shot, read, record, written
from vqcodec.container.runs import check_runs
from vqcodec.encoding.choice import Spending
from vqcodec.encoding.coding import PlacedUnit, ShotCoder
from vqcodec.encoding.runs import PASSING_FRAMES, runs_of
from vqcodec.encoding.settings import Setting
from vqcodec.encoding.shots import RecordedShot
from vqcodec.format import MAX_PATH_UNITS
from vqcodec.geometry.layout import MOTION_2
from vqcodec.media.still.portrait_stream import PathDecoder
from vqcodec.stream.portraits import StreamPortrait, shares_of_other
from vqcodec.stream.walk import posed_groups
from vqcodec.types import MotionGroup, PortraitRun, PortraitUnit

PLAIN = Setting(50, 0.01, 4, 0.0)


def coder(spending: Spending | None = None, **more: Any) -> ShotCoder:
    return ShotCoder(
        UNITS,
        MOTION_2,
        Fraction(1, 25),
        Fraction(25),
        spending or Spending(0.0, first="first"),
        preset=12,
        **more,
    )


def by_turns(*lengths: int, portraits: int | None = None, **more: Any) -> RecordedShot:
    """A shot of stretches of so many rows, each served by the next candidate alone."""
    count = portraits or len(lengths)
    owner = np.repeat(np.arange(len(lengths)) % count, lengths)
    return made_shot(np.where(owner[:, None] == np.arange(count), 0.0, 0.6), **more)


def items(shots: Sequence[RecordedShot], setting: Setting = PLAIN, **more: Any) -> list[Any]:
    made = coder(**more)
    return [item for shot in shots for item in made.items(shot, setting)]


def groups(found: Sequence[Any]) -> list[MotionGroup]:
    return [item for item in found if isinstance(item, MotionGroup)]


# --- runs ---


def shown_by(runs: Sequence[PortraitRun], frames: int) -> list[tuple[int, int | None, Fraction]]:
    runs = runs or [PortraitRun(frames, 0)]
    return [(r.portrait, r.other, share) for r in runs for share in shares_of_other(r)]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), min_size=1, max_size=8),
    st.one_of(st.none(), st.integers(0, 3)),
)
def test_runs_keep_the_rules(parts: list[tuple[int, int]], before: int | None) -> None:
    shown = np.repeat([n for n, _ in parts], [count for _, count in parts])
    runs = runs_of(shown, before)
    check_runs(runs, len(shown))
    found = shown_by(runs, len(shown))
    assert len(found) == len(shown)
    whole = shown.tolist() if before is None else [before, *shown.tolist()]
    changes = {n for n in range(1, len(whole)) if whole[n] != whole[n - 1]}
    offset = len(whole) - len(shown)
    for n, (portrait, other, share) in enumerate(found):
        near = any(abs(n + offset + 0.5 - at) < PASSING_FRAMES for at in changes)
        if other is None:
            assert portrait == shown[n]
        else:
            assert near and shown[n] in (portrait, other) and 0 < share < 1


def test_a_change_is_passed_over_four_frames() -> None:
    shown = np.array([0] * 10 + [2] * 10)
    assert runs_of(shown, None) == (PortraitRun(8, 0), PortraitRun(4, 0, 2), PortraitRun(8, 2))
    assert runs_of(shown[10:], 0) == (PortraitRun(2, 0, 2), PortraitRun(8, 2))
    assert runs_of(shown[10:], 2) == runs_of(shown[10:], None) == (PortraitRun(10, 2),)
    assert runs_of(shown[:10], None) == runs_of(shown[:10], 0) == ()


# --- items ---


def test_portraits_stand_before_their_first_use() -> None:
    shot = by_turns(10, 10, 10, 10, portraits=3)  # 120 frames; the first serves again at the end
    found = items([shot])
    known: set[int] = set()
    for item in found:
        if isinstance(item, PlacedUnit):
            assert item.unit.number == len(known) and item.crop.x_px == item.unit.number
            known.add(item.unit.number)
        else:
            used = {run.portrait for run in item.runs} | {run.other for run in item.runs}
            assert used <= known | {None} and (item.runs or known)
    assert len(known) == 3
    firsts = [item.unit.first_frame for item in found if isinstance(item, PlacedUnit)]
    assert firsts == [
        0,
        0,
        50,
    ]  # with the group that shows it: frame 30 is in the first one, 60 in the second
    assert [len(group.ticks) for group in groups(found)] == [50, 50, 20]
    assert groups(found)[-1].runs == ()


def test_tokens_are_relative_to_portrait_0() -> None:
    shot = by_turns(10, 10, values=[4.0, 40.0])
    data = written(items([shot]))
    units = [item for item in read(data) if isinstance(item, PortraitUnit)]
    assert [int(unit.features[0]) for unit in units] == [8, 80]  # in units of .5
    posed = list(posed_groups(read(data), UNITS))
    assert {float(group.base[0]) for group in posed} == {4.0}
    features = np.concatenate([group.features for group in posed])
    np.testing.assert_array_equal(features, shot.features())


def test_written_and_read_back() -> None:
    shots = [
        by_turns(12, 9, 12, portraits=2),
        by_turns(5, 6, first_frame=99, continues=True),
        by_turns(7, first_frame=132),
    ]
    made = items(shots)
    again = read(written(made))
    assert [type(item) for item in again] == [
        PortraitUnit if isinstance(item, PlacedUnit) else MotionGroup for item in made
    ]
    for group, item in zip(groups(made), groups(again), strict=True):
        assert (group.shot, group.runs) == (item.shot, item.runs)
        np.testing.assert_array_equal(group.indices, item.indices)
    begun = [i for i in again if isinstance(i, PortraitUnit) and i.number == 0]
    assert [(i.shot, i.first_frame, i.continues) for i in begun] == [
        (0, 0, False),
        (1, 99, True),
        (2, 132, False),
    ]
    shown = [frame for group in posed_groups(again, UNITS) for frame in group.shown]
    assert len(shown) == 153
    decoder = PathDecoder()
    for place, level in ((0, 30), (60, 230), (98, 30), (99, 30), (131, 230), (152, 30)):
        portrait = shown[place].nearer
        assert isinstance(portrait, StreamPortrait)
        picture = decoder.picture([unit.unit for unit in portrait.path])
        assert abs(float(picture.mean()) - level) < 3


def test_paths_stay_short() -> None:
    shot = by_turns(*[4] * 17)
    data = written(items([shot], spending=Spending(0.0, first="first")))
    units = [item for item in read(data) if isinstance(item, PortraitUnit)]
    assert len(units) == 17
    depth = {0: 1}
    for unit in units[1:]:
        assert unit.depends_on is not None
        depth[unit.number] = depth[unit.depends_on] + 1
    assert max(depth.values()) == MAX_PATH_UNITS


def test_a_portrait_that_shows_no_frame_is_not_written() -> None:
    costs = np.full((41, 2), 0.1)
    costs[:, 0] = 0.0
    costs[20] = 0.1, 0.0  # .12 s that do not pay for going there and back
    shot = made_shot(costs)
    spending = Spending(0.0, first="first", every_s=Fraction(1, 2))
    units = [i for i in items([shot], spending=spending) if isinstance(i, PlacedUnit)]
    assert len(units) == 1


def test_fewer_layers_and_a_price_of_motion() -> None:
    frames = [frame(i) for i in range(60)]
    (shot,) = record(frames, [float(np.sin(i / 3) * 9) for i in range(60)])
    full = items([shot], Setting(50, 9.0, 4, 0.0))
    cheap = items([shot], Setting(50, 9.0, 4, 4.0))
    assert len(written(cheap)) < len(written(full))
    assert len(written(full, layers=2)) < len(written(full))


def test_large_motion_is_clipped_not_wrapped() -> None:
    (shot,) = record([frame(i) for i in range(30)], [0.0] * 26 + [1000.0] * 4)
    posed = list(posed_groups(read(written(items([shot]))), UNITS))
    assert posed[-1].features[-1, 0] == pytest.approx(85.0)


def test_what_was_kept_gives_the_same_bytes() -> None:
    shots = [by_turns(12, 9, 12, portraits=2), by_turns(5, 6, first_frame=99)]
    keeping, ladder = coder(keep=True), [Setting(50, 0.01, 4, 0.0), Setting(40, 9.0, 3, 2.0)]
    for setting in (*ladder, *ladder):
        keeping.restart()
        kept = [item for shot in shots for item in keeping.items(shot, setting)]
        assert written(kept) == written(items(shots, setting))
        assert keeping.portraits == sum(isinstance(item, PlacedUnit) for item in kept)
