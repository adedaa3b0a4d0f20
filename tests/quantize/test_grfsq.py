"""GRFSQ integers: bitstream_spec/tokens.md."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vqcodec.errors import UsageError
from vqcodec.quantize import dequantize, from_indices, quantize, to_indices
from vqcodec.quantize.grfsq import REACH, STEPS, from_digits, pack_digits, to_digits, unpack_digits

SPEC = Path(__file__).resolve().parents[2] / "bitstream_spec" / "tokens.md"
ONES = np.ones(48, np.float32)


def row(*values: float) -> np.ndarray:
    out = np.zeros((1, 48), np.float32)
    out[0, : len(values)] = values
    return out


def test_halves_go_away_from_zero() -> None:
    got = quantize(row(0.5, -0.5, 2.5, -2.5, 1.5, 0.49999997, -0.49999997, 0.25), ONES)
    assert got[0, :8].tolist() == [1, -1, 3, -3, 2, 0, 0, 0]


def test_units_scale_and_clip() -> None:
    units = np.full(48, 2.0, np.float32)
    assert quantize(row(1e9, -1e9, 339, 341, 3), units)[0, :5].tolist() == [170, -170, 170, 170, 2]
    np.testing.assert_array_equal(
        dequantize(np.full((1, 48), 7), units), np.full((1, 48), 14, np.float32)
    )


def test_every_value_is_exact_after_four_layers_and_bounded_before() -> None:
    values = np.resize(np.arange(-REACH, REACH + 1), (8, 48)).astype(np.int16)
    indices = to_indices(values)
    assert indices.shape == (8, 12, 4) and indices.dtype == np.uint16
    for layers, worst in zip((1, 2, 3, 4), (42, 10, 2, 0), strict=True):
        error = np.abs(from_indices(indices[..., :layers]).astype(int) - values).max()
        assert error == worst, f"{layers} layers"


def test_the_specifications_table_of_digits() -> None:
    cells = re.findall(r"\| (-?\d+) \| (-?\d+ -?\d+ -?\d+ -?\d+) ", SPEC.read_text())
    assert len(cells) == 12
    for value, digits in cells:
        got = to_digits(np.full((1, 48), int(value)))[0, 0].astype(int) - 2
        assert got.tolist() == [int(d) for d in digits.split()], value


def test_the_specifications_index_example() -> None:
    digits = np.full((1, 48, 1), 2, np.uint8)
    assert pack_digits(digits)[0, 0, 0] == 312
    digits[0, :4, 0] = np.array([-2, 1, 0, 2]) + 2
    assert pack_digits(digits)[0, :2, 0].tolist() == [565, 312]


def test_negation_mirrors_digits() -> None:
    values = np.resize(np.arange(-REACH, REACH + 1), (8, 48))
    np.testing.assert_array_equal(
        to_digits(values).astype(int) - 2, 2 - to_digits(-values).astype(int)
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 7), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_any_index_survives_digits(frames: int, layers: int, seed: int) -> None:
    indices = np.random.default_rng(seed).integers(0, 625, (frames, 12, layers)).astype(np.uint16)
    digits = unpack_digits(indices)
    assert (
        digits.shape == (frames, 48, layers)
        and digits.dtype == np.uint8
        and digits.max(initial=0) <= 4
    )
    np.testing.assert_array_equal(pack_digits(digits), indices)
    np.testing.assert_array_equal(from_indices(indices), from_digits(digits))


@settings(max_examples=60, deadline=None)
@given(arrays(np.int16, (3, 48), elements=st.integers(-REACH, REACH)))
def test_values_survive_indices(values: np.ndarray) -> None:
    np.testing.assert_array_equal(from_indices(to_indices(values)), values)


@pytest.mark.parametrize(
    "call",
    [
        lambda: quantize(row(np.nan), ONES),
        lambda: quantize(row(np.inf), ONES),
        lambda: quantize(row(1)[:, :47], ONES),
        lambda: quantize(row(1), ONES[:5]),
        lambda: quantize(row(1), ONES * 0),
        lambda: to_digits(np.full((1, 48), 171)),
        lambda: to_digits(np.zeros((48,), int)),
        lambda: from_indices(np.full((1, 12, 4), 625)),
        lambda: from_indices(np.full((1, 12, 4), -1)),
        lambda: from_indices(np.zeros((1, 12, 5), int)),
        lambda: from_indices(np.zeros((1, 11, 4), int)),
    ],
)
def test_wrong_arguments_are_usage_errors(call: object) -> None:
    with pytest.raises(UsageError):
        call()  # type: ignore[operator]


def test_steps_are_the_specifications() -> None:
    assert STEPS == (64, 16, 4, 1) and REACH == 170
