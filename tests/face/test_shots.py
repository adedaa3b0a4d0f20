"""Following a face from frame to frame: whose it is, where the square lies, where a shot ends."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.pipeline import DrawnFaces, draw, swaying
from vqcodec.choices import FaceChoice
from vqcodec.config import CropChoice, SquareCrop
from vqcodec.errors import NoFaceError
from vqcodec.face.crop import face_box
from vqcodec.face.cuts import CutDetector, is_jump
from vqcodec.face.portrait import portrait_square
from vqcodec.face.shots import DECIDE_S, Face, FaceFrame, face_frames
from vqcodec.face.track import FaceTracker, locate, locate_near
from vqcodec.face.whose import OTHERS_S
from vqcodec.types import VideoFrame


def frames(pictures: Iterable[NDArray[np.uint8]], fps: int = 25) -> list[VideoFrame]:
    return [VideoFrame(rgb, Fraction(i, fps)) for i, rgb in enumerate(pictures)]


def run(video: Iterable[VideoFrame], choice: CropChoice = "auto") -> list[FaceFrame]:
    out = list(face_frames(video, DrawnFaces(), choice))
    assert [f.index for f in out] == list(range(len(out)))
    return out


def faces_of(out: Iterable[FaceFrame]) -> list[Face]:
    return [f.face for f in out if f.face is not None]


# --- whose face ---


def test_tracker_keeps_to_its_person() -> None:
    tracker = FaceTracker(DrawnFaces())
    near = [(150.0, 200.0, 160.0)]
    other = (400.0, 200.0, 200.0)
    seen = tracker.observe(draw(512, 512, near), Fraction(0))
    assert seen is not None
    for i in range(1, 5):  # a larger face comes in beside ours
        seen = tracker.observe(draw(512, 512, [*near, other]), Fraction(i, 25))
        assert seen is not None and abs(face_box(seen.points)[0] - 150) < 2
    assert tracker.observe(draw(512, 512, [other]), Fraction(5, 25)) is None
    assert tracker.observe(draw(512, 512, [other]), Fraction(2)) is None
    late = tracker.observe(draw(512, 512, [other]), 1 + OTHERS_S)
    assert late is not None and abs(face_box(late.points)[0] - 400) < 2


def test_locate_finds_small_faces_when_thorough() -> None:
    detector = DrawnFaces()
    rgb = draw(640, 480, [(80, 300, 40)])
    assert locate(detector, rgb, thorough=False) is None
    box = locate(detector, rgb, thorough=True)
    assert box is not None and np.abs(box - [80, 300, 32, 40]).max() < 3
    again = locate_near(detector, rgb, box)
    assert again is not None and np.abs(again - box).max() < 3
    assert locate_near(detector, draw(640, 480, [(400, 300, 40)]), box) is None


def test_locate_gives_up_on_an_empty_picture() -> None:
    assert locate(DrawnFaces(), draw(640, 360, []), thorough=True) is None


def test_portrait_square() -> None:
    found = portrait_square(DrawnFaces(), draw(900, 600, [(450, 250, 200)]), name="p.png")
    assert found.square.shape == (512, 512, 3) and found.small.shape == (256, 256, 3)
    assert face_box(found.points)[3] == pytest.approx(0.5, abs=0.02)
    with pytest.raises(NoFaceError, match=r"p\.png"):
        portrait_square(DrawnFaces(), draw(900, 600, []), name="p.png")


# --- cuts ---


def test_cut_is_seen_and_a_pan_is_not() -> None:
    rng = np.random.default_rng(0)
    scene_a, scene_b = (
        rng.integers(0, 255, (12, 40, 3), np.uint8).repeat(20, 0).repeat(20, 1) for _ in range(2)
    )
    detector = CutDetector()
    assert not any(detector.is_cut(scene_a[:, 4 * i : 4 * i + 240]) for i in range(60))
    assert detector.is_cut(scene_b[:, :240])
    assert not detector.is_cut(scene_b[:, :240])


def test_jump() -> None:
    last, gap_s = np.array([0.5, 0.5, 0.4, 0.5]), Fraction(1, 25)
    moved, grown = last + np.array([0.2, 0, 0, 0]), last * [1, 1, 1.4, 1.4]
    assert is_jump(moved, last, gap_s, 0.08) and is_jump(grown, last, gap_s, 0.08)
    assert not is_jump(moved, last, gap_s, 0.01)  # the picture didn't change: the landmarks erred
    assert not is_jump(moved, last, Fraction(1), 0.08)
    assert not is_jump(last + np.array([0.05, 0, 0, 0]), last, gap_s, 0.08)


# --- shots ---


def test_square_clip_is_coded_whole() -> None:
    out = run(swaying(60))
    assert {f.shot for f in out} == {0}
    assert [face.crop.side_px for face in faces_of(out)] == [96] * 60
    assert face_box(faces_of(out)[0].points)[3] == pytest.approx(0.5, abs=0.02)


def test_one_square_per_shot_from_the_first_second() -> None:
    out = run(swaying(80, width=320, height=180, size=60))
    (crop,) = {face.crop for face in faces_of(out)}
    assert crop.side_px == pytest.approx(120, abs=4)
    centres = [face_box(face.points)[0] for face in faces_of(out)]
    assert len(centres) == 80 and np.ptp(centres) > 0.05  # the square stays, the face moves in it


def test_frames_are_held_for_a_second_at_most() -> None:
    given = 0

    def feed() -> Iterable[VideoFrame]:
        nonlocal given
        for frame in swaying(100, width=320, height=180, size=60):
            given += 1
            yield frame

    behind = [given - 1 - f.index for f in face_frames(feed(), DrawnFaces())]
    assert max(behind) <= 25 * DECIDE_S + 1
    assert behind[-10:-5] == [3] * 5  # the jitter filter's look-ahead


def test_leading_frames_without_a_face_pass_without_pixels() -> None:
    blank = draw(320, 180, [])
    out = run(frames([blank] * 40 + [f.rgb for f in swaying(30, width=320, height=180, size=60)]))
    assert [f.face is not None for f in out] == [False] * 40 + [True] * 30


def test_face_lost_for_a_while_keeps_the_shot() -> None:
    clip = [f.rgb for f in swaying(90, width=320, height=180, size=60)]
    for i in range(50, 60):
        clip[i] = clip[i].copy()
        clip[i][:, :, 2] = 20
    out = run(frames(clip))
    assert [f.index for f in out if f.face is None] == list(range(50, 60))
    assert {f.shot for f in out} == {0}


def test_face_that_walks_away_gets_a_new_square() -> None:
    left = [draw(640, 180, [(100, 90, 60)])] * 40
    right = [draw(640, 180, [(500, 90, 60)])] * 60
    out = run(frames(left + right))
    crops = [face.crop.x_px for face in faces_of(out)]
    assert crops[0] < 100 and crops[-1] > 400
    assert out[-1].shot == 1
    lost = [f.index for f in out if f.face is None]
    assert lost and lost[0] == 40 and len(lost) <= 30


def test_a_cut_starts_a_new_shot() -> None:
    first = [f.rgb for f in swaying(40, width=320, height=180, size=60)]
    second = [255 - draw(320, 180, []) for _ in range(35)]
    for rgb in second:
        rgb[40:140, 200:280] = (20, 90, 250)
        rgb[:40, :, 2] = rgb[140:, :, 2] = 100
        rgb[:, :200, 2] = rgb[:, 280:, 2] = 100
    out = run(frames(first + second))
    assert [f.shot for f in out] == [0] * 40 + [1] * 35
    found = faces_of(out)
    assert len(found) == 75 and found[39].crop != found[40].crop


def test_no_face_at_all() -> None:
    out = run(frames([draw(320, 180, [])] * 30))
    assert len(out) == 30 and faces_of(out) == []


@pytest.mark.parametrize("count", [1, 2, 3, 5, 24])
def test_inputs_shorter_than_the_look_ahead(count: int) -> None:
    assert len(faces_of(run(swaying(count)))) == count


def test_chosen_squares() -> None:
    video = list(swaying(30, width=320, height=180, size=60))
    assert {face.crop.side_px for face in faces_of(run(video, "full"))} == {180}
    crops = [face.crop for face in faces_of(run(video, SquareCrop(100, 20, 140)))]
    assert len(crops) == 30
    assert {(crop.x_px, crop.y_px, crop.side_px) for crop in crops} == {(100, 20, 140)}


def test_other_items_pass() -> None:
    items = [x for i, frame in enumerate(swaying(30)) for x in (frame, f"sound {i}")]
    out = list(face_frames(items, DrawnFaces()))
    assert [x for x in out if isinstance(x, str)] == [f"sound {i}" for i in range(30)]
    assert [x.index for x in out if isinstance(x, FaceFrame)] == list(range(30))


def beside(count: int) -> list[VideoFrame]:
    """A small face on the left, the largest in the middle, a middle one on the right, all swaying."""
    return [
        VideoFrame(
            draw(480, 160, [(70 + n % 3, 80, 50), (240 + n % 3, 80, 70), (410 + n % 3, 80, 60)]),
            Fraction(n, 25),
        )
        for n in range(count)
    ]


@pytest.mark.parametrize(
    ("face", "centre"),
    [("largest", 240), ("left", 70), ("right", 410), (1, 240), (2, 410), (3, 70), (9, 70)],
)
def test_whose_face_is_coded(face: FaceChoice, centre: int) -> None:
    out = [f for f in face_frames(beside(40), DrawnFaces(), face=face) if f.face]
    assert len(out) == 40
    for frame in out:
        assert frame.face is not None
        crop = frame.face.crop
        middle = crop.x_px + frame.face.points.mean(0)[0] * crop.side_px
        assert abs(middle - centre) < 8
