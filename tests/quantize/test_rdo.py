"""The rate-distortion choice of motion values: cheaper, near, and exact where nothing is to be gained."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vqcodec.config import EncodeOptions
from vqcodec.entropy import encode_layers
from vqcodec.errors import UsageError
from vqcodec.format import DIMS, to_indices
from vqcodec.geometry.basis import read_basis
from vqcodec.geometry.layout import LANDMARK_DIMS, MOTION_2, Layout, read_layout
from vqcodec.models.store import motion_space
from vqcodec.quantize import quantize
from vqcodec.quantize.rdo import (
    CANDIDATES,
    LEARNED_IMPORTANCE,
    SURROUND_IMPORTANCE,
    _best_path,
    choose,
    importance,
    step_bits,
)

UNITS = np.concatenate(
    [[8.0, 2.0], np.ones(LANDMARK_DIMS - 2), np.full(DIMS - LANDMARK_DIMS, 1 / 24)]
).astype(np.float32)


LAYOUT = Layout()


def trembling(frames: int, seed: int) -> NDArray[np.float64]:
    """Slow waves with detector noise of about half a unit."""
    rng = np.random.default_rng(seed)
    t = np.arange(frames)[:, None] / 25
    wave = 6 * np.sin(t * rng.uniform(0.5, 4, DIMS) + rng.uniform(0, 6, DIMS))
    return np.asarray((wave + rng.normal(0, 0.5, (frames, DIMS))) * UNITS)


def size_bytes(values: NDArray[np.int16]) -> int:
    return sum(map(len, encode_layers(to_indices(values))))


@pytest.mark.parametrize("seed", range(3))
def test_more_price_means_fewer_bytes_and_more_error(seed: int) -> None:
    delta = trembling(50, seed)
    chosen = [choose(delta, UNITS, LAYOUT, strength) for strength in (0, 0.3, 1, 3, 10)]
    bytes_each = [size_bytes(values) for values in chosen]
    errors = [
        float((importance(UNITS, LAYOUT) * (delta / UNITS - values) ** 2).mean())
        for values in chosen
    ]
    assert all(a > b for a, b in itertools.pairwise(bytes_each)), bytes_each
    assert all(a < b for a, b in itertools.pairwise(errors)), errors
    assert bytes_each[2] < 0.85 * bytes_each[0]
    assert errors[2] < errors[0] + 1.0


def test_nothing_to_pay_is_the_nearest_value() -> None:
    delta = trembling(20, 5)
    np.testing.assert_array_equal(choose(delta, UNITS, LAYOUT, 0.0), quantize(delta, UNITS))
    np.testing.assert_array_equal(choose(delta[:1], UNITS, LAYOUT, 9.0), quantize(delta[:1], UNITS))


def test_a_still_face_stays_and_a_real_step_is_kept() -> None:
    delta = np.zeros((30, DIMS))
    delta[15:] = 20 * UNITS
    np.testing.assert_array_equal(choose(delta, UNITS, LAYOUT, 1.0), quantize(delta, UNITS))


def test_a_tremble_at_rest_is_not_coded() -> None:
    delta = np.tile(UNITS * 0.45, (30, 1)).astype(np.float64)
    delta[::2] += 0.1 * UNITS  # .45 and .55: nearest values 0 and 1 in turns
    values = choose(delta, UNITS, LAYOUT, 1.0)
    assert np.abs(np.diff(quantize(delta, UNITS), axis=0)).min() == 1
    assert (np.diff(values[:, 2:LANDMARK_DIMS], axis=0) == 0).all()


def test_a_wide_unit_keeps_its_precision() -> None:
    """A unit of 8 px is coarse already: there, the choice stays at the nearest value."""
    delta = trembling(50, 7)
    off = np.abs(choose(delta, UNITS, LAYOUT, 1.0).astype(int) - quantize(delta, UNITS))
    assert off[:, 0].mean() < 0.1 < off[:, 2:LANDMARK_DIMS].mean()


@given(st.integers(2, 12), st.floats(0, 50), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=40)
def test_any_motion_gives_valid_values_near_it(frames: int, strength: float, seed: int) -> None:
    delta = np.random.default_rng(seed).normal(0, 200, (frames, DIMS)) * UNITS
    values = choose(delta, UNITS, LAYOUT, strength)
    assert values.dtype == np.int16 and values.shape == delta.shape
    assert np.abs(values).max() <= 170
    assert np.abs(values.astype(int) - quantize(delta, UNITS)).max() <= 2 * CANDIDATES


@pytest.mark.parametrize("dims", [64, 80])
def test_further_dimensions_are_chosen_by_themselves(dims: int) -> None:
    """As landmarks', by the square of their unit; the others' choice stays what it was."""
    more = np.full(dims - DIMS, 0.25, np.float32)
    delta = trembling(20, 9)
    wide = np.concatenate([delta, np.repeat(delta[:, 20:21] / 4, dims - DIMS, 1)], axis=1)
    chosen = choose(wide, np.concatenate([UNITS, more]), LAYOUT, 1.0)
    assert chosen.shape == (20, dims)
    np.testing.assert_array_equal(chosen[:, :DIMS], choose(delta, UNITS, LAYOUT, 1.0))
    still = np.abs(np.diff(chosen[:, DIMS:], axis=0)).sum()
    assert (
        still
        < np.abs(np.diff(quantize(wide, np.concatenate([UNITS, more]))[:, DIMS:], axis=0)).sum()
    )


def paths(around: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    offsets = range(-CANDIDATES, CANDIDATES + 1)
    for combo in itertools.product(offsets, repeat=len(around)):
        yield around + np.array(combo)


def test_the_path_is_the_best_of_all() -> None:
    rng = np.random.default_rng(3)
    scaled = rng.normal(0, 2, (4, DIMS))
    around = np.rint(scaled).astype(np.int64)
    weight, price = rng.uniform(0.5, 2, DIMS), rng.uniform(0.1, 3, DIMS)
    found = _best_path(scaled, around, weight, price)
    for d in (0, 17):

        def cost(path: NDArray[np.int64], d: int = d) -> float:
            return float(
                (weight[d] * (scaled[:, d] - path) ** 2).sum()
                + price[d] * np.abs(np.diff(path)).sum()
            )

        assert cost(found[:, d]) == pytest.approx(min(map(cost, paths(around[:, d]))))


def test_a_lively_dimension_pays_less_for_a_step() -> None:
    path = np.zeros((20, DIMS), np.int64)
    path[:, 1] = np.arange(20) % 2
    path[:, 2] = 5 * (np.arange(20) % 2)
    bits = step_bits(path)
    assert bits[0] > bits[1] > bits[2] > 0


@pytest.mark.parametrize("bad", [-0.1, 100.1, float("nan")])
def test_a_price_out_of_range_is_refused(bad: float) -> None:
    with pytest.raises(UsageError, match="rdo"):
        EncodeOptions(rdo=bad)


@pytest.mark.parametrize("unit", [1 / 24, 0.2, 0.5, 3.0])
@pytest.mark.parametrize("layout", [Layout(), MOTION_2])
def test_what_a_dimension_means_is_told_by_the_layout_alone(unit: float, layout: Layout) -> None:
    """A unit says how fine a dimension is, not what it is: the choice in units stays as it is with another one."""
    units = UNITS.copy()
    units[LANDMARK_DIMS:] = unit
    weight = importance(units, layout)
    assert (weight[layout.surround_span] == SURROUND_IMPORTANCE).all()
    assert (weight[layout.learned_span] == LEARNED_IMPORTANCE).all()
    np.testing.assert_array_equal(weight[:LANDMARK_DIMS], units[:LANDMARK_DIMS].astype(float) ** 2)
    steps = trembling(30, 4) / UNITS
    chosen = choose(steps * units, units, layout, 1.0)
    np.testing.assert_array_equal(chosen, choose(steps * UNITS, UNITS, layout, 1.0))


def test_the_shipped_spaces_weigh_as_before() -> None:
    """The units of motion-1 and motion-2 tell their dimensions apart as the layout does."""
    for name, layout in (("motion-1", Layout()), ("motion-2", MOTION_2)):
        path = motion_space(name).path
        units = read_basis(path).units
        assert read_layout(path) == layout
        told = np.where(units[LANDMARK_DIMS:] > 0.25, SURROUND_IMPORTANCE, LEARNED_IMPORTANCE)
        np.testing.assert_array_equal(importance(units, layout)[LANDMARK_DIMS:], told)
