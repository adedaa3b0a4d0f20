"""Which candidates become portraits, and which of them shows a frame."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.recorded import RATE_HZ, UNITS, made_shot
from vqcodec.encoding.choice import (
    CHANGE_COST,
    Spending,
    choose_portraits,
    portrait_sets,
    shown_from,
)
from vqcodec.encoding.shots import RecordedShot
from vqcodec.format import REACH

FREE = Spending(0.0)


def seconds(shot: RecordedShot) -> float:
    return len(shot.frames) / RATE_HZ


def chosen(shot: RecordedShot, spending: Spending) -> list[int]:
    return choose_portraits(shot, spending, UNITS, seconds(shot))


def shown(shot: RecordedShot, portraits: list[int]) -> list[int]:
    return shown_from(shot, portraits, seconds(shot)).tolist()


def halves(rows: int = 20) -> np.ndarray:
    """Candidate 0 serves all rows passably, 1 the first quarter well, 2 the rest well, 3 nothing."""
    costs = np.full((rows, 4), 0.3)
    costs[: rows // 4, 1] = costs[rows // 4 :, 2] = 0.0
    costs[:, 3] = 0.9
    return costs


def test_what_saves_most_comes_first() -> None:
    shot = made_shot(halves())
    first = Spending(0.0, first="first")
    assert chosen(shot, replace(first, at_most=1)) == [0]
    assert chosen(shot, replace(first, at_most=2)) == [0, 2]
    assert chosen(shot, replace(first, at_most=3)) == chosen(shot, first) == [0, 1, 2]


def test_portrait_0_serves_the_whole_shot_best() -> None:
    assert chosen(made_shot(halves()), replace(FREE, at_most=1)) == [2]
    assert chosen(made_shot(halves()), FREE) == [2, 1]  # with it, number 0 of halves() is no use


def test_what_later_ones_made_superfluous_is_dropped() -> None:
    costs = np.full((20, 4), 0.4)
    costs[:, 1] = 0.2  # passable everywhere, so it comes first
    costs[:10, 2] = costs[10:, 3] = 0.0
    assert chosen(made_shot(costs), Spending(0.05, first="first")) == [0, 2, 3]


def test_a_portrait_costs_its_price() -> None:
    shot = made_shot(halves())
    saved = 0.3 * 15 / 20 * seconds(shot)  # by candidate 2
    assert chosen(shot, Spending(1.05 * saved, first="first")) == [0]
    assert chosen(shot, Spending(0.95 * saved, first="first")) == [0, 2]


@st.composite
def any_costs(draw: st.DrawFn) -> np.ndarray:
    rng = np.random.default_rng(draw(st.integers(0, 9999)))
    rows, count = draw(st.integers(1, 30)), draw(st.integers(1, 12))
    way = np.cumsum(rng.normal(0, 0.06, (rows, 3)), 0)
    owner = np.sort(rng.integers(0, rows, count))
    apart = np.linalg.norm(way[:, None] - way[owner][None], axis=-1)
    return np.asarray(apart + rng.uniform(0, 0.1, (rows, count)))


@settings(max_examples=60, deadline=None)
@given(any_costs(), st.integers(1, 6))
def test_a_higher_price_never_gives_more(costs: np.ndarray, at_most: int) -> None:
    shot = made_shot(costs)
    sets = portrait_sets(shot, Spending(0.0, at_most), UNITS, seconds(shot))
    counts = [len(sets.at(price)) for price in np.geomspace(0.001, 10, 30)]
    assert counts == sorted(counts, reverse=True)
    assert 1 <= counts[-1] <= counts[0] <= min(at_most, costs.shape[1])
    for price in (0.01, 0.1):
        portraits = choose_portraits(shot, Spending(price, at_most), UNITS, seconds(shot))
        assert portraits == sets.at(price) and len(set(portraits)) == len(portraits)
        assert portraits[1:] == sorted(portraits[1:]) and portraits[0] == sets.sets[0][0]


def test_one_in_so_many_seconds() -> None:
    shot = made_shot(np.zeros((50, 30)), frames_a_row=3)  # 6 s, a candidate each .2 s
    for every_s in (Fraction(1), Fraction(1, 2)):
        portraits = chosen(shot, Spending(99.0, every_s=every_s))
        times = sorted(shot.candidates[n].time_s for n in portraits)
        assert len(times) == 6 / every_s
        assert all(int(t / every_s) == n for n, t in enumerate(times))
    assert len(chosen(shot, Spending(0.0, 4, Fraction(1, 2)))) == 4


def test_the_frame_that_was_asked_for() -> None:
    costs = halves()
    asked = Spending(0.0, 1, first=Fraction(1))
    assert chosen(made_shot(costs, wanted=3), asked) == [3]
    assert chosen(made_shot(costs), asked) == [
        2
    ]  # in other shots it is as if nothing was asked for
    assert chosen(made_shot(costs), Spending(0.0, 1, first="first")) == [0]


def test_motion_out_of_reach_of_portrait_0_counts() -> None:
    costs = np.full((20, 2), 0.1)
    costs[:, 1] = 0.0
    near, far = [0.0, 1.0], [0.0, REACH * float(UNITS[0]) + 1]
    times = [Fraction(0), Fraction(58, 25)]  # almost all frames are like candidate 0
    one = Spending(0.0, 1)
    assert chosen(made_shot(costs, values=near, times_s=times), one) == [1]
    assert chosen(made_shot(costs, values=far, times_s=times), one) == [0]


def test_a_shot_without_rows_has_one_portrait() -> None:
    shot = made_shot(np.zeros((4, 3)))
    blind = replace(shot, rows=shot.rows[:0], costs=shot.costs[:0])
    assert chosen(blind, FREE) == [0] and shown(blind, [0, 1]) == [0] * 12


def test_frames_are_shown_from_what_serves_them() -> None:
    costs = np.full((20, 2), 0.5)
    costs[:8, 0] = costs[8:, 1] = 0.0
    found = shown(made_shot(costs), [0, 1])
    assert found[:23] == [0] * 23 and found[26:] == [1] * 34


def test_pictures_do_not_hop() -> None:
    rng = np.random.default_rng(3)
    costs = 0.2 + rng.uniform(0, 0.02, (60, 2))
    found = shown(made_shot(costs), [0, 1])
    assert len(set(found)) == 1
    costs[:, 1] += 0.1
    costs[20:40, 1] = 0.0  # worth going there and back
    found = shown(made_shot(costs), [0, 1])
    assert sum(a != b for a, b in pairwise(found)) == 2
    assert set(found[60:117]) == {1}


@pytest.mark.parametrize("seed", range(5))
def test_the_way_is_the_cheapest_of_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    costs = rng.uniform(0, 0.3, (6, 3))
    shot = made_shot(costs, frames_a_row=1)
    row_s = seconds(shot) / 6

    def price(way: tuple[int, ...]) -> float:
        changes = sum(a != b for a, b in pairwise(way))
        table = shot.costs.astype(np.float64)
        return float(sum(table[r, n] for r, n in enumerate(way)) * row_s + changes * CHANGE_COST)

    best = min(price(way) for way in product(range(3), repeat=6))
    assert price(tuple(shown(shot, [0, 1, 2]))) == pytest.approx(best)
