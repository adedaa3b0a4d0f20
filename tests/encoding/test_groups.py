"""Portraits, groups and held tokens from frames and features."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.groups import SQUARE, assemble, check, decoded, frame
from tests.support.pipeline import CENTRED as POINTS
from tests.support.pipeline import turned
from vqcodec.encoding.groups import LATER_CANDIDATES_S, Portrait
from vqcodec.face.shots import FaceFrame
from vqcodec.types import MotionGroup

SHUT = POINTS.copy()
SHUT[[159, 145, 160, 144, 158, 153, 386, 374, 385, 380, 387, 373], 1] = 0.45


def test_groups_of_two_seconds() -> None:
    items, assembler = assemble([frame(i) for i in range(130)])
    check(items, 130)
    assert [len(g.ticks) for g in items if isinstance(g, MotionGroup)] == [50, 50, 30]
    assert (assembler.key_frames, assembler.low_confidence_frames) == (1, 0)


def test_values_survive() -> None:
    values = [0.5 * (i % 60) - 7 for i in range(90)]
    items, _ = assemble([frame(i) for i in range(90)], values)
    assert decoded(items) == values


def test_portrait_is_the_best_of_the_first_second() -> None:
    frames = [frame(i, points=SHUT if i != 9 else POINTS) for i in range(60)]
    items, _ = assemble(frames, [float(i) for i in range(60)])
    portrait = items[0]
    assert isinstance(portrait, Portrait) and portrait.first_frame == 0
    assert (portrait.features == 18).all()  # 9 / 0.5
    late = [frame(i, points=SHUT if i != 30 else POINTS) for i in range(60)]
    items, _ = assemble(late, [float(i) for i in range(60)])
    assert isinstance(items[0], Portrait) and items[0].features[0] < 50


def test_portrait_first() -> None:
    frames = [frame(i, points=SHUT if i < 9 else POINTS, seen=i > 1) for i in range(60)]
    items, _ = assemble(frames, [float(i) for i in range(60)], first=True)
    assert isinstance(items[0], Portrait) and (items[0].features == 4).all()


def test_frames_without_a_face_hold_the_last_tokens() -> None:
    frames = [frame(i, seen=i not in (0, 1, 10, 11, 39)) for i in range(40)]
    items, assembler = assemble(frames, [float(i) for i in range(40)])
    check(items, 40)
    values = decoded(items)
    assert values[:3] == [2.0] * 3 and values[9:12] == [9.0] * 3 and values[38:] == [38.0] * 2
    flags = np.concatenate([g.low_confidence for g in items if isinstance(g, MotionGroup)])
    assert np.flatnonzero(flags).tolist() == [0, 1, 10, 11, 39]
    assert assembler.low_confidence_frames == 5


def test_no_face_gives_nothing() -> None:
    items, assembler = assemble([frame(i, seen=False) for i in range(100)])
    assert items == [] and assembler.key_frames == 0


def test_a_shot_has_its_own_portrait() -> None:
    frames = [frame(i, shot=int(i >= 30), seen=i not in (30, 31)) for i in range(90)]
    items, _ = assemble(frames, [100.0 if i >= 30 else 0.0 for i in range(90)])
    check(items, 90)
    portraits = [p for p in items if isinstance(p, Portrait)]
    assert [p.first_frame for p in portraits] == [
        0,
        32,
    ]  # what has no face yet still shows the old one
    assert portraits[1].crop.x_px == 1
    assert decoded(items) == [0.0] * 32 + [100.0] * 58


def test_cut_within_the_first_second() -> None:
    items, _ = assemble([frame(i, shot=i // 5) for i in range(20)])
    check(items, 20)
    assert [p.first_frame for p in items if isinstance(p, Portrait)] == [0, 5, 10, 15]


def test_a_head_turned_for_long_gets_a_new_portrait() -> None:
    frames = [frame(i, points=POINTS if i < 100 else turned(0.9)) for i in range(400)]
    items, assembler = assemble(frames, [float(i // 100) for i in range(400)])
    check(items, 400)
    assert assembler.key_frames == 2
    assert decoded(items) == [float(i // 100) for i in range(400)]
    assert assemble(frames, first=True)[1].key_frames == 1
    assert assemble(frames, refs=1)[1].key_frames == 1


def looking_around(count: int = 500, front: int = 50) -> list[FaceFrame]:
    """Two seconds to the front, or `front` of the hundred frames, the rest to the side, and so on."""
    return [frame(i, points=POINTS if i % 100 < front else turned(0.9)) for i in range(count)]


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(("refs", "count"), [(1, 1), (3, 3), (5, 5), (16, 10)])
def test_as_many_portraits_as_allowed(refs: int, count: int, first: bool) -> None:
    items, assembler = assemble(
        looking_around(), [float(i // 50 % 2) for i in range(500)], refs=refs, first=first
    )
    check(items, 500)
    assert assembler.key_frames == count
    portraits = [item for item in items if isinstance(item, Portrait)]
    assert [int(p.features[0]) for p in portraits] == [
        2 * (n % 2) for n in range(len(portraits))
    ]  # 1 / 0.5
    for portrait in portraits[1:]:
        assert portrait.first_frame % 50 >= 9  # not before it was needed for a while
    assert decoded(items) == [float(i // 50 % 2) for i in range(500)]


def test_the_only_spare_one_waits_for_a_pose_that_lasts() -> None:
    assert assemble(looking_around(front=70), refs=2)[1].key_frames == 1
    frames = [
        *looking_around(200, front=70),
        *(frame(i, points=turned(0.9)) for i in range(200, 350)),
    ]
    portraits = [item for item in assemble(frames, refs=2)[0] if isinstance(item, Portrait)]
    assert len(portraits) == 2 and portraits[1].first_frame > 220


def test_each_shot_may_spend_its_own() -> None:
    frames = [
        frame(i, shot=i // 200, points=POINTS if i % 200 < 50 else turned(0.9)) for i in range(400)
    ]
    items, _ = assemble(frames, refs=2)
    assert [p.crop.x_px for p in items if isinstance(p, Portrait)] == [0, 0, 1, 1]


def test_a_later_portrait_is_the_best_of_its_first_frames() -> None:
    shut = turned(0.9)
    shut[:, 1] = SHUT[:, 1]
    start = 60  # the head has turned; it is due from frame 70 on, with so many left
    frames = [
        frame(i, points=POINTS if i < start else shut if i in (71, 72, 73) else turned(0.9))
        for i in range(120)
    ]
    sharp = np.array(SQUARE)
    sharp[::2, ::2] //= 2
    face = frames[75].face
    assert face is not None
    frames[75] = replace(frames[75], face=replace(face, square=sharp))
    items, _ = assemble(frames, [float(i) for i in range(120)], refs=16, first=True)
    later = [item for item in items if isinstance(item, Portrait)][1]
    assert later.first_frame == 70 and (later.features == 150).all() and later.rgb is sharp
    assert 70 + LATER_CANDIDATES_S * 25 > 75


def test_a_shot_that_ends_while_candidates_are_looked_at() -> None:
    frames = [frame(i, shot=i // 73, points=POINTS if i < 60 else turned(0.9)) for i in range(120)]
    items, _ = assemble(frames, refs=16)
    check(items, 120)
    assert [p.first_frame for p in items if isinstance(p, Portrait)] == [0, 70, 73]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_times_cuts_and_gaps(data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 60))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    ticks = np.cumsum(rng.choice([1, 7, 40, 900, 3000], count, p=[0.3, 0.3, 0.3, 0.05, 0.05]))
    shots = np.cumsum(rng.random(count) < 0.1)
    seen = rng.random(count) > 0.2
    frames = [
        frame(i, shot=int(shots[i]), seen=bool(seen[i]), time_s=Fraction(int(ticks[i]), 1000))
        for i in range(count)
    ]
    refs = data.draw(st.sampled_from(["auto", 1, 2, 16]))
    items, assembler = assemble(
        frames, time_base_s=Fraction(1, 1000), refs=refs, first=data.draw(st.booleans())
    )
    if not seen.any():
        assert items == []
        return
    check(items, count)
    groups = [g for g in items if isinstance(g, MotionGroup)]
    assert np.concatenate([g.ticks for g in groups]).tolist() == ticks.tolist()
    assert all(g.ticks[-1] - g.ticks[0] < 2000 for g in groups)
    assert assembler.low_confidence_frames == int((~seen).sum())


def test_large_motion_is_clipped_not_wrapped() -> None:
    items, _ = assemble([frame(i) for i in range(30)], [0.0] * 26 + [1000.0] * 4)
    assert decoded(items)[-1] == pytest.approx(85.0)
