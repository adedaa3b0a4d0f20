"""Curves, sheets and side-by-side videos of a comparison."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import av
import cv2
import numpy as np
import pytest

from tests.support import compare as drawn
from vqcodec.comparison.analysis.overall import analyse
from vqcodec.comparison.page import curves, sheet, videos
from vqcodec.comparison.page.palette import COLOURS, MARKERS, ORIGINAL, SIGNS
from vqcodec.comparison.results import CODECS
from vqcodec.evaluation.tools import sidebyside
from vqcodec.evaluation.tools.frames import iter_frames

pytest.importorskip("matplotlib")


def test_every_codec_has_its_own_colour_and_marker() -> None:
    for look in (COLOURS, MARKERS, SIGNS):
        assert set(look) == {*CODECS, ORIGINAL}
        assert len(set(look.values())) == len(look)


def test_one_figure_per_metric_the_same_each_time(tmp_path: Path) -> None:
    results = drawn.realistic()
    made = curves.draw_all(results, tmp_path / "a", metrics=["perc", "jitter"])
    again = curves.draw_all(results, tmp_path / "b", metrics=["perc", "jitter"])
    assert list(made) == ["perc", "jitter"] and made == again
    for metric in made:
        assert (tmp_path / "a" / f"{metric}.svg").read_text(encoding="utf-8") == made[metric]
        picture = cv2.imread(str(tmp_path / "a" / f"{metric}.png"))
        assert picture is not None and picture.shape[1] > 1000
    assert all(
        colour.lower() in made["perc"].lower()
        for codec, colour in COLOURS.items()
        if codec != ORIGINAL
    )
    for text in ("H.264 (x264)", "vqcodec", "lower is better ↓", "mean of 2 clips", ">40<", ">5<"):
        assert text in made["perc"]
    assert "1 is right" in made["jitter"] and "mean" not in made["jitter"]


def test_a_metric_nobody_measured_is_not_drawn(tmp_path: Path) -> None:
    clip = drawn.clip("a", drawn.ladder("h264", "ssim", lambda r: r))
    assert list(curves.draw_all(drawn.results(clip), tmp_path)) == ["ssim"]


def test_inline_svg_is_a_part_of_a_page() -> None:
    results = drawn.realistic(["one"])
    text = curves.inline(
        curves.svg(curves.figure(results, analyse(results), "ssim")), 'a "name" <x>'
    )
    root = ElementTree.fromstring(text)
    assert (
        root.get("role") == "img"
        and root.get("aria-label") == 'a "name" <x>'
        and root.get("viewBox")
    )
    assert "http" not in text and "<style" not in text and "<?xml" not in text
    assert "var(--ink)" in text and "var(--panel)" in text
    used = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', text))
    known = set(re.findall(r'id="([^"]+)"', text))
    assert used and {a or b for a, b in used} <= known


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("compared")
    drawn.drawn_media(out, drawn.realistic(["one"]))
    return out / "media" / "one"


def test_the_grid_video_has_all_tiles_and_the_sound(folder: Path, tmp_path: Path) -> None:
    (clip,) = drawn.realistic(["one"]).clips
    media = videos.media_of(clip, folder)
    assert list(media) == ["original", "vqt", "h264", "h265", "av1", "vp9"]
    labels = videos.labels_of(clip, list(media))
    assert labels["vqt"] == "vqcodec  9.6 kbit/s  2.4 kB" and labels["original"] == "original"
    target = tmp_path / "grid.mp4"
    assert (
        sidebyside.grid_video(videos.tiles_of(clip, media), target, tile_px=96, crf=10)
        == clip.frames
    )
    with av.open(str(target)) as container:
        assert len(container.streams.audio) == 1
        assert container.streams.video[0].average_rate == 25
    frames = list(iter_frames(target))
    assert len(frames) == clip.frames and frames[0].shape == (192, 288, 3)
    for number, (name, path) in enumerate(media.items()):
        top, left = number // 3 * 96, number % 3 * 96
        tile, whole = frames[20][top : top + 96, left : left + 96], list(iter_frames(path))[20]
        # below the label
        assert np.abs(tile[40:].astype(int) - whole[40:]).mean() < 4, name


@pytest.mark.parametrize(
    ("tiles", "shape"), [(2, (1, 2)), (3, (1, 3)), (4, (2, 2)), (5, (2, 3)), (6, (2, 3))]
)
def test_grid_shapes(tiles: int, shape: tuple[int, int]) -> None:
    assert sidebyside.grid_shape(tiles) == shape
    pictures = [np.full((64, 64, 3), 30 * k, np.uint8) for k in range(tiles)]
    assert sidebyside.compose_grid(pictures).shape == (
        shape[0] * 64,
        shape[1] * 64,
        3,
    )


def test_media_that_are_not_there_are_left_out(tmp_path: Path) -> None:
    (clip,) = drawn.realistic(["one"]).clips
    assert videos.media_of(clip, tmp_path) == {}


def test_the_sheet(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "mouth_centres", lambda pictures: [(48.0, 64.0)] * len(pictures))
    (clip,) = drawn.realistic(["one"]).clips
    media = videos.media_of(clip, folder)
    picture = sheet.contact_sheet(clip, media, tmp_path / "sheet.png")
    assert picture.shape == (6 * (256 + 128) + 8, sheet.LABEL_WIDTH_PX + 6 * 256, 3)
    stored = cv2.imread(str(tmp_path / "sheet.png"))
    assert stored is not None and np.array_equal(stored[..., ::-1], picture)
    bar = picture[256 + 20, 2]
    assert tuple(bar) == tuple(int(COLOURS["vqt"][k : k + 2], 16) for k in (1, 3, 5))


def test_times_of_the_sheet() -> None:
    assert sheet.spread(60) == [5, 15, 25, 35, 45, 55]
    assert sheet.spread(3) == [0, 1, 2]
    assert sheet.spread(1) == [0]


def test_frames_past_the_end_are_the_last(folder: Path) -> None:
    first, last, past = sheet.chosen_frames(folder / "vqt.mp4", [0, 49, 80])
    assert np.array_equal(last, past) and not np.array_equal(first, last)


def test_a_mouth_is_looked_for_where_it_is_on_average() -> None:
    assert sheet.mouth_centres([np.zeros((100, 100, 3), np.uint8)]) == [(50.0, 68.0)]
