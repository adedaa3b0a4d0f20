"""Putting the square back: no seam, nothing changed outside, every place the square can be."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from vqcodec.face.crop import centre_square, resize, take_square
from vqcodec.face.paste import FEATHER_SHARE, LONG_SIDE_PX, PasteBack, pasted
from vqcodec.types import Crop, VideoFrame

Picture = NDArray[np.uint8]


def smooth_picture(width: int, height: int) -> Picture:
    """Waves of colour without an edge."""
    y, x = np.mgrid[:height, :width]
    waves = [110 + 60 * np.sin(x / a) * np.cos(y / b) for a, b in ((70, 90), (110, 60), (90, 120))]
    return np.rint(np.stack(waves, -1)).astype(np.uint8)


def steps_across(picture: Picture, crop: Crop) -> float:
    """Greatest step between neighbouring pixels within 12 pixels of the square's border, inside and outside of it."""
    band = np.zeros(picture.shape[:2], bool)
    x0, y0, x1, y1 = crop.x_px, crop.y_px, crop.x_px + crop.side_px, crop.y_px + crop.side_px
    band[max(y0 - 12, 0) : y1 + 12, max(x0 - 12, 0) : x1 + 12] = True
    band[y0 + 12 : y1 - 12, x0 + 12 : x1 - 12] = False
    values = picture.astype(int)
    down, right = np.abs(np.diff(values, axis=0)).max(-1), np.abs(np.diff(values, axis=1)).max(-1)
    return float(max(down[band[1:] & band[:-1]].max(), right[band[:, 1:] & band[:, :-1]].max()))


def test_the_same_square_gives_the_picture_back() -> None:
    picture, crop = smooth_picture(640, 480), Crop(640, 480, 100, 60, 320)
    out = PasteBack(picture, crop).frame(take_square(picture, crop))
    assert out.shape == picture.shape and np.abs(out.astype(int) - picture).max() <= 2


@pytest.mark.parametrize("drift", [(18, 18, 18), (-25, 4, 12)])
def test_no_seam_where_colours_differ(drift: tuple[int, int, int]) -> None:
    picture, crop = smooth_picture(640, 480), Crop(640, 480, 140, 60, 360)
    square = cv2.GaussianBlur(take_square(picture, crop), (0, 0), 2).astype(int) + drift
    square[150:360, 160:350] = (240, 30, 200)  # what was made, and must stay
    shown = np.clip(square, 0, 255).astype(np.uint8)
    out = PasteBack(picture, crop).frame(shown)
    assert steps_across(out, crop) <= steps_across(picture, crop) + 1
    naive = picture.copy()
    naive[60:420, 140:500] = resize(shown, 360)
    assert steps_across(naive, crop) > steps_across(picture, crop) + 8
    assert np.abs(out[60 + 180, 140 + 180].astype(int) - (240, 30, 200)).max() <= 6
    outside = np.ones(out.shape[:2], bool)
    outside[60:420, 140:500] = False
    assert np.array_equal(out[outside], picture[outside])


def test_what_moves_across_the_border_stays_what_it_is() -> None:
    """A dark bar that reaches the border in the square only: it fades out there, and tints nothing far from it."""
    picture, crop = np.full((480, 640, 3), 180, np.uint8), Crop(640, 480, 140, 60, 360)
    square = np.full((512, 512, 3), 180, np.uint8)
    square[380:, 200:300] = 20
    out = PasteBack(picture, crop).frame(square)
    assert out[60 + 300, 140 + 175].max() < 60
    assert (
        np.abs(np.diff(out[60 + 300 :, 140 + 175].astype(int), axis=0)).max() < 15
    )  # along the bar, across the border
    assert np.abs(out[60:200].astype(int) - 180).max() <= 2


def test_an_edge_of_the_picture_has_no_soft_border() -> None:
    picture = np.zeros((400, 600, 3), np.uint8)
    square = np.full((512, 512, 3), 200, np.uint8)
    out = PasteBack(picture, Crop(600, 400, 200, 0, 400)).frame(
        square
    )  # reaches right, top and bottom
    assert out[0, 400].min() > 150 and out[399, 400].min() > 150 and out[200, 599].min() > 150
    assert out[200, 200].max() < 20 and not out[:, :200].any()
    inner = 200 + round(FEATHER_SHARE * 400)
    assert np.all(np.diff(out[200, 200:inner, 0].astype(int)) >= 0)


def test_a_square_picture_is_all_square() -> None:
    picture, square = smooth_picture(300, 300), smooth_picture(512, 512)
    out = PasteBack(picture, centre_square(300, 300)).frame(square)
    assert np.array_equal(out, resize(square, 300))


@pytest.mark.parametrize(
    "crop",
    [
        Crop(400, 300, -50, -40, 500),
        Crop(400, 300, 300, 200, 250),
        Crop(400, 300, -100, 50, 200),
        Crop(400, 300, 500, 10, 100),
        Crop(400, 300, 10, 10, 1),
    ],
)
def test_squares_that_miss_a_part_of_the_picture(crop: Crop) -> None:
    picture = smooth_picture(400, 300)
    out = PasteBack(picture, crop).frame(take_square(picture, crop))
    assert out.shape == picture.shape and np.abs(out.astype(int) - picture).max() <= 6


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((401, 301), (400, 300)),
        ((3000, 2000), (1920, 1280)),
        ((1000, 4001), (480, LONG_SIDE_PX)),
        ((1920, 1081), (1920, 1080)),
        ((1, 1), (2, 2)),
    ],
)
def test_sizes_are_even_and_at_most_1920(size: tuple[int, int], shown: tuple[int, int]) -> None:
    paste = PasteBack(smooth_picture(*size), centre_square(*size))
    assert (paste.width, paste.height) == shown
    assert paste.frame(np.zeros((256, 256, 3), np.uint8)).shape == (shown[1], shown[0], 3)


def test_the_stream_of_frames() -> None:
    picture, crop = smooth_picture(64, 48), Crop(64, 48, 10, 8, 32)
    items: list[VideoFrame | str] = [
        VideoFrame(np.zeros((256, 256, 3), np.uint8), Fraction(1, 25)),
        "sound",
    ]
    out = list(pasted(items, PasteBack(picture, crop)))
    assert (
        isinstance(out[0], VideoFrame)
        and out[0].rgb.shape == (48, 64, 3)
        and out[0].time_s == Fraction(1, 25)
    )
    assert out[1] == "sound" and list(pasted(items, None)) == items
