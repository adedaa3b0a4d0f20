"""Choosing a portrait, and noticing that it no longer serves."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.pipeline import CENTRED, draw, turned
from vqcodec.face.keyframes import (
    REFRESH_AFTER_S,
    REFRESH_DISTANCE,
    REFRESH_GAP_S,
    RefreshWatch,
    portrait_score,
    pose_distance,
    sharpness,
)
from vqcodec.geometry.openings import lid_gap_per_eye_width, lip_gap_per_mouth_width


def with_eyes(openness: float) -> NDArray[np.float32]:
    points = CENTRED.copy()
    for above, below in ((160, 144), (159, 145), (158, 153), (385, 380), (386, 374), (387, 373)):
        middle = (points[above, 1] + points[below, 1]) / 2
        half = openness * 0.07 / 2  # the eyes are 0.14 * 0.5 wide
        points[above, 1], points[below, 1] = middle - half, middle + half
    return points


def picture() -> NDArray[np.uint8]:
    rng = np.random.default_rng(0)
    rgb = draw(512, 512, [(256, 256, 256)]).astype(int) + rng.integers(-40, 40, (512, 512, 1))
    return np.clip(rgb, 0, 255).astype(np.uint8)


def test_eye_openness() -> None:
    assert lid_gap_per_eye_width(with_eyes(0.3)) == pytest.approx(0.3, rel=1e-3)
    assert lid_gap_per_eye_width(with_eyes(0.05)) == pytest.approx(0.05, rel=1e-3)


def test_mouth_openness() -> None:
    points = CENTRED.copy()
    points[14, 1] = points[13, 1] + 0.06
    assert lip_gap_per_mouth_width(points) == pytest.approx(0.06 / 0.12, rel=1e-3)


def test_open_eyes_win() -> None:
    rgb = picture()
    assert portrait_score(rgb, with_eyes(0.3)) > portrait_score(rgb, with_eyes(0.1)) + 1


def test_closed_mouth_wins() -> None:
    gaping = with_eyes(0.3)
    gaping[14, 1] += 0.04
    assert portrait_score(picture(), with_eyes(0.3)) > portrait_score(picture(), gaping)


def test_sharp_wins() -> None:
    rgb = picture()
    blurred = cv2.GaussianBlur(rgb, (9, 9), 2)
    assert sharpness(rgb, CENTRED) > sharpness(blurred, CENTRED) + 1
    assert portrait_score(rgb, CENTRED) > portrait_score(blurred, CENTRED)


def test_sharpness_of_a_face_outside_the_picture() -> None:
    assert sharpness(picture(), CENTRED + np.float32(3)) == 0.0


def test_pose_distance_ignores_place_size_and_roll() -> None:
    roll = np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]], np.float32)
    distance, scale = pose_distance(
        CENTRED, ((CENTRED - 0.5) @ roll * 1.25 + 0.3).astype(np.float32)
    )
    assert distance < 1e-3
    assert scale == pytest.approx(1.25, rel=1e-4)


def test_pose_distance_grows_with_the_turn() -> None:
    distances = [pose_distance(CENTRED, turned(angle))[0] for angle in (0.0, 0.15, 0.3, 0.6, 0.9)]
    assert distances == sorted(distances)
    assert distances[1] < REFRESH_DISTANCE < distances[-1]


def seconds_of(
    watch: RefreshWatch, points: NDArray[np.float32], start_s: Fraction, count: int
) -> Fraction | None:
    """Show `count` frames; the time at which a refresh is due, if any."""
    for i in range(count):
        if watch.is_due(points, start_s + Fraction(i, 25)):
            return start_s + Fraction(i, 25)
    return None


def test_no_refresh_for_ordinary_motion_or_a_short_turn() -> None:
    watch = RefreshWatch()
    watch.start(CENTRED, Fraction(0), new_shot=True)
    assert seconds_of(watch, turned(0.2), Fraction(0), 500) is None
    for second in range(20, 60, 3):  # turned away for 1.6 s out of every three
        assert seconds_of(watch, turned(0.9), Fraction(second), 40) is None
        assert seconds_of(watch, turned(0.1), Fraction(second + 2), 20) is None


def test_refresh_after_a_long_turn_and_ever_more_seldom() -> None:
    watch = RefreshWatch()
    watch.start(CENTRED, Fraction(0), new_shot=True)
    due_s = seconds_of(watch, turned(0.9), Fraction(1), 500)
    assert due_s == max(1 + REFRESH_AFTER_S, REFRESH_GAP_S)
    watch.start(turned(0.9), due_s, new_shot=False)
    assert seconds_of(watch, CENTRED, due_s, 500) == due_s + 2 * REFRESH_GAP_S


def test_no_refresh_with_shut_eyes() -> None:
    watch = RefreshWatch()
    watch.start(CENTRED, Fraction(0), new_shot=True)
    shut = with_eyes(0.05)
    shut[:, 0] = turned(0.9)[:, 0]
    assert seconds_of(watch, shut, Fraction(1), 300) is None
