"""How badly a portrait serves, and when a shot gets another one."""

from __future__ import annotations

from fractions import Fraction
from typing import TypeAlias

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.pipeline import CENTRED, draw, turned
from vqcodec.config import MAX_REFS, Refs
from vqcodec.face.keyframes import REFRESH_AFTER_S, REFRESH_DISTANCE, REFRESH_GAP_S, pose_distance
from vqcodec.face.mismatch import (
    AFTER_S,
    FAST_AFTER_S,
    FAST_GAP_S,
    FAST_LEVEL,
    GAP_S,
    LEVEL_MIN,
    Look,
    PortraitWatch,
    level_with,
    mismatch,
    past_with,
    picture_difference,
)

SQUARE = draw(512, 512, [(256, 256, 256)])
ELSEWHERE = np.where(
    SQUARE == (200, 150, 250), SQUARE, 255 - SQUARE
)  # the same face, other surroundings
FAR = turned(0.9)
Pixels: TypeAlias = NDArray[np.uint8]
Points: TypeAlias = NDArray[np.float32]


def look(points: Points = CENTRED, square: Pixels = SQUARE) -> Look:
    return Look.at(square, points)


def gaping() -> Points:
    points = CENTRED.copy()
    points[14, 1] += 0.06
    return points


def with_shut_eyes(points: Points = CENTRED) -> Points:
    shut = points.copy()
    for above, below in ((160, 144), (159, 145), (158, 153), (385, 380), (386, 374), (387, 373)):
        shut[above, 1] = shut[below, 1] - 0.002
    return shut


def due_s(
    watch: PortraitWatch,
    points: Points,
    square: Pixels = SQUARE,
    *,
    start_s: Fraction = Fraction(0),
    frames: int = 160,
) -> Fraction | None:
    """Show frames that all look alike; when a portrait is due, if ever."""
    for i in range(frames):
        if watch.is_due(square, points, start_s + Fraction(i, 25)):
            return start_s + Fraction(i, 25)
    return None


def watching(refs: Refs, points: Points = CENTRED) -> PortraitWatch:
    watch = PortraitWatch(refs)
    watch.start(SQUARE, points, Fraction(0), new_shot=True)
    return watch


# --- how badly ---


def test_a_frame_serves_itself() -> None:
    assert mismatch(look(), look()) == pytest.approx(0, abs=1e-6)
    assert look().luma.shape == (64, 64) and look().luma.dtype == np.float32


def test_the_further_turned_the_worse() -> None:
    found = [mismatch(look(), look(turned(angle))) for angle in (0.0, 0.1, 0.2, 0.4, 0.8)]
    assert found == sorted(found) and found[-1] > 0.28 > LEVEL_MIN > found[1]


def test_what_opens_counts_and_what_shuts_does_not() -> None:
    assert mismatch(look(), look(gaping())) > mismatch(look(gaping()), look()) + 0.04
    assert (
        mismatch(look(with_shut_eyes()), look()) > mismatch(look(), look(with_shut_eyes())) + 0.02
    )


def test_surroundings_are_compared_in_place() -> None:
    face, around = picture_difference(look(), look(square=ELSEWHERE))
    assert around > 0.3 and face < 0.1
    assert mismatch(look(), look(square=ELSEWHERE)) > 0.3


def test_faces_are_compared_after_aligning_and_without_brightness() -> None:
    rng = np.random.default_rng(1)
    square: Pixels = np.kron(
        rng.integers(0, 200, (16, 16, 3)), np.ones((32, 32, 1), np.int64)
    ).astype(np.uint8)
    turn = np.array([[0.9, -0.3, 0.12], [0.3, 0.9, -0.08]], np.float32)
    moved = cv2.warpAffine(square, turn * np.array([1, 1, 512], np.float32), (512, 512)).astype(
        np.uint8
    )
    points = (CENTRED @ turn[:, :2].T + turn[:, 2]).astype(np.float32)
    aligned, _ = picture_difference(look(square=square), look(points, moved))
    left, _ = picture_difference(look(square=square), look(square=moved))
    assert aligned < 0.3 * left
    brighter, _ = picture_difference(look(square=square), look(square=square + np.uint8(40)))
    assert brighter < 0.01


def test_points_outside_the_square_are_no_trouble() -> None:
    assert mismatch(look(CENTRED + np.float32(3)), look()) > 1
    assert np.isfinite(mismatch(look(np.zeros_like(CENTRED)), look()))


# --- when ---


@pytest.mark.parametrize("refs", [2, 4, MAX_REFS])
def test_due_after_a_while_and_a_gap(refs: int) -> None:
    watch = watching(refs)
    assert due_s(watch, CENTRED) is None
    assert due_s(watch, FAR, start_s=Fraction(20)) == 20 + AFTER_S
    watch.start(SQUARE, CENTRED, Fraction(30), new_shot=True)
    assert due_s(watch, FAR, start_s=Fraction(30)) == 30 + max(AFTER_S, GAP_S)


def test_a_glance_aside_is_not_enough() -> None:
    watch = watching(4)
    for second in range(2, 20):
        assert due_s(watch, FAR, start_s=Fraction(second), frames=10) is None
        assert due_s(watch, CENTRED, start_s=Fraction(second) + Fraction(1, 2), frames=2) is None


def test_never_more_than_allowed_in_a_shot() -> None:
    watch = watching(3)
    for number in range(2):
        assert due_s(watch, (FAR, CENTRED)[number], start_s=Fraction(10 * number + 5)) is not None
        watch.start(SQUARE, (FAR, CENTRED)[number], Fraction(10 * number + 6), new_shot=False)
    assert due_s(watch, FAR, start_s=Fraction(40)) is None
    watch.start(SQUARE, CENTRED, Fraction(60), new_shot=True)
    assert due_s(watch, FAR, start_s=Fraction(61)) is not None


def test_the_more_may_be_spent_the_sooner() -> None:
    assert [level_with(left) for left in range(1, MAX_REFS)] == sorted(
        (level_with(n) for n in range(1, MAX_REFS)), reverse=True
    )
    assert level_with(MAX_REFS) == LEVEL_MIN < level_with(3) < level_with(1) < FAST_LEVEL
    between = next(
        turned(a)
        for a in np.linspace(0, 1, 50)
        if level_with(15) < mismatch(look(), look(turned(a))) < level_with(1)
    )
    assert due_s(watching(16), between) is not None and due_s(watching(2), between) is None


def test_the_last_one_is_not_spent_on_a_passing_pose() -> None:
    for refs, seconds in ((2, 4), (3, 1), (5, Fraction(2, 5))):
        watch = watching(refs)
        assert due_s(watch, CENTRED, frames=200) is None
        found_s = due_s(watch, FAR, start_s=Fraction(8))
        assert found_s is not None and seconds - Fraction(3, 5) <= found_s - 8 < seconds + 1
        assert past_with(refs - 1) == Fraction(8, (refs - 1) ** 2)


def test_shut_eyes_wait() -> None:
    assert due_s(watching(4), with_shut_eyes(FAR)) is None


def test_auto_is_sparing_but_acts_on_the_worst() -> None:
    assert due_s(watching("auto"), turned(0.15)) is None
    half_turned = next(
        turned(a)
        for a in np.linspace(0.3, 1, 50)
        if pose_distance(CENTRED, turned(a))[0] > REFRESH_DISTANCE
    )
    assert mismatch(look(), look(half_turned)) < FAST_LEVEL
    assert due_s(watching("auto"), half_turned) == max(REFRESH_AFTER_S, REFRESH_GAP_S)
    assert mismatch(look(), look(half_turned, ELSEWHERE)) > FAST_LEVEL
    watch = watching("auto")
    first_s = due_s(watch, half_turned, ELSEWHERE)
    assert first_s is not None and 0 <= first_s - max(FAST_AFTER_S, FAST_GAP_S) < Fraction(1, 25)
    watch.start(SQUARE, CENTRED, first_s, new_shot=False)
    assert due_s(watch, half_turned, ELSEWHERE, start_s=first_s) == first_s + 2 * FAST_GAP_S


def test_nothing_is_due_before_the_first_portrait() -> None:
    assert not PortraitWatch(4).is_due(SQUARE, CENTRED, Fraction(0))
