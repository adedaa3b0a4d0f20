"""Stamps of pictures, right and wrong, on one clock."""

from __future__ import annotations

import pytest

from vqcodec.media.picture.timeline import Timeline

STEP = 10
RIGHT = [STEP * n for n in range(12)]


def placed(stamps: list[int | None]) -> list[int]:
    timeline: Timeline[int] = Timeline(0, STEP)
    given = [pair for n, stamp in enumerate(stamps) for pair in timeline.push(n, stamp)]
    given += timeline.finish()
    assert [n for n, _ in given] == sorted(n for n, _ in given)
    assert timeline.dropped == len(stamps) - len(given)
    return [at for _, at in given]


@pytest.mark.parametrize(
    "stamps",
    [
        [0, 10, 20, 30, None, 50, 60],
        [0, 10, 20, 30, 0, 50, 60],
        [0, 10, 20, 30, 35000, 50, 60],
        [0, 10, 20, 30, 90, 50, 60],
        [0, 10, 20, 30, 15, 50, 60],
        [0, 10, 20, 30, -900, 50, 60],
        [0, 10, 20, 30, 3, 3, 60],
        [0, 10, 20, 0, 0, 50, 60],
        [0, 10, 20, 30, 0, 10, 20],  # another clock
        [0, 10, 20, 30, 10, 20, 30],
        [0, 0, 0, 0, 0, 0, 0],  # a clock that stands
        [0, 10, 20, 20, 20, 20, 20],
        [0, 0, 20, 20, 40, 40, 60],
        [0, 10, 20, 30, 40, 50, 3],
        [None] * 7,
    ],
)
def test_wrong_stamps_are_replaced(stamps: list[int | None]) -> None:
    assert placed(stamps) == [0, 10, 20, 30, 40, 50, 60]


@pytest.mark.parametrize(
    "stamps", [[0, 10, 500, 510, 520, 900, 910], [0, 1, 3, 4, 90, 91, 200], [0, 1000, 2000]]
)
def test_holes_and_varying_rates_are_kept(stamps: list[int]) -> None:
    assert placed(list(stamps)) == stamps


def test_pictures_without_room_are_counted() -> None:
    timeline: Timeline[int] = Timeline(0, STEP)
    given = [p for n, s in enumerate([0, 10, 10, 11, 20]) for p in timeline.push(n, s)]
    given += timeline.finish()
    assert [at for _, at in given] == [0, 10, 11, 20] and timeline.dropped == 1
