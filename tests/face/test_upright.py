"""Portraits on their side or upside down are turned; pictures of any shape cost few looks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vqcodec.face.landmarks import FaceLandmarker, FaceObservation
from vqcodec.face.portrait import portrait_square
from vqcodec.face.track import locate_all
from vqcodec.media.still.picture_file import load_picture

PORTRAIT = load_picture(Path(__file__).resolve().parents[2] / "sample_media" / "portrait.png").rgb


@pytest.fixture(scope="module")
def detector():
    with FaceLandmarker(max_faces=3) as found:
        yield found


@pytest.mark.parametrize(
    ("turned", "says"),
    [(0, ""), (1, "quarter clockwise"), (2, "on its head"), (3, "anticlockwise")],
)
def test_a_portrait_is_turned_upright(detector, turned: int, says: str) -> None:
    upright = portrait_square(detector, PORTRAIT, name="p.png")
    stored = np.ascontiguousarray(np.rot90(PORTRAIT, turned))
    square = portrait_square(detector, stored, name="p.png")
    assert (square.turns + turned) % 4 == 0
    assert square.crop == upright.crop and np.array_equal(square.square, upright.square)
    assert np.abs(square.points - upright.points).max() < 0.01
    assert (says in square.warnings[0]) if says else not square.warnings


def test_a_small_face_in_a_wide_picture_on_its_side_is_found(detector) -> None:
    wide = np.full((600, 1500, 3), 120, np.uint8)
    wide[40:552, 500:1012] = PORTRAIT
    square = portrait_square(detector, np.ascontiguousarray(np.rot90(wide)), name="p.png")
    assert square.turns == 3


class Counting:
    def __init__(self) -> None:
        self.looks = 0

    def faces(self, frame: np.ndarray) -> list[FaceObservation]:
        self.looks += 1
        return []


@pytest.mark.parametrize(
    "shape", [(16, 16384), (16384, 1), (1, 32000), (700, 16384), (4000, 16384), (1080, 1920)]
)
def test_looks_at_a_picture_are_few_whatever_its_shape(shape: tuple[int, int]) -> None:
    detector = Counting()
    assert locate_all(detector, np.zeros((*shape, 3), np.uint8), thorough=True) == []
    assert detector.looks <= (97 if min(shape) >= 16 else 1)
