"""Motion moved to another face: sizes, turns, and what must not change."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.geometry import shipped_basis
from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.geometry.mesh import SKULL
from vqcodec.motion.transfer import scaled, shifted

LEARNED = slice(36, 48)


@pytest.fixture(scope="module")
def basis() -> LandmarkBasis:
    return shipped_basis()


def placed(
    basis: LandmarkBasis,
    points: NDArray[np.float32],
    scale: float = 1.0,
    turn_deg: float = 0.0,
    shift: tuple[float, float] = (0.0, 0.0),
) -> NDArray[np.float32]:
    """Features of landmarks scaled and turned about their skull's centre, then moved (in shares of the picture)."""
    centre = points[list(SKULL)].mean(0)
    angle = np.deg2rad(turn_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = ((points - centre) @ turn.T * scale + centre + np.array(shift)).astype(np.float32)
    return np.concatenate([basis.project(moved[None])[0], np.zeros(12, np.float32)])


def mean_face(basis: LandmarkBasis) -> NDArray[np.float32]:
    return basis.landmarks(np.zeros((1, 48), np.float32))[0]


def span(points: NDArray[np.float32]) -> float:
    return float(np.ptp(points[list(SKULL), 0]))


def test_its_own_portrait_moves_as_the_driver(basis: LandmarkBasis) -> None:
    rng = np.random.default_rng(0)
    features = (rng.normal(size=(5, 48)) * basis.units * 20).astype(np.float32)
    own = (rng.normal(size=48) * basis.units * 20).astype(np.float32)
    assert np.allclose(
        scaled(features, own, own, basis), features, atol=0.02 * float(basis.units.max())
    )
    assert np.array_equal(shifted(features, own, own), features)


def test_the_driver_in_its_own_pose_leaves_the_portrait_alone(basis: LandmarkBasis) -> None:
    own, other = (
        placed(basis, mean_face(basis), 1.2),
        placed(basis, mean_face(basis), 0.7, 8, (0.05, -0.03)),
    )
    other[LEARNED] = 0.5
    for moved in (scaled(own[None], own, other, basis)[0], shifted(own[None], own, other)[0]):
        assert np.allclose(moved, other, atol=0.05)


def test_a_large_face_moves_a_small_one_by_small_distances(basis: LandmarkBasis) -> None:
    face = mean_face(basis)
    own, other = placed(basis, face, 1.3), placed(basis, face, 0.65)
    driver = placed(basis, face, 1.3, 0, (0.08, 0.02))
    start, by_scale, by_shift = (
        basis.landmarks(f[None])[0]
        for f in (
            other,
            scaled(driver[None], own, other, basis)[0],
            shifted(driver[None], own, other)[0],
        )
    )
    paths = [(moved - start).mean(0) for moved in (by_scale, by_shift)]
    assert paths[0] == pytest.approx([0.04, 0.01], abs=0.002)
    assert paths[1] == pytest.approx([0.08, 0.02], abs=0.002)


def test_a_nearer_driver_makes_the_face_larger_by_the_same_factor(basis: LandmarkBasis) -> None:
    face = mean_face(basis)
    own, other, driver = (
        placed(basis, face, 1.2),
        placed(basis, face, 0.6),
        placed(basis, face, 1.2 * 1.25),
    )
    start, by_scale, by_shift = (
        basis.landmarks(f[None])[0]
        for f in (
            other,
            scaled(driver[None], own, other, basis)[0],
            shifted(driver[None], own, other)[0],
        )
    )
    assert span(by_scale) / span(start) == pytest.approx(1.25, abs=0.01)
    assert span(by_shift) / span(start) == pytest.approx(1.5, abs=0.02)


def test_a_tilted_head_stays_a_face(basis: LandmarkBasis) -> None:
    face = mean_face(basis)
    own, other, driver = (
        placed(basis, face, 1.3),
        placed(basis, face, 0.65),
        placed(basis, face, 1.3, 20),
    )
    wanted = basis.landmarks(placed(basis, face, 0.65, 20)[None])[0]
    by_scale = basis.landmarks(scaled(driver[None], own, other, basis))[0]
    by_shift = basis.landmarks(shifted(driver[None], own, other))[0]
    size = span(wanted)
    assert np.linalg.norm(by_scale - wanted, axis=1).mean() / size < 0.01
    assert np.linalg.norm(by_shift - wanted, axis=1).mean() / size > 0.05


def test_learned_dimensions_are_shifted(basis: LandmarkBasis) -> None:
    rng = np.random.default_rng(1)
    features, own, other = (
        rng.normal(size=shape).astype(np.float32) for shape in ((3, 48), 48, 48)
    )
    moved = scaled(features, own, other, basis)
    assert (
        np.allclose(moved[:, LEARNED], (features + other - own)[:, LEARNED], atol=1e-6)
        and moved.dtype == np.float32
    )
