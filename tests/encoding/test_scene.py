"""Which pictures of the scene are kept, how they are coded, and what a whole encode and decode make of them."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.pipeline import decoder_parts, draw, encoder_parts, video_writer
from vqcodec.api import info
from vqcodec.config import DecodeOptions, EncodeOptions
from vqcodec.container import Reader
from vqcodec.decoding.pipeline import decode
from vqcodec.encoding.pipeline import encode
from vqcodec.encoding.scene import RecordedScene, SceneWatch, WholePictures, fitted, is_drawn
from vqcodec.errors import UsageError
from vqcodec.face.scene import Scene
from vqcodec.face.shots import Face, FaceFrame
from vqcodec.runtime.opencv import cv2
from vqcodec.types import Crop, ScenePicture, VideoFrame

Picture = NDArray[np.uint8]
WIDTH, HEIGHT, SIDE = 320, 180, 80
CROP = Crop(WIDTH, HEIGHT, 200, 90, SIDE)
FACE = Face(CROP, np.zeros((512, 512, 3), np.uint8), np.zeros((478, 2), np.float32))


def slide(number: int) -> Picture:
    """Paper with words, other ones for each number, and a face in its lower right."""
    picture = np.full((HEIGHT, WIDTH, 3), 240, np.uint8)
    rng = np.random.default_rng(number)
    for line in range(5):
        text = "".join(rng.choice(list("ABCDEFGHKLMN"), 9))
        cv2.putText(
            picture, text, (8, 24 + 28 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (20, 20, 20), 2
        )
    picture[90:170, 200:280] = draw(SIDE, SIDE, [(40, 40, 44)])
    return picture


def watched(
    pictures: Iterable[Picture], *, face: bool = True, notes: Scene | None = None
) -> RecordedScene:
    """A shot of pictures, five a second."""
    watch = SceneWatch(notes)
    for place, picture in enumerate(pictures):
        frame = FaceFrame(
            place, Fraction(place, 5), 0, FACE if face or place == 0 else None, whole=picture
        )
        watch.see(place, frame, CROP)
    scene = watch.finish(CROP, continues=False)
    assert scene is not None
    return scene


def places(scene: RecordedScene) -> list[int]:
    return [change.place for change in scene.changes]


def test_a_scene_that_stands_still_is_one_picture() -> None:
    rng = np.random.default_rng(0)
    noisy = (slide(1) + rng.normal(0, 2, slide(1).shape) for _ in range(50))
    assert places(watched(n.clip(0, 255).astype(np.uint8) for n in noisy)) == [0]


def test_what_moves_in_the_square_is_no_change() -> None:
    def moving() -> Iterable[Picture]:
        for n in range(40):
            picture = slide(1)
            picture[100 : 120 + n, 210:270] = 5 * n
            yield picture

    assert places(watched(moving())) == [0]


def test_a_new_slide_is_there_within_a_second() -> None:
    scene = watched([slide(1)] * 10 + [slide(2)] * 10 + [slide(3)] * 5)
    assert len(places(scene)) == 3
    assert 10 <= places(scene)[1] <= 12 and 20 <= places(scene)[2] <= 22
    for change, number in zip(scene.changes, (1, 2, 3), strict=True):
        assert np.abs(change.picture.rgb().astype(int) - slide(number)).mean() < 3


def test_a_change_of_light_alone_is_no_new_picture() -> None:
    assert places(watched((slide(1) * (1 - 0.004 * n)).astype(np.uint8) for n in range(5))) == [0]


def test_what_never_stands_still_is_kept_now_and_then() -> None:
    def waving() -> Iterable[Picture]:
        for n in range(230):
            picture = slide(1)
            picture[20:70, 100 + 8 * (n % 8) : 130 + 8 * (n % 8)] = 90
            yield picture

    scene = watched(waving())
    assert 3 <= len(scene.changes) <= 5 and not scene.unsteady


def room() -> Picture:
    rng = np.random.default_rng(5)
    small = rng.integers(60, 200, (12, 20, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.uint8)


def test_a_small_change_of_a_room_waits_and_a_large_one_does_not() -> None:
    moved, dark = room(), (room() * 0.4).astype(np.uint8)
    softly = np.zeros((HEIGHT, WIDTH, 1), np.float32)
    softly[30:45, 30:50] = 1
    softly = cv2.GaussianBlur(softly, (0, 0), 5)[..., None]
    moved = (moved * (1 - softly)).astype(np.uint8)
    dark[:, 160:] = room()[:, 160:]
    assert places(watched([room()] * 10 + [moved] * 80)) == [0]
    assert places(watched([room()] * 10 + [moved] * 110)) == [0, 100]
    assert len(places(watched([room()] * 10 + [dark] * 10))) == 2


def test_a_moving_camera_leaves_a_backdrop() -> None:
    notes = Scene(shots=1)
    wide = cv2.resize(
        np.random.default_rng(1).integers(0, 255, (9, 40, 3)).astype(np.uint8), (2000, HEIGHT)
    )
    scene = watched((wide[:, 12 * n : 12 * n + WIDTH] for n in range(30)), notes=notes)
    assert scene.unsteady and len(scene.changes) == 1 and notes.unsteady == 1
    assert "the camera of x.mp4 moves" in notes.warnings("x.mp4", whole=True)[0]
    assert not watched(wide[:, 12 * (n // 10) : 12 * (n // 10) + WIDTH] for n in range(30)).unsteady


def test_the_square_goes_when_nobody_is_there_for_a_second() -> None:
    scene = watched([slide(1)] * 12, face=False)
    assert [(c.place, c.alone) for c in scene.changes] == [(0, False), (5, True)]


def test_a_shot_that_continues_begins_with_the_last_picture() -> None:
    watch = SceneWatch()
    for place, number in enumerate((1, 1, 2, 2)):
        watch.see(place, FaceFrame(place, Fraction(place, 5), 0, FACE, whole=slide(number)), CROP)
    watch.finish(CROP, continues=True)
    again = watch.finish(CROP, continues=False)
    assert again is not None and places(again) == [0]
    assert np.abs(again.changes[0].picture.rgb().astype(int) - slide(2)).mean() < 3
    assert watch.finish(CROP, continues=False) is None


def test_split_keeps_what_is_shown() -> None:
    scene = watched([slide(1)] * 10 + [slide(2)] * 10)
    before, after = scene.split(15)
    assert places(before) == places(scene) and places(after) == [0]
    assert after.changes[0].picture is scene.changes[1].picture
    before, after = scene.split(5)
    assert places(before) == [0] and places(after) == [0, places(scene)[1] - 5]


def test_whole_pictures_come_back_with_their_frame() -> None:
    frames = [
        VideoFrame(np.full((HEIGHT, WIDTH, 3), n, np.uint8), Fraction(n, 25)) for n in range(12)
    ]
    frames[5] = replace(frames[5], is_damaged=True)
    held = WholePictures()
    items = list(held.noted([*frames, "sound"]))
    assert items == [*frames, "sound"]
    seen = [held.attached(FaceFrame(n, Fraction(n, 25), 0)).whole for n in range(12)]
    assert [n for n, whole in enumerate(seen) if whole is not None] == [0, 6, 11]
    assert seen[6] is not None and (seen[6] == 6).all()


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1920, 1080), (1280, 720)),
        ((721, 1281), (720, 1280)),
        ((5, 9), (16, 16)),
        ((320, 180), (320, 180)),
    ],
)
def test_fitted(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert fitted(np.zeros((size[1], size[0], 3), np.uint8)).shape == (expected[1], expected[0], 3)


def test_slides_are_told_from_photographs() -> None:
    assert is_drawn(slide(1))
    rng = np.random.default_rng(0)
    smooth = cv2.resize(
        rng.integers(0, 255, (12, 20, 3)).astype(np.uint8),
        (WIDTH, HEIGHT),
        interpolation=cv2.INTER_CUBIC,
    )
    assert not is_drawn(smooth)
    assert not is_drawn(
        (slide(1) + rng.normal(0, 12, slide(1).shape)).clip(0, 255).astype(np.uint8)
    )


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2.4 s of 25 frames a second: another slide from 1.2 s on."""
    path = tmp_path_factory.mktemp("scene") / "lecture.mp4"
    with video_writer(path, width=WIDTH, height=HEIGHT) as write:
        for n in range(60):
            write(slide(1 if n < 30 else 2))
    return path


def shown(path: Path) -> list[Picture]:
    with av.open(str(path)) as file:
        return [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]


def test_a_lecture_there_and_back(clip: Path, tmp_path: Path) -> None:
    report = encode(clip, tmp_path / "a.vqt", EncodeOptions(scene=True), parts=encoder_parts())
    assert report.sizes.scene > 0 and info(tmp_path / "a.vqt")["scene_bytes"] == report.sizes.scene
    assert "stand still" in info(tmp_path / "a.vqt")["picture_kept"] and not report.warnings
    with (tmp_path / "a.vqt").open("rb") as file:
        items = list(Reader(file, scenes=True))
    assert isinstance(items[1], ScenePicture), "a seek finds it by the index"
    told = decode(tmp_path / "a.vqt", tmp_path / "a.mp4", parts=decoder_parts())
    assert told.whole_px == (WIDTH, HEIGHT) and told.frames == 60 and not told.warnings
    pictures = shown(tmp_path / "a.mp4")
    for n in (0, 20, 29, 40, 59):
        right, wrong = (
            np.abs(pictures[n][:, :190].astype(int) - slide(s)[:, :190]).mean()
            for s in ((1, 2) if n < 30 else (2, 1))
        )
        assert right < 8 and right < wrong / 2, n
    face = pictures[40][110:150, 225:255].astype(int).mean((0, 1))
    assert face[2] > 200, "the square is where it was"


def test_a_seek_shows_the_slide_of_that_time(clip: Path, tmp_path: Path) -> None:
    encode(clip, tmp_path / "a.vqt", EncodeOptions(scene=True), parts=encoder_parts())
    options = DecodeOptions(start_s=Fraction(2))
    decode(tmp_path / "a.vqt", tmp_path / "b.mp4", options, parts=decoder_parts())
    first = shown(tmp_path / "b.mp4")[0]
    assert np.abs(first[:, :190].astype(int) - slide(2)[:, :190]).mean() < 8


def test_the_square_alone_when_asked_for(clip: Path, tmp_path: Path) -> None:
    encode(clip, tmp_path / "a.vqt", EncodeOptions(scene=True), parts=encoder_parts())
    told = decode(
        tmp_path / "a.vqt", tmp_path / "a.mp4", DecodeOptions(square=True), parts=decoder_parts()
    )
    assert told.whole_px is None and shown(tmp_path / "a.mp4")[0].shape == (512, 512, 3)
    sink = io.BytesIO()
    encode(clip, sink, parts=encoder_parts())
    plain = decode(io.BytesIO(sink.getvalue()), tmp_path / "b.mp4", parts=decoder_parts())
    assert plain.whole_px is None
    assert shown(tmp_path / "b.mp4")[0].shape == (512, 512, 3)


def test_a_bit_rate_counts_the_scene(clip: Path) -> None:
    sink = io.BytesIO()
    options = EncodeOptions(scene=True, bitrate_kbps=120)
    report = encode(clip, sink, options, parts=encoder_parts())
    assert report.sizes.scene > 0 and len(sink.getvalue()) * 8 / 2.4 / 1000 <= 120
    scenes = [
        i for i in Reader(io.BytesIO(sink.getvalue()), scenes=True) if isinstance(i, ScenePicture)
    ]
    assert [(s.first_frame >= 30, s.number) for s in scenes] == [(False, 0), (True, 0)]


def test_the_same_input_gives_the_same_bytes(clip: Path) -> None:
    sinks = [io.BytesIO(), io.BytesIO()]
    for sink in sinks:
        encode(clip, sink, EncodeOptions(scene=True), parts=encoder_parts())
    assert sinks[0].getvalue() == sinks[1].getvalue()


def test_no_scene_in_a_live_stream() -> None:
    with pytest.raises(UsageError, match="scene"):
        EncodeOptions(scene=True, live=True)
