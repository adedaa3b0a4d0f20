"""The coded square: where it lies, and its pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vqcodec.config import SquareCrop
from vqcodec.face.crop import (
    centre_square,
    face_box,
    fixed_crop,
    follow_face,
    resize,
    take_square,
)
from vqcodec.types import Crop


def box(x: float, y: float, height: float) -> np.ndarray:
    return np.array([x, y, 0.8 * height, height])


def test_face_box() -> None:
    points = np.array([[1, 2], [5, 10], [3, 4]], np.float32)
    assert face_box(points).tolist() == [3, 6, 4, 8]


@pytest.mark.parametrize("share", [0.25, 0.39, 0.52, 0.69])
@pytest.mark.parametrize(("width", "height"), [(512, 512), (256, 256), (500, 508)])
def test_square_clips_are_coded_whole(share: float, width: int, height: int) -> None:
    crop = follow_face([box(width * 0.4, height * 0.6, share * min(width, height))], width, height)
    assert crop == centre_square(width, height)


def test_small_face_in_a_square_picture_is_cut_out() -> None:
    crop = follow_face([box(256, 256, 0.2 * 512)], 512, 512)
    assert crop.side_px == round(0.4 * 512)


def test_wide_picture() -> None:
    crop = follow_face([box(1300, 400, 300)], 1920, 1080)
    assert crop == Crop(1920, 1080, 1000, round(400 - 0.53 * 600), 600)


def test_median_ignores_a_glance_elsewhere() -> None:
    steady = [box(600, 400, 300)] * 3
    assert follow_face([*steady, box(1700, 900, 500)], 1920, 1080) == follow_face(
        steady, 1920, 1080
    )


@pytest.mark.parametrize("face_px", [600, 900, 1080, 1400])
@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1080, 1920), (1280, 720), (600, 610)])
def test_the_square_of_a_close_up_is_never_larger_than_the_picture(
    face_px: int, width: int, height: int
) -> None:
    crop = follow_face([box(width / 2, height / 2, face_px)], width, height)
    assert crop.side_px == min(width, height)
    assert 0 <= crop.x_px <= width - crop.side_px and 0 <= crop.y_px <= height - crop.side_px


@given(
    st.integers(64, 2000),
    st.integers(64, 2000),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0.05, 0.6),
)
def test_square_lies_inside_when_it_fits(
    width: int, height: int, x: float, y: float, share: float
) -> None:
    crop = follow_face([box(x * width, y * height, share * min(width, height))], width, height)
    assert crop.side_px >= 32
    for start, length in ((crop.x_px, width), (crop.y_px, height)):
        if crop.side_px <= length:
            assert start >= 0 and start + crop.side_px <= length
        else:
            assert start <= 0 and start + crop.side_px >= length


def test_choices() -> None:
    assert fixed_crop("auto", 640, 480) is None
    assert fixed_crop("full", 640, 480) == Crop(640, 480, 80, 0, 480)
    assert fixed_crop(SquareCrop(-5, 7, 100), 640, 480) == Crop(640, 480, -5, 7, 100)


def test_pixels_inside() -> None:
    rgb = np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8)
    assert np.array_equal(take_square(rgb, Crop(120, 90, 30, 20, 64), 64), rgb[20:84, 30:94])


@pytest.mark.parametrize(
    "crop",
    [
        Crop(120, 90, -20, -10, 64),
        Crop(120, 90, 100, 60, 64),
        Crop(120, 90, -10, -25, 140),
        Crop(120, 90, 300, 200, 64),
        Crop(120, 90, -300, 20, 64),
    ],
)
def test_edges_are_repeated_outside(crop: Crop) -> None:
    rgb = np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8)
    pad = 400
    padded = np.pad(rgb, ((pad, pad), (pad, pad), (0, 0)), mode="edge")
    y, x = crop.y_px + pad, crop.x_px + pad
    expected = padded[y : y + crop.side_px, x : x + crop.side_px]
    assert np.array_equal(take_square(rgb, crop, crop.side_px), expected)


def test_scaling_keeps_flat_areas_and_size() -> None:
    rgb = np.full((700, 900, 3), 130, np.uint8)
    assert (take_square(rgb, Crop(900, 700, 10, 10, 600)) == 130).all()
    assert take_square(rgb, Crop(900, 700, 10, 10, 100)).shape == (512, 512, 3)
    same = resize(rgb[:512, :512], 512)
    assert same.flags.c_contiguous and np.array_equal(same, rgb[:512, :512])
