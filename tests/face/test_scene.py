"""Small faces and second ones are told, per shot, and how much of the picture is kept."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from vqcodec.face.landmarks import FaceObservation
from vqcodec.face.scene import Scene
from vqcodec.face.shots import face_frames
from vqcodec.reports import picture_kept
from vqcodec.types import Crop, VideoFrame


def boxes(*heights: float) -> list[np.ndarray]:
    return [np.array([100 * n, 100, 0.8 * height, height]) for n, height in enumerate(heights)]


@pytest.mark.parametrize(
    ("heights", "says"),
    [
        ([500], []),
        ([210], ["under a fifth"]),
        ([220], []),
        ([500, 290], []),
        ([500, 310], ["two faces"]),
        ([200, 190, 30], ["under a fifth", "two faces"]),
    ],
)
def test_what_is_told_of_a_picture_of_1080_lines(heights: list[float], says: list[str]) -> None:
    scene = Scene()
    scene.see(boxes(*heights), 1080)
    told = scene.warnings("a.mp4")
    assert len(told) == len(says)
    assert all(words in sentence for words, sentence in zip(says, told, strict=True))
    assert not any("shots" in sentence for sentence in told)


def test_shots_are_counted() -> None:
    scene = Scene()
    for height in (500, 100, 100):
        scene.see(boxes(height), 1080)
    assert "in 2 of 3 shots" in scene.warnings("a.mp4")[0]


class TwoFaces:
    """Finds two faces of like size in whole pictures, and the first in squares."""

    def faces(self, frame: np.ndarray) -> list[FaceObservation]:
        grid = np.stack(np.meshgrid(np.linspace(0, 1, 22), np.linspace(0, 1, 22)), -1).reshape(
            -1, 2
        )[:478]
        if frame.shape[0] == 512:
            return [FaceObservation((grid * 250 + 130).astype(np.float32))]
        return [
            FaceObservation((grid * 100 + place).astype(np.float32))
            for place in ([50, 60], [400, 60])
        ]


def test_an_interview_is_noticed_while_it_is_read() -> None:
    scene = Scene()
    pictures = [VideoFrame(np.zeros((360, 640, 3), np.uint8), Fraction(n, 25)) for n in range(3)]
    assert len(list(face_frames(pictures, TwoFaces(), "auto", scene))) == 3
    assert (scene.shots, scene.small, scene.shared) == (1, 0, 1)


def test_what_is_kept_in_words() -> None:
    assert picture_kept(None) is None
    assert picture_kept(Crop(512, 512, 0, 0, 512)) == "all of it"
    told = picture_kept(Crop(1920, 1080, 400, 0, 700))
    assert told == "a square of 700 pixels around the face, of 1920x1080; nothing else"
