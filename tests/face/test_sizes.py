"""Faces in pictures that change their size: the square goes along; another shape is another shot."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tests.support.pipeline import DrawnFaces, draw
from vqcodec.config import SquareCrop
from vqcodec.face.crop import face_box
from vqcodec.face.shots import FaceFrame, face_frames
from vqcodec.types import VideoFrame


def run(sizes: list[tuple[int, int]], **more: object) -> list[FaceFrame]:
    """Frames of those sizes with a face of a third of the height, somewhat right of the middle."""
    frames = [
        VideoFrame(draw(w, h, [(0.55 * w, 0.5 * h, h / 3)]), Fraction(i, 25))
        for i, (w, h) in enumerate(sizes)
    ]
    return list(face_frames(frames, DrawnFaces(), **more))  # type: ignore[arg-type]


@pytest.mark.parametrize("first", [10, 40], ids=["while deciding", "later"])
def test_the_square_grows_with_the_picture(first: int) -> None:
    sizes = [(320, 180)] * first + [(640, 360)] * 10 + [(1280, 720)] * 30
    out = run(sizes)
    assert {frame.shot for frame in out} == {0}
    faces = [frame.face for frame in out]
    assert all(face is not None for face in faces)
    for face, (width, height) in zip(faces, sizes, strict=True):
        assert face is not None
        assert (face.crop.source_width_px, face.crop.source_height_px) == (width, height)
        assert face.crop.side_px == pytest.approx(height / 1.5, abs=3)
        assert face_box(face.points)[3] == pytest.approx(0.5, abs=0.02)


def test_sizes_that_come_and_go_don_t_move_the_square() -> None:
    out = run([(1280, 720)] * 30 + [(426, 240), (1280, 720)] * 20)
    crops = {frame.face.crop for frame in out if frame.face is not None}
    assert len(crops) == 2


def test_another_shape_is_another_shot_with_its_own_square() -> None:
    out = run([(360, 640)] * 30 + [(640, 360)] * 30)
    assert [frame.shot for frame in out] == [0] * 30 + [1] * 30
    first, second = out[0].face, out[-1].face
    assert first is not None and second is not None
    assert first.crop.source_width_px == 360 and second.crop.source_width_px == 640
    for face in (first, second):
        box = face_box(face.points)
        assert box[2] / box[3] == pytest.approx(0.8, abs=0.03)  # neither narrow nor wide


def test_a_given_square_goes_along() -> None:
    out = run([(320, 180)] * 3 + [(640, 360)] * 3, choice=SquareCrop(100, 20, 140))
    sides = [frame.face.crop.side_px for frame in out if frame.face is not None]
    assert sides == [140] * 3 + [280] * 3


def test_damage_is_no_cut() -> None:
    rng = np.random.default_rng(1)
    frames = []
    for i in range(60):
        rgb = draw(320, 180, [(170.0, 90.0, 60.0)])
        broken = 20 <= i < 30
        if broken:
            rgb = np.asarray(rgb // 8 + rng.integers(0, 200, 3).astype(np.uint8), np.uint8)
        frames.append(VideoFrame(rgb, Fraction(i, 25), is_damaged=broken))
    out = list(face_frames(frames, DrawnFaces()))
    assert {frame.shot for frame in out[:30]} == {0}
    assert [frame.is_damaged for frame in out] == [20 <= i < 30 for i in range(60)]
