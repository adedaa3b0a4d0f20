"""Scenes at a decoder: brought to their frames, decoded along their paths, filled with the square."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np

from tests.support.spec import vector
from tests.support.units import make_head_2
from vqcodec.container import Reader
from vqcodec.decoding.scenes import SceneFiller
from vqcodec.types import Crop, ScenePicture, ScenePlace

FIRST, SECOND, ALONE, BACKDROP = (
    i
    for i in Reader(io.BytesIO(vector("valid", "2-scene")), scenes=True)
    if isinstance(i, ScenePicture)
)
HEAD = make_head_2(crop=Crop(128, 96, 40, 21, 60))
RED = np.full((512, 512, 3), (255, 0, 0), np.uint8)
assert FIRST.place is not None
PLACE = FIRST.place


def is_red(picture: np.ndarray, y: int, x: int) -> bool:
    return bool(picture[y, x, 0] > 200 and picture[y, x, 1:].max() < 80)


def test_the_square_is_where_the_place_says() -> None:
    filler = SceneFiller(HEAD, PLACE)
    filler.show(FIRST)
    picture = filler.frame(RED)
    assert picture.shape == (96, 128, 3) and (filler.width, filler.height) == (128, 96)
    # 20 and 10.5 pixels of the scene are twice as many here
    assert is_red(picture, 50, 70) and is_red(picture, 28, 47) and not is_red(picture, 18, 70)
    assert (
        not is_red(picture, 50, 36) and not is_red(picture, 50, 104) and not is_red(picture, 84, 70)
    )
    assert filler.undecoded == 0


def test_pictures_follow_each_other() -> None:
    filler = SceneFiller(HEAD, PLACE)
    filler.show(FIRST)
    before = filler.frame(RED)
    filler.show(SECOND)
    after = filler.frame(RED)
    assert after[24:32, 20:30].mean() > 200 > before[24:32, 20:30].mean(), "the white box has come"
    filler.show(ALONE)
    alone = filler.frame(RED)
    assert not is_red(alone, 50, 70)
    filler.show(FIRST)
    assert is_red(filler.frame(RED), 50, 70)


def test_before_a_backdrop_colours_stay() -> None:
    filler = SceneFiller(HEAD, PLACE)
    filler.show(BACKDROP)
    picture = filler.frame(RED)
    assert is_red(picture, 48, 64) and is_red(picture, 48, 26) and is_red(picture, 2, 64)
    assert not is_red(picture, 48, 8)


def test_a_broken_path_leaves_the_picture_before() -> None:
    filler = SceneFiller(HEAD, PLACE)
    filler.show(FIRST)
    before = filler.frame(RED)
    filler.show(replace(SECOND, number=3, depends_on=2))  # 1 and 2 were lost
    damaged = SECOND.unit[:12] + bytes(len(SECOND.unit) - 12)
    filler.show(replace(SECOND, unit=damaged))
    assert filler.undecoded in (1, 2)  # a damaged unit may decode to a wrong picture
    filler.show(FIRST)
    assert np.array_equal(filler.frame(RED), before)


def test_too_long_a_path_is_not_decoded() -> None:
    filler = SceneFiller(HEAD, PLACE)
    filler.show(FIRST)
    for number in range(1, 10):
        filler.show(replace(SECOND, number=number, depends_on=number - 1))
    assert filler.undecoded == 2


def test_bars_where_the_form_is_another() -> None:
    filler = SceneFiller(make_head_2(crop=Crop(200, 96, 0, 0, 96)), PLACE)
    filler.show(FIRST)
    picture = filler.frame(RED)
    assert picture.shape == (96, 200, 3)
    assert not picture[:, :36].any() and not picture[:, 164:].any() and picture[4, 100].any()
    assert is_red(picture, 50, 106)


def test_without_a_crop_the_scene_says_the_size() -> None:
    filler = SceneFiller(make_head_2(crop=None), ScenePlace(64, 48, 0, 0, 16))
    assert (filler.width, filler.height) == (64, 48)
    assert filler.frame(RED).shape == (48, 64, 3)
