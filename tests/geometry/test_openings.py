"""Eyes and mouths: each measure is what it was, to the last bit where portraits and bytes hang on it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.geometry import shipped_head
from vqcodec.geometry.headpose import rotations
from vqcodec.geometry.openings import (
    lid_gap_per_eye_width,
    lip_gap,
    lip_gap_per_eye_distance,
    lip_gap_per_mouth_width,
    per_eye_distance,
    upright_lid_gap_per_eye_width,
)

Points = NDArray[np.float32]

# of heads(3)
GOLDEN_EAR = [0.337276504, 0.341251014, 0.376680705]
GOLDEN_MAR = [0.0493055098, 0.0282304678, 0.0460922122]
GOLDEN_LIPS = [0.0273752639, 0.0144782702, 0.0260606517]
GOLDEN_UPRIGHT = [0.311279446, 0.326204509, 0.359502673]


def heads(count: int) -> Points:
    """(T, 478, 2) of heads that turn, with landmarks a little off."""
    rng = np.random.default_rng(5)
    turns = rotations(rng.normal(0, 0.2, (count, 3)))
    flat = np.einsum("nd,tkd->tnk", shipped_head().points, turns)[..., :2]
    return (0.15 * flat + 0.5 + rng.normal(0, 0.002, flat.shape)).astype(np.float32)


def eye_aspect_ratio(points: Points) -> float:
    """As portraits were first chosen by it, written out: the order of the sums is part of the last bit."""
    ratios = []
    for outer, inner, lids in (
        (33, 133, ((160, 144), (159, 145), (158, 153))),
        (362, 263, ((385, 380), (386, 374), (387, 373))),
    ):
        width = float(np.hypot(*(points[outer] - points[inner])))
        gap = float(np.mean([np.hypot(*(points[a] - points[b])) for a, b in lids]))
        ratios.append(gap / max(width, 1e-6))
    return float(np.mean(ratios))


def test_portraits_are_chosen_by_the_same_bits() -> None:
    for points in heads(300):
        assert lid_gap_per_eye_width(points) == eye_aspect_ratio(points)
        mouth = np.hypot(*(points[13] - points[14])) / np.hypot(*(points[61] - points[291]))
        assert lip_gap_per_mouth_width(points) == float(mouth)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_lips_are_measured_in_the_precision_of_the_points(kind: type) -> None:
    points = heads(200).astype(kind)
    eyes = np.linalg.norm(points[:, 33] - points[:, 263], axis=-1)
    gap = np.linalg.norm(points[:, 13] - points[:, 14], axis=-1)
    assert lip_gap(points).dtype == kind and np.array_equal(lip_gap(points), gap)
    assert np.array_equal(lip_gap_per_eye_distance(points), gap / eyes)
    height = np.linalg.norm(points[:, 0] - points[:, 17], axis=-1) / eyes
    assert np.array_equal(per_eye_distance(points, (0, 17)), height)
    one = [float(lip_gap_per_eye_distance(face)) for face in points]
    assert np.array_equal(one, lip_gap_per_eye_distance(points))


def test_the_measures_are_what_they_were() -> None:
    points = heads(3)
    golden = {
        lid_gap_per_eye_width: GOLDEN_EAR,
        lip_gap_per_mouth_width: GOLDEN_MAR,
        lip_gap_per_eye_distance: GOLDEN_LIPS,
    }
    for measure, values in golden.items():
        np.testing.assert_allclose([measure(face) for face in points], values, rtol=1e-6)
    upright = upright_lid_gap_per_eye_width(points, shipped_head())
    np.testing.assert_allclose(upright, GOLDEN_UPRIGHT, rtol=1e-4)


def test_a_turned_head_narrows_eyes_in_the_picture_and_not_upright() -> None:
    turns = rotations(np.array([[0, 0, 0], [0, 0.6, 0], [0.3, 0, 0.4]]))
    flat = np.einsum("nd,tkd->tnk", shipped_head().points, turns)[..., :2]
    points = (0.15 * flat + 0.5).astype(np.float32)
    upright = upright_lid_gap_per_eye_width(points, shipped_head())
    assert np.ptp(upright) < 0.005
    assert np.ptp([lid_gap_per_eye_width(face) for face in points]) > 0.02


def test_what_is_no_face_divides_by_nothing() -> None:
    same = np.full((478, 2), 0.5, np.float32)
    assert lid_gap_per_eye_width(same) == lip_gap_per_mouth_width(same) == 0
    assert lip_gap_per_eye_distance(same) == 0
    nothing = np.full((2, 478, 2), np.nan, np.float32)
    assert np.isnan(lip_gap_per_eye_distance(nothing)).all()
    assert np.isnan(upright_lid_gap_per_eye_width(nothing, shipped_head())).all()
