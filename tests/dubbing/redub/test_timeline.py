"""Which frames of a recording are shown when: cut, back and forth, stretched, within what a shot may last."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tests.support.container import make_head
from tests.support.shots import group, unit
from vqcodec.dubbing.redub.recording import RecordedShot, Recording
from vqcodec.dubbing.redub.timeline import Played, calm_stretch, played, turning_places
from vqcodec.format import DIMS
from vqcodec.stream.portraits import StreamPortrait
from vqcodec.types import ScenePicture


def shot(
    frames: int,
    first: int = 0,
    *,
    held: range = range(0),
    calm: tuple[int, ...] = (),
    scenes: tuple[int, ...] = (),
) -> RecordedShot:
    """A head that moves at an even speed, but for some calm frames."""
    steps = np.ones(frames, np.float32)
    for place in calm:
        steps[max(place - 6, 0) : place + 7] = 0.5
        steps[place - 1 : place + 2] = 0
    features = np.repeat(np.cumsum(steps)[:, None], DIMS, 1).astype(np.float32)
    unseen = np.zeros(frames, bool)
    unseen[list(held)] = True
    around = tuple(ScenePicture(first + at, 0, n, None, None, b"") for n, at in enumerate(scenes))
    portrait = StreamPortrait((unit(0, 0),))
    ticks = np.arange(first, first + frames)
    shown = np.zeros(frames, np.int64)
    return RecordedShot(
        first, (portrait,), ticks, features, unseen, shown, (group(first, 1),), around
    )


def recording(*shots: RecordedShot) -> Recording:
    head = make_head(time_base_s=Fraction(1, 25), frame_rate_hz=Fraction(25))
    end = int(shots[-1].ticks[-1]) + 1
    return Recording("talk.vqt", head, np.ones(DIMS, np.float32), shots, end, ())


def ticks_of(pieces: list[Played]) -> list[int]:
    return np.concatenate([piece.ticks for piece in pieces]).tolist()


def test_a_shorter_sound_cuts() -> None:
    pieces = played(recording(shot(30), shot(20, 30)), Fraction(35, 25))
    assert [len(piece) for piece in pieces] == [30, 5] and ticks_of(pieces) == list(range(35))
    assert all(piece.plain == len(piece) for piece in pieces)
    assert [len(piece) for piece in played(recording(shot(30)), Fraction(1, 1000))] == [1]


def test_a_sound_a_little_longer_holds_the_last_frame() -> None:
    [piece] = played(recording(shot(30)), Fraction(37, 25))
    assert piece.places.tolist() == [*range(30), *[29] * 7] and piece.plain == 30


def test_a_longer_sound_turns_where_the_head_is_calm() -> None:
    talk = recording(shot(100, calm=(20, 90)))
    [piece] = played(talk, Fraction(400, 25))
    assert ticks_of([piece]) == list(range(400))
    turns = np.flatnonzero(np.diff(np.sign(np.diff(piece.places)))) + 1
    assert {int(piece.places[t]) for t in turns} <= {*range(18, 22), *range(88, 92)} and len(
        turns
    ) >= 3
    assert np.abs(np.diff(piece.places)).max() == 1  # never a jump
    assert piece.plain == turns[0] + 1


def test_the_scene_does_not_change_while_it_goes_back() -> None:
    talk = recording(shot(100, calm=(20, 90), scenes=(0, 50)))
    assert calm_stretch(talk.shots[0]) == range(50, 100)
    [piece] = played(talk, Fraction(300, 25))
    assert piece.places[110:].min() >= 50


def test_a_shot_without_a_face_at_the_end_is_not_played_back() -> None:
    talk = recording(shot(100, calm=(20, 90)), shot(40, 100, held=range(40)))
    first, slide, back = played(talk, Fraction(200, 25))
    assert (len(first), len(slide), len(back)) == (100, 40, 60)
    assert back.shot is first.shot and not back.continues and not back.plain


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_a_recording_of_a_few_frames(frames: int) -> None:
    pieces = played(recording(shot(frames)), Fraction(4))
    assert ticks_of(pieces) == list(range(100))
    places = np.concatenate([piece.places for piece in pieces])
    assert places.min() >= 0 and places.max() < frames


def test_shots_last_a_minute_at_most() -> None:
    pieces = played(recording(shot(100, calm=(20, 90))), Fraction(150))
    assert ticks_of(pieces) == list(range(3750))
    assert all(piece.ticks[-1] - piece.ticks[0] <= 1500 for piece in pieces)
    assert [piece.continues for piece in pieces] == [False, True, True]


def test_silences_are_stretched_and_no_others() -> None:
    silent = np.zeros(100, bool)
    silent[40:60] = True
    [piece] = played(recording(shot(100)), Fraction(140, 25), silent)
    assert ticks_of([piece]) == list(range(140))
    assert np.allclose(piece.places[:40], np.arange(40))
    assert np.allclose(np.diff(piece.places[41:99]), 1 / 3)
    assert np.allclose(np.diff(piece.places[101:139]), 1)
    rows = piece.of(np.arange(100, dtype=np.float32)[:, None])
    assert np.allclose(rows[:, 0], piece.places, atol=1e-4)


def test_silences_get_shorter_for_a_shorter_sound() -> None:
    silent = np.zeros(100, bool)
    silent[40:60] = True
    [piece] = played(recording(shot(100)), Fraction(90, 25), silent)
    assert len(piece) == 90 and piece.places[-1] > 98 and np.allclose(piece.places[:40], range(40))


def test_a_recording_without_sound_is_all_silence() -> None:
    [piece] = played(recording(shot(100)), Fraction(200, 25), np.zeros(0, bool))
    assert len(piece) == 200 and np.allclose(np.diff(piece.places[:190]), 0.5)


def test_what_silences_do_not_give_is_played_back_and_forth() -> None:
    silent = np.zeros(100, bool)
    silent[50:55] = True
    [piece] = played(recording(shot(100)), Fraction(200, 25), silent)
    assert len(piece) == 200 and (np.diff(piece.places) < 0).any()


def test_turning_places_of_a_still_head() -> None:
    low, high = turning_places(shot(50, calm=tuple(range(1, 49))), 12, Fraction(25))
    assert low >= 0 and low + 12 <= high < 50
