"""How badly a portrait serves a frame."""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.pipeline import CENTRED, draw, turned
from tests.support.recorded import textured
from vqcodec.face.mismatch import Look, mismatch, picture_difference

SQUARE = draw(512, 512, [(256, 256, 256)])
ELSEWHERE = np.where(
    SQUARE == (200, 150, 250), SQUARE, 255 - SQUARE
)  # the same face, other surroundings
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


def test_a_frame_serves_itself() -> None:
    assert mismatch(look(), look()) == pytest.approx(0, abs=1e-6)
    assert look().luma.shape == (64, 64) and look().luma.dtype == np.float32


def test_the_further_turned_the_worse() -> None:
    found = [mismatch(look(), look(turned(angle))) for angle in (0.0, 0.1, 0.2, 0.4, 0.8)]
    assert found == sorted(found) and found[-1] > 0.28 > 0.15 > found[1]


def test_what_opens_counts_and_what_shuts_does_not() -> None:
    assert mismatch(look(), look(gaping())) > mismatch(look(gaping()), look()) + 0.04
    assert (
        mismatch(look(with_shut_eyes()), look()) > mismatch(look(), look(with_shut_eyes())) + 0.02
    )


def test_a_soft_portrait_of_a_sharp_frame_costs_and_the_other_way_round_does_not() -> None:
    sharp, soft, softer = (look(square=textured(blur)) for blur in (0.0, 1.0, 4.0))
    found = [mismatch(portrait, sharp) for portrait in (sharp, soft, softer)]
    assert found == sorted(found) and found[1] > 0.1
    assert mismatch(sharp, softer) < 0.03 and mismatch(softer, look(square=textured(4.1))) < 0.01


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


def test_another_light_on_the_face_alone_costs() -> None:
    darker = SQUARE.copy()
    darker[SQUARE[:, :, 2] > 170] //= 2
    slightly = SQUARE.copy()
    slightly[SQUARE[:, :, 2] > 170] -= 8
    assert mismatch(look(), look(square=darker)) > 0.1 < mismatch(look(square=darker), look())
    assert mismatch(look(), look(square=slightly)) < 0.02
