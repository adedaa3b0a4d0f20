"""Sharpness of a face, and how far a head has turned."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.pipeline import CENTRED, draw, turned
from vqcodec.face.keyframes import pose_distance, sharpness
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


def test_sharp_wins() -> None:
    rgb = picture()
    blurred = cv2.GaussianBlur(rgb, (9, 9), 2)
    assert sharpness(rgb, CENTRED) > sharpness(blurred, CENTRED) + 1


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
    assert distances[1] < 0.28 < distances[-1]
