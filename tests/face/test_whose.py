"""A face that is covered for a while beside others: hold, then the face of the old place, size and likeness."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.pipeline import DrawnFaces, draw
from vqcodec.face.crop import face_box
from vqcodec.face.shots import face_frames
from vqcodec.face.track import FaceTracker
from vqcodec.face.whose import FORGET_S, HOME_S, STRANGER_S
from vqcodec.types import VideoFrame

Spot = tuple[float, float, float]
OURS: Spot = (150.0, 200.0, 160.0)
PAINTING: Spot = (400.0, 200.0, 110.0)
ELSEWHERE: Spot = (400.0, 350.0, 150.0)


def follow(
    tracker: FaceTracker, spots: list[Spot], begin: float, seconds: float, striped: bool = False
) -> list[Spot | None]:
    """Where the tracked face is in frames that show faces at `spots`."""
    places: list[Spot | None] = []
    for i in range(round(seconds * 25)):
        rgb = draw(512, 512, spots)
        if striped:
            rgb[:, ::2, 1] //= 4
            rgb[rgb[:, :, 2] > 170, 0] = np.arange((rgb[:, :, 2] > 170).sum()) // 200 % 200
        face = tracker.observe(rgb, Fraction(begin).limit_denominator(25) + Fraction(i, 25))
        box = None if face is None else face_box(face.points)
        places.append(next((s for s in spots if box is not None and abs(box[0] - s[0]) < 5), None))
    return places


@pytest.mark.parametrize("seconds", [0.4, 1.2, 3.0])
def test_a_covered_face_is_waited_for(seconds: float) -> None:
    tracker = FaceTracker(DrawnFaces())
    assert set(follow(tracker, [OURS, PAINTING], 0, 1)) == {OURS}
    assert set(follow(tracker, [PAINTING], 1, seconds)) == {None}
    moved: Spot = (170.0, 190.0, 150.0)
    assert set(follow(tracker, [moved, PAINTING], 1 + seconds, 1)) == {moved}


def test_one_that_comes_in_alike_is_ours_after_a_while() -> None:
    tracker = FaceTracker(DrawnFaces())
    follow(tracker, [OURS], 0, 1)
    places = follow(tracker, [ELSEWHERE], 1, 2)
    held = places.index(ELSEWHERE)
    assert abs(Fraction(held, 25) - FORGET_S) <= Fraction(2, 25)
    assert set(places[held:]) == {ELSEWHERE}


def test_a_stranger_waits_and_gives_way() -> None:
    tracker = FaceTracker(DrawnFaces())
    follow(tracker, [OURS], 0, 1)
    places = follow(tracker, [ELSEWHERE], 1, 5, striped=True)
    held = places.index(ELSEWHERE)
    assert abs(Fraction(held, 25) - STRANGER_S) <= Fraction(2, 25)
    assert set(follow(tracker, [OURS, ELSEWHERE], 6, 1)) == {OURS}


def test_a_stranger_that_stays_is_ours_in_the_end() -> None:
    tracker = FaceTracker(DrawnFaces())
    follow(tracker, [OURS], 0, 1)
    follow(tracker, [ELSEWHERE], 1, float(STRANGER_S + HOME_S) + 1, striped=True)
    assert set(follow(tracker, [OURS, ELSEWHERE], 16, 1)) == {ELSEWHERE}


def scene(faces: list[Spot]) -> NDArray[np.uint8]:
    return draw(640, 360, faces)


@pytest.mark.parametrize("beside", [(330.0, 120.0, 50.0), (560.0, 200.0, 110.0)], ids=["in", "out"])
def test_the_shot_goes_on_while_the_face_is_covered(beside: Spot) -> None:
    """Neither a face in the square nor one outside it begins another shot."""
    both = [(180.0, 180.0, 120.0), beside]
    pictures = [scene(both)] * 30 + [scene(both[1:])] * 45 + [scene(both)] * 20
    frames = [VideoFrame(rgb, Fraction(i, 25)) for i, rgb in enumerate(pictures)]
    out = list(face_frames(frames, DrawnFaces()))
    assert {f.shot for f in out} == {0}
    assert [f.index for f in out if f.face is None] == list(range(30, 75))
