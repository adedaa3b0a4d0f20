"""First stamps that aren't of the clock of those behind them, and orders of pictures that only look so."""

from __future__ import annotations

from fractions import Fraction

import pytest

from vqcodec.media.picture.doubt import comes_back, wrong_at_start

STEP = Fraction(1, 25)


def judged(*numbers: float) -> int:
    stamps = [Fraction(n) * STEP for n in numbers]
    return wrong_at_start(stamps, STEP, Fraction(1), Fraction(2))


@pytest.mark.parametrize(
    ("numbers", "count"),
    [
        ((12.5, 13.5, 2, 3, 4, 5, 6, 7), 2),
        ((100, 1, 2, 3, 4, 5, 6, 7), 1),
        ((-200, -199, -198, 3, 4, 5, 6, 7), 3),
        ((0, 1, 2, 3, 4, 5, 6, 7), 0),
    ],
    ids=["half a second late", "one", "three long before", "none"],
)
def test_what_is_wrong(numbers: tuple[float, ...], count: int) -> None:
    assert judged(*numbers) == count


@pytest.mark.parametrize(
    "numbers",
    [
        (0, 5, 1, 2, 3, 4, 10, 6),  # four pictures between two that they refer to
        (0, 8, 4, 2, 1, 3, 6, 5),
        (4, 0, 1, 2, 3, 9, 5, 6),  # the first ones refer to what isn't there
        (0, 3, 1.5, 2, 6, 5, 5.5, 9),  # uneven times
        (0, 3, 1, 2, 5, 4, 7, 6),
    ],
)
def test_pictures_in_another_order_than_shown_are_right(numbers: tuple[float, ...]) -> None:
    assert judged(*numbers) == 0


def test_a_jump_that_comes_back() -> None:
    assert comes_back([Fraction(9), Fraction(1)], Fraction(1), Fraction(1, 10))
    assert not comes_back([Fraction(9), Fraction(10)], Fraction(1), Fraction(1, 10))
