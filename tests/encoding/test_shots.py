"""Frames become shots of a minute at most, with candidates for portraits."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.pipeline import CENTRED, turned
from tests.support.recorded import LIGHTER, SQUARE, UNITS, featured, frame, record, textured
from vqcodec.encoding.choice import Spending, choose_portraits
from vqcodec.encoding.shots import CANDIDATE_STEP_S, ROW_STEP_S, ShotRecorder, candidate_score
from vqcodec.face.shots import Face, FaceFrame
from vqcodec.format import MAX_SHOT_S
from vqcodec.types import Crop

SHUT = CENTRED.copy()
SHUT[[159, 145, 160, 144, 158, 153, 386, 374, 385, 380, 387, 373], 1] = 0.45


def sparse(count: int, *, hz: int = 2, seen: range | None = None, shot: int = 0) -> list[FaceFrame]:
    """Frames of a long recording, `hz` a second; only those of `seen` show a face."""
    seen = range(count) if seen is None else seen
    return [frame(i, seen=i in seen, time_s=Fraction(i, hz), shot=shot) for i in range(count)]


def test_a_shot() -> None:
    (shot,) = record([frame(i) for i in range(50)], [float(i) for i in range(50)])
    assert [f.index for f in shot.frames] == [f.tick for f in shot.frames] == list(range(50))
    assert not shot.continues and shot.features()[:, 0].tolist() == list(range(50))
    assert shot.rows.tolist() == list(range(0, 50, round(ROW_STEP_S * 25)))
    assert len(shot.candidates) == 2 / CANDIDATE_STEP_S
    assert shot.costs.shape == (len(shot.rows), len(shot.candidates))
    assert shot.candidates[0].time_s == 0 and shot.candidates[0].look is None
    assert all(c.features[0] == c.time_s * 25 for c in shot.candidates)


def test_a_candidate_is_the_best_of_its_fifth_of_a_second() -> None:
    frames = [frame(i, points=CENTRED if i in (0, 7, 14) else SHUT) for i in range(15)]
    (shot,) = record(frames)
    assert [c.time_s * 25 for c in shot.candidates] == [0, 7, 14]
    crop = Crop(512, 512, 0, 0, 512)
    rng = np.random.default_rng(0)
    sharp = np.clip(SQUARE + rng.integers(-40, 40, SQUARE.shape), 0, 255).astype(np.uint8)
    blurred = np.asarray((sharp + np.roll(sharp, 1, 0).astype(int)) // 2, np.uint8)
    scores = [
        candidate_score(Face(crop, square, points))
        for square, points in ((sharp, CENTRED), (blurred, CENTRED), (sharp, SHUT))
    ]
    assert scores[0] > scores[1] and scores[0] > scores[2] + 1
    gaping = CENTRED.copy()
    gaping[14, 1] += 0.06  # shows teeth: no fault of a portrait
    assert candidate_score(Face(crop, sharp, gaping)) > scores[0] - 0.2


def test_costs_say_which_candidate_serves() -> None:
    frames = [frame(i, square=SQUARE if i < 25 else LIGHTER) for i in range(50)]
    (shot,) = record(frames)
    early = [c.time_s < 1 for c in shot.candidates]
    for place, costs in zip(shot.rows, shot.costs, strict=True):
        assert (costs[np.array(early) == (place < 25)] < 0.05).all()
        assert (costs[np.array(early) != (place < 25)] > 0.15).all()


def test_no_portrait_from_frames_out_of_focus_while_others_are_in_it() -> None:
    def blurred(seconds: range) -> list[FaceFrame]:
        squares = [textured(4.0 if i // 25 in seconds else 0.0) for i in (0, 25, 50)]
        return [frame(i, square=squares[i // 25]) for i in range(75)]

    for seconds in (range(1), range(1, 2)):
        (shot,) = record(blurred(seconds))
        chosen = choose_portraits(shot, Spending(0.05), UNITS, 3.0)
        assert chosen and all(shot.candidates[c].time_s // 1 not in seconds for c in chosen)
    (shot,) = record(blurred(range(3)))
    assert len(choose_portraits(shot, Spending(0.05), UNITS, 3.0)) == 1  # nothing else is there


def test_cuts() -> None:
    frames = [frame(i, shot=int(i >= 30)) for i in range(70)]
    shots = record(frames, [float(i >= 30) for i in range(70)])
    assert [len(shot.frames) for shot in shots] == [30, 40]
    assert [shot.continues for shot in shots] == [False, False]
    assert [shot.candidates[0].crop.x_px for shot in shots] == [0, 1]
    assert [shot.features()[0, 0] for shot in shots] == [0, 1]


def test_a_shot_is_passed_on_when_the_next_begins() -> None:
    recorder, given_at = ShotRecorder(Fraction(1, 25)), []
    for number, item in enumerate(featured([frame(i, shot=i // 20) for i in range(50)])):
        given_at += [number] * len(recorder.push(*item))
    assert given_at == [20, 40] and len(recorder.flush()) == 1


def test_frames_that_show_nobody_stay_with_the_shot_before() -> None:
    frames = [frame(i, shot=int(i >= 30), seen=i not in range(25, 36)) for i in range(60)]
    shots = record(frames, [float(i) for i in range(60)])
    assert [len(shot.frames) for shot in shots] == [36, 24]
    assert shots[0].features()[24:, 0].tolist() == [24.0] * 12
    assert [f.features is None for f in shots[0].frames[23:28]] == [False] * 2 + [True] * 3


def test_a_shot_of_nobody_at_all_is_none_of_its_own() -> None:
    frames = [frame(i, shot=i // 20, seen=i // 20 != 1) for i in range(60)]
    assert [len(shot.frames) for shot in record(frames)] == [40, 20]


def test_a_beginning_without_a_face_shows_the_first_one() -> None:
    (shot,) = record([frame(i, seen=i > 9) for i in range(40)], [float(i) for i in range(40)])
    assert shot.features()[:11, 0].tolist() == [10.0] * 11
    assert shot.candidates[0].time_s == Fraction(10, 25) and shot.rows[0] == 10


def test_a_long_shot_goes_on_in_another() -> None:
    frames = sparse(300)  # 150 s
    shots = record(frames, [float(i) for i in range(300)], time_base_s=Fraction(1, 2))
    assert [shot.continues for shot in shots] == [False, True, True]
    for shot in shots:
        assert shot.frames[-1].tick - shot.frames[0].tick <= 2 * MAX_SHOT_S
        assert shot.candidates[0].time_s == Fraction(shot.frames[0].tick, 2)
    assert sum(len(shot.frames) for shot in shots) == 300
    assert len(shots[0].frames) == 2 * MAX_SHOT_S + 1  # a minute to the tick


def test_when_the_face_has_gone_its_portrait_serves_on() -> None:
    shots = record(
        sparse(500, seen=range(20)), [float(i) for i in range(500)], time_base_s=Fraction(1, 2)
    )
    assert len(shots) == 5 and [s.continues for s in shots] == [False, True, True, True, True]
    last = shots[0].candidates[-1]
    for shot in shots[1:]:
        assert shot.candidates[0].picture is last.picture and len(shot.rows) == 0
        assert (shot.features() == last.features).all()
        assert (shot.frames[-1].tick - shot.frames[0].tick) / 2 <= MAX_SHOT_S


def test_long_before_the_first_face_its_portrait_serves_already() -> None:
    shots = record(
        sparse(500, seen=range(400, 500)),
        [float(i) for i in range(500)],
        time_base_s=Fraction(1, 2),
    )
    assert sum(len(shot.frames) for shot in shots) == 500
    assert [shot.continues for shot in shots] == [False] + [True] * (len(shots) - 1)
    for shot in shots:
        assert (shot.frames[-1].tick - shot.frames[0].tick) / 2 <= MAX_SHOT_S
        assert (shot.rows >= 0).all() and (shot.rows < len(shot.frames)).all()
    assert (shots[0].features() == 400).all()
    assert np.concatenate([s.features()[:, 0] for s in shots])[400:].tolist() == [
        float(i) for i in range(400, 500)
    ]


def test_no_face_gives_nothing() -> None:
    recorder = ShotRecorder(Fraction(1, 2))
    assert not any(recorder.push(item, None) for item in sparse(300, seen=range(0)))
    assert recorder.flush() == [] and not recorder.faces_seen
    assert recorder.low_confidence_frames == 300


@pytest.mark.parametrize(
    ("wanted_s", "place"), [(Fraction(0), 0), (Fraction(1, 2), 13), (Fraction(7, 10), 22)]
)
def test_the_frame_that_was_asked_for_is_a_candidate(wanted_s: Fraction, place: int) -> None:
    frames = [
        frame(i, points=SHUT if i == place else turned(0.1), seen=i not in range(17, 22))
        for i in range(40)
    ]
    (shot,) = record(frames, wanted_s=wanted_s)
    assert [c.time_s for c in shot.candidates if c.wanted] == [Fraction(place, 25)]
    times = [c.time_s for c in shot.candidates]
    assert times == sorted(times) and len(set(times)) == len(times)


def test_pictures_are_kept_where_motion_is_to_be_refined() -> None:
    frames = [frame(i, seen=i != 3) for i in range(6)]
    (plain,), (kept,) = record(frames), record(frames, keep_every=1)
    assert all(f.picture is None for f in plain.frames)
    assert [f.picture is None for f in kept.frames] == [False] * 3 + [True] + [False] * 2
    assert kept.frames[0].picture is not None
    assert kept.frames[0].picture.rgb().shape == (256, 256, 3)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_times_cuts_and_gaps(data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 40))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    ticks = np.cumsum(rng.choice([1, 40, 900, 30_000, 70_000], count, p=[0.3, 0.3, 0.2, 0.1, 0.1]))
    cuts, seen = np.cumsum(rng.random(count) < 0.1), rng.random(count) < 0.3
    frames = [
        frame(i, shot=int(cuts[i]), seen=bool(seen[i]), time_s=Fraction(int(ticks[i]), 1000))
        for i in range(count)
    ]
    shots = record(frames, [float(i) for i in range(count)], time_base_s=Fraction(1, 1000))
    if not seen.any():
        assert shots == []
        return
    assert [f.index for shot in shots for f in shot.frames] == list(range(count))
    assert [f.tick for shot in shots for f in shot.frames] == ticks.tolist()
    held, first = None, float(np.flatnonzero(seen)[0])
    for n, value in enumerate(np.concatenate([shot.features()[:, 0] for shot in shots]).tolist()):
        held = float(n) if seen[n] else held
        assert value == (first if held is None else held) or not seen[n]
    for shot in shots:
        assert shot.frames[-1].tick - shot.frames[0].tick <= 1000 * MAX_SHOT_S
        assert len(shot.candidates) >= 1 and shot.costs.shape[0] == len(shot.rows)
    assert not shots[0].continues


def damaged(frames: list[FaceFrame], places: range) -> list[FaceFrame]:
    return [replace(f, is_damaged=f.index in places) for f in frames]


@pytest.mark.parametrize("places", [range(0, 30), range(10, 40), range(20, 50)])
def test_damaged_frames_are_no_candidates(places: range) -> None:
    (shot,) = record(damaged([frame(i) for i in range(50)], places), wanted_s=Fraction(1, 2))
    assert len(shot.frames) == 50 and shot.candidates
    assert not {int(c.time_s * 25) for c in shot.candidates} & set(places)
    assert not set(shot.rows.tolist()) & set(places)


def test_a_damaged_minute_is_shown_from_what_came_before() -> None:
    frames = sparse(250)
    shots = record(damaged(frames, range(100, 250)), time_base_s=Fraction(1, 2))
    assert len(shots) > 1 and all(shot.candidates for shot in shots)
    assert max(c.time_s for shot in shots for c in shot.candidates) < 50


def test_a_shot_that_is_damaged_throughout_still_has_a_portrait() -> None:
    (shot,) = record(damaged([frame(i) for i in range(20)], range(20)))
    assert len(shot.candidates) == 1


def test_portraits_come_from_the_largest_pictures() -> None:
    small, large = Crop(320, 180, 90, 30, 135), Crop(1280, 720, 360, 120, 540)
    frames = [frame(i) for i in range(50)]
    frames = [
        replace(f, face=replace(f.face, crop=small if f.index < 40 else large))  # type: ignore[type-var]
        for f in frames
    ]
    (shot,) = record(frames)
    assert {c.crop for c in shot.candidates} == {large}
    late = [n for n, c in enumerate(shot.candidates) if c.time_s >= Fraction(8, 5)]
    assert set(shot.costs.sum(0).argsort()[: len(late)].tolist()) == set(late)
