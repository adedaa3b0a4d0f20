"""A face that doesn't tremble: what is slow is averaged, lips, lids and the head's turn stay."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.dub import shipped_head
from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.gesture.steady import Steadying
from vqcodec.lab.dub.sync import shipped_basis

NOSE, CHEEK, LIP = 4, 234, 13
LIDS = (159, 145)


@pytest.fixture(scope="module")
def basis() -> LandmarkBasis:
    return shipped_basis()


def moved(basis: LandmarkBasis, values: np.ndarray) -> np.ndarray:
    """(T, 478, 2) how far landmarks are from where they are without motion."""
    mean = basis.landmarks(np.zeros((1, 48), np.float32))
    return np.asarray(basis.landmarks((values * basis.units).astype(np.float32)) - mean)


def test_a_trembling_face_is_steadied_and_lips_and_lids_are_not(basis: LandmarkBasis) -> None:
    rng = np.random.default_rng(4)
    values = np.zeros((80, 48), np.float32)
    values[:, :36] = rng.normal(0, 3, (80, 36))
    out = Steadying(basis, shipped_head())(values, np.zeros((80, 36), np.float32))
    before, after = moved(basis, values), moved(basis, out)

    def trembling(points: np.ndarray, at: int) -> float:
        return float(np.abs(np.diff(points[:, at], 2, axis=0)).mean())

    assert trembling(after, NOSE) < 0.6 * trembling(before, NOSE)
    assert trembling(after, CHEEK) < 0.6 * trembling(before, CHEEK)
    assert trembling(after, LIP) > 0.8 * trembling(before, LIP)
    gaps = [points[:, LIDS[1]] - points[:, LIDS[0]] for points in (before, after)]
    wavering = [float(np.abs(np.diff(gap[:, 1], 2)).mean()) for gap in gaps]
    assert wavering[1] > 0.75 * wavering[0], "lids stay about as quick as they were"
    assert np.array_equal(out[:, 36:], values[:, 36:])
    saturated = Steadying(basis, shipped_head())(
        np.sign(values) * 170, rng.normal(0, 100, (80, 36)).astype(np.float32)
    )
    assert np.abs(saturated).max() <= 170


def test_a_turning_head_turns_as_it_did(basis: LandmarkBasis) -> None:
    turned = np.zeros((40, 36), np.float32)
    turned[20:] = 30
    values = np.pad(turned, ((0, 0), (0, 12)))
    steady = Steadying(basis, shipped_head())
    np.testing.assert_allclose(steady(values, turned), values, atol=1e-4)
    assert steady(values[:0], turned[:0]).shape == (0, 48)
    slow = values + np.linspace(0, 20, 40, dtype=np.float32)[:, None]
    slow[:, 36:] = 0
    np.testing.assert_allclose(steady(slow, turned)[3:-3], slow[3:-3], atol=1e-2)
