"""`encode --live`: portraits and groups from what has been seen so far, and no later than promised."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.pipeline import (
    CENTRED,
    DrawnFaces,
    FakeSpace,
    draw,
    swaying,
    turned,
)
from tests.support.recorded import (
    LIGHTER,
    SQUARE,
    UNITS,
    featured,
    frame,
    read,
    textured,
    written,
)
from vqcodec.encoding.coding import PlacedUnit
from vqcodec.encoding.features import LIVE_BATCH_FRAMES, motion_features
from vqcodec.encoding.live import Item, LiveRecorder, delay_s
from vqcodec.encoding.live_shot import GROUP_S
from vqcodec.encoding.settings import Setting
from vqcodec.face.shots import FaceFrame, face_frames
from vqcodec.format import MAX_PORTRAITS, MAX_SHOT_S
from vqcodec.geometry.layout import MOTION_2
from vqcodec.media.still.portrait_coder import PortraitCoder
from vqcodec.stream.walk import posed_groups
from vqcodec.types import MotionGroup, PortraitUnit, VideoFrame

SHUT = CENTRED.copy()
SHUT[[159, 145, 160, 144, 158, 153, 386, 374, 385, 380, 387, 373], 1] = 0.45


def recorder(
    *,
    price: float = 0.05,
    time_base_s: Fraction = Fraction(1, 25),
    most: int = MAX_PORTRAITS,
    every_s: Fraction | None = None,
    units: Any = UNITS,
) -> LiveRecorder:
    return LiveRecorder(
        units,
        MOTION_2,
        time_base_s,
        Setting(50, price, 4, 0.0),
        most,
        every_s,
        lambda crf: PortraitCoder(crf, preset=12),
    )


def live(
    frames: Sequence[FaceFrame], values: Sequence[float] | None = None, **more: Any
) -> list[Item]:
    made = recorder(**more)
    found = [item for each in featured(frames, values) for item in made.push(*each)]
    return found + made.flush()


def units_of(items: Sequence[Item]) -> list[PortraitUnit]:
    return [item.unit for item in items if isinstance(item, PlacedUnit)]


def groups_of(items: Sequence[Item]) -> list[MotionGroup]:
    return [item for item in items if isinstance(item, MotionGroup)]


def sparse(count: int, seen: range, hz: int = 2) -> list[FaceFrame]:
    return [frame(i, seen=i in seen, time_s=Fraction(i, hz)) for i in range(count)]


def lit(count: int = 100, at: int = 40) -> list[FaceFrame]:
    """The light is switched on."""
    return [frame(i, square=SQUARE if i < at else LIGHTER) for i in range(count)]


# --- groups ---


def test_groups_are_short_and_hold_every_frame() -> None:
    values = [0.5 * (i % 60) - 7 for i in range(90)]
    found = live([frame(i) for i in range(90)], values)
    groups = groups_of(found)
    assert [len(group.ticks) for group in groups] == [10] * 9
    posed = list(posed_groups(read(written(found)), UNITS))
    assert np.concatenate([group.features[:, 0] for group in posed]).tolist() == values


def test_what_has_come_out_does_not_depend_on_what_comes() -> None:
    frames, others = lit(), lit(at=70)
    values = [float(i % 9) for i in range(100)]
    one, two = recorder(), recorder()
    for n, (a, b) in enumerate(
        zip(featured(frames, values), featured(others, values), strict=True)
    ):
        if n >= 40:
            break
        first, second = one.push(*a), two.push(*b)
        assert [type(item) for item in first] == [type(item) for item in second]
        for x, y in zip(groups_of(first), groups_of(second), strict=True):
            assert x.runs == y.runs and np.array_equal(x.indices, y.indices)
        assert [u.unit for u in units_of(first)] == [u.unit for u in units_of(second)]
    cut = live(frames[:40], values[:40])
    whole = live(frames, values)
    assert written(cut)[:-200] == written(whole)[: len(written(cut)) - 200]


@pytest.mark.parametrize("rate_hz", [10, 25, 50])
def test_frames_are_out_when_it_was_promised(rate_hz: int) -> None:
    space, times = FakeSpace(), [Fraction(n, rate_hz) for n in range(4 * rate_hz)]
    now_s = Fraction(0)

    def camera() -> Iterator[VideoFrame]:
        nonlocal now_s
        pictures = [f.rgb for f in swaying(2 * rate_hz, fps=rate_hz)]
        pictures += [draw(96, 96, [(30, 40, 40)], background=200) for _ in range(2 * rate_hz)]
        for rgb, time_s in zip(pictures, times, strict=True):
            now_s = time_s
            yield VideoFrame(rgb, time_s)

    made = recorder(time_base_s=Fraction(1, rate_hz), units=space.units)
    faces = face_frames(camera(), DrawnFaces())
    late: list[Fraction] = []
    for item in motion_features(faces, space, LIVE_BATCH_FRAMES):
        assert isinstance(item, tuple)
        for group in groups_of(made.push(*item)):
            late += [now_s - times[group.first_frame + n] for n in range(len(group.ticks))]
    assert len(late) > 3 * rate_hz and max(late) <= delay_s(Fraction(rate_hz)) < 3
    assert late[rate_hz] < 1  # a second is for the beginning of a shot only


# --- portraits ---


def test_one_is_enough_where_nothing_changes() -> None:
    found = live([frame(i) for i in range(150)])
    assert len(units_of(found)) == 1 and all(group.runs == () for group in groups_of(found))


def test_another_comes_once_it_has_paid() -> None:
    cheap, dear = (units_of(live(lit(), price=price)) for price in (0.03, 0.2))
    assert len(cheap) == len(dear) == 2
    assert cheap[1].first_frame + 9 >= 40 and cheap[1].first_frame < dear[1].first_frame
    assert len(units_of(live(lit(), price=9.0))) == 1
    assert len(units_of(live(lit(), price=0.03, most=1))) == 1


def test_shut_eyes_wait() -> None:
    frames = [
        frame(i, square=SQUARE if i < 40 else LIGHTER, points=SHUT if 40 <= i < 80 else CENTRED)
        for i in range(100)
    ]
    assert units_of(live(frames, price=0.02))[1].first_frame >= 70


def test_a_blur_is_waited_for() -> None:
    lit_up = np.clip(textured() + np.array([90, 90, 0]), 0, 255).astype(np.uint8)
    lit_soft = cv2.GaussianBlur(lit_up, (0, 0), 4.0)

    def made(blurred: range) -> PortraitUnit:
        frames = [
            frame(i, square=textured() if i < 40 else lit_soft if i in blurred else lit_up)
            for i in range(100)
        ]
        return units_of(live(frames, price=0.03))[1]

    assert made(range(0)).first_frame < 60 <= made(range(40, 65)).first_frame
    assert made(range(40, 100)).first_frame < 90  # a camera that stays so is followed


def test_an_old_one_serves_again() -> None:
    frames = [frame(i, points=CENTRED if i // 50 % 2 == 0 else turned(0.9)) for i in range(200)]
    found = live(frames, price=0.05)
    assert len(units_of(found)) == 2
    shown = [s.nearer for g in posed_groups(read(written(found)), UNITS) for s in g.shown]
    numbers = [portrait.number for portrait in shown]  # type: ignore[union-attr]
    assert set(numbers[75:100]) == {1} and set(numbers[110:150]) == {0}
    assert set(numbers[160:]) == {1}


def test_portraits_by_the_clock() -> None:
    found = units_of(live([frame(i) for i in range(100)], every_s=Fraction(1), price=9.0))
    assert [unit.number for unit in found] == [0, 1, 2, 3]
    assert [unit.first_frame // 10 * 10 for unit in found] == [0, 20, 50, 70]
    assert len(units_of(live([frame(i) for i in range(100)], every_s=Fraction(1), most=2))) == 2


# --- shots ---


def test_cuts() -> None:
    frames = [frame(i, shot=int(i >= 33), seen=i not in range(30, 36)) for i in range(60)]
    found = live(frames, [float(i) for i in range(60)])
    begun = units_of(found)
    assert [(u.shot, u.first_frame, u.continues) for u in begun] == [(0, 0, False), (1, 36, False)]
    assert [group.shot for group in groups_of(found)] == [0] * 4 + [1] * 3
    written(found)


def test_a_minute() -> None:
    found = live(sparse(400, range(400)), time_base_s=Fraction(1, 2))
    assert [(u.shot, u.continues) for u in units_of(found)] == [
        (0, False),
        (1, True),
        (2, True),
        (3, True),
    ]
    written(found, time_base_s=Fraction(1, 2))


def test_nobody_for_long() -> None:
    found = live(sparse(600, range(20)), time_base_s=Fraction(1, 2))
    begun = units_of(found)
    assert len(begun) == 5 and all(u.continues for u in begun[1:])
    assert all((u.features == begun[0].features).all() for u in begun)
    written(found, time_base_s=Fraction(1, 2))


def test_nobody_at_first() -> None:
    made = recorder(time_base_s=Fraction(1, 2))
    frames = sparse(500, range(450, 500))
    early = [made.push(item, None) for item in frames[:450]]
    assert not any(early) and made.low_confidence_frames == 450 and not made.faces_seen
    found = [item for each in featured(frames[450:]) for item in made.push(*each)] + made.flush()
    assert sum(len(group.ticks) for group in groups_of(found)) == 500
    assert [u.continues for u in units_of(found)] == [False] + [True] * 4
    written(found, time_base_s=Fraction(1, 2))
    nobody = recorder()
    assert not any(nobody.push(item, None) for item in frames[:100]) and nobody.flush() == []


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_times_cuts_and_gaps(data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 40))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    ticks = np.cumsum(rng.choice([1, 40, 900, 30_000, 70_000], count, p=[0.3, 0.3, 0.2, 0.1, 0.1]))
    cuts, seen = np.cumsum(rng.random(count) < 0.1), rng.random(count) < 0.4
    frames = [
        frame(i, shot=int(cuts[i]), seen=bool(seen[i]), time_s=Fraction(int(ticks[i]), 1000))
        for i in range(count)
    ]
    found = live(frames, [float(i) for i in range(count)], time_base_s=Fraction(1, 1000))
    if not seen.any():
        assert found == []
        return
    groups = groups_of(found)
    assert np.concatenate([group.ticks for group in groups]).tolist() == ticks.tolist()
    assert np.concatenate([g.low_confidence for g in groups]).tolist() == (~seen).tolist()
    assert all((g.ticks[-1] - g.ticks[0]) < 1000 * GROUP_S for g in groups)
    for shot in {group.shot for group in groups}:
        times = [t for g in groups if g.shot == shot for t in g.ticks]
        assert times[-1] - times[0] <= 1000 * MAX_SHOT_S
    written(found, time_base_s=Fraction(1, 1000))


@pytest.mark.parametrize("places", [range(0, 20), range(30, 50)])
def test_a_damaged_frame_is_no_portrait(places: range) -> None:
    """Those at the beginning and at a cut wait for a whole one; the others only don't become one."""
    frames = [frame(i, shot=int(i >= 30), square=SQUARE if i % 9 else LIGHTER) for i in range(75)]
    frames = [dataclasses.replace(f, is_damaged=f.index in places) for f in frames]
    squares = [f.face.square for f in frames if f.face is not None]
    coded: list[int] = []

    class Noted(PortraitCoder):
        def add(self, picture: Any) -> Any:
            coded.append(next(n for n, square in enumerate(squares) if square is picture))
            return super().add(picture)

    squares = [square.copy() for square in squares]
    frames = [
        dataclasses.replace(f, face=dataclasses.replace(f.face, square=square))  # type: ignore[type-var]
        for f, square in zip(frames, squares, strict=True)
    ]
    live = LiveRecorder(
        UNITS, MOTION_2, Fraction(1, 25), Setting(50, 0.05, 4, 0.0), 9, None, lambda crf: Noted(crf)
    )
    groups = [i for item in featured(frames) for i in live.push(*item)] + live.flush()
    assert coded and not set(coded) & set(places)
    assert sum(len(g.ticks) for g in groups if isinstance(g, MotionGroup)) == 75
