"""Costs of all pairs are those of each pair."""

from __future__ import annotations

import numpy as np

from vqcodec.face.mismatch import Look, mismatch
from vqcodec.face.serving import serving_costs
from vqcodec.geometry.basis import read_basis
from vqcodec.models import store


def looks(count: int, seed: int) -> list[Look]:
    rng = np.random.default_rng(seed)
    mean = read_basis(store.current("motion_space").path).mean.reshape(-1, 2) / 256
    out = []
    for _ in range(count):
        angle, size = rng.uniform(-0.3, 0.3), rng.uniform(0.8, 1.2)
        turn = size * np.array(
            [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], np.float64
        )
        points = (
            (mean - 0.5) @ turn + 0.5 + rng.normal(0, 0.02, 2) + rng.normal(0, 0.004, mean.shape)
        )
        square = rng.integers(0, 256, (128, 128, 3)).astype(np.uint8)
        out.append(Look.at(square, points.astype(np.float32)))
    return out


def test_the_matrix_holds_the_mismatch_of_each_pair() -> None:
    portraits, frames = looks(4, 1), looks(3, 2)
    costs = serving_costs(portraits, frames)
    assert costs.shape == (3, 4)
    each = [[mismatch(p, f) for p in portraits] for f in frames]
    np.testing.assert_allclose(costs, each, atol=2e-5)
    assert costs.std() > 0.005


def test_a_frame_serves_itself_best() -> None:
    frames = looks(5, 3)
    costs = serving_costs(frames, frames)
    assert (costs.argmin(1) == np.arange(5)).all()
    np.testing.assert_allclose(np.diag(costs), 0, atol=1e-5)


def test_nothing_costs_nothing() -> None:
    assert serving_costs([], looks(2, 1)).shape == (2, 0)
    assert serving_costs(looks(2, 1), []).shape == (0, 2)
