"""GRFSQ integers: bitstream_spec/tokens.md."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vqcodec.errors import UsageError
from vqcodec.format import from_indices, to_indices
from vqcodec.quantize import dequantize, quantize

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


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from([48, 64, 80]).flatmap(
        lambda dims: arrays(np.int16, (4, dims), elements=st.integers(-170, 170))
    ),
    st.integers(0, 2**32 - 1),
)
def test_whole_units_survive_whatever_their_number(values: np.ndarray, seed: int) -> None:
    units = np.random.default_rng(seed).uniform(0.01, 5, values.shape[1]).astype(np.float32)
    np.testing.assert_array_equal(quantize(dequantize(values, units), units), values)
    np.testing.assert_array_equal(from_indices(to_indices(values)), values)


@pytest.mark.parametrize(
    "call",
    [
        lambda: quantize(row(np.nan), ONES),
        lambda: quantize(row(np.inf), ONES),
        lambda: quantize(row(1)[:, :47], ONES),
        lambda: quantize(row(1), ONES[:5]),
        lambda: quantize(row(1), ONES * 0),
        lambda: quantize(row(1), np.ones(64, np.float32)),
        lambda: quantize(row(1), np.ones((1, 48), np.float32)),
    ],
)
def test_wrong_arguments_are_usage_errors(call: object) -> None:
    with pytest.raises(UsageError):
        call()  # type: ignore[operator]
