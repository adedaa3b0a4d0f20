"""Lips as large as real ones, and lids and lips that shut as far as they are told."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.generator import drawn_face, facts, generator
from tests.support.geometry import shipped_basis, shipped_head
from vqcodec.evaluation.metrics.lipsync import opening_track
from vqcodec.generate.inputs import network_inputs
from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.geometry.controls import Controls, read_controls
from vqcodec.geometry.openings import SHUT_LIPS, upright_lid_gap_per_eye_width
from vqcodec.gesture.apertures import Closer, Lids, Lips
from vqcodec.gesture.emphasis import LipEmphasis
from vqcodec.gesture.finish import MotionFinish

SHAPE = shipped_head()


@pytest.fixture(scope="module")
def basis() -> LandmarkBasis:
    return shipped_basis()


def test_lips_are_enlarged_and_nothing_else(basis: LandmarkBasis) -> None:
    shape = shipped_head()
    points = drawn_face(80)
    features = np.concatenate([basis.project(points), np.zeros((80, 12), np.float32)], 1)
    values = ((features - features[0]) / basis.units).astype(np.float32)
    controls = read_controls(points, shape)
    _, turned, _ = network_inputs(points[0], controls[:1], controls, features[0], basis, shape)
    emphasis = LipEmphasis(basis, shape)
    assert np.array_equal(emphasis(values, turned, features[0], 1.0), values)
    larger = basis.landmarks(
        (features[0] + emphasis(values, turned, features[0], 2.0) * basis.units).astype(np.float32)
    )
    before, after = (
        np.linalg.norm(p[:, 13] - p[:, 14], axis=-1) for p in (basis.landmarks(features), larger)
    )
    assert 1.5 < after.std() / before.std() < 2.3 and np.corrcoef(before, after)[0, 1] > 0.97
    assert (
        np.abs(larger - basis.landmarks(features))[:, 10].max() < 0.1 * np.abs(after - before).max()
    )
    still = np.repeat(values[:1], 30, 0)
    assert np.allclose(
        emphasis(still, turned[:1].repeat(30, 0), features[0], 3.0), still, atol=1e-4
    )


def test_lids_shut_as_far_as_told_and_lips_stay(basis: LandmarkBasis) -> None:
    points = drawn_face(40)
    features = np.concatenate([basis.project(points), np.zeros((40, 12), np.float32)], 1)
    values = ((features - features[0]) / basis.units).astype(np.float32)
    lids, blink = Lids(SHAPE), np.zeros(40, np.float32)
    blink[10], blink[20] = 1.0, 0.5
    made = Closer(basis, lids)(
        values,
        features[0],
        lids.most(blink, float(upright_lid_gap_per_eye_width(points[:1], SHAPE)[0])),
    )
    before, after = (
        basis.landmarks((features[0] + v * basis.units).astype(np.float32)) for v in (values, made)
    )
    read = read_controls(after, SHAPE).blink
    assert read[10] > 0.9 and 0.3 < read[20] < 0.8
    assert np.array_equal(made[blink == 0], values[blink == 0]), "open eyes are left alone"
    assert np.abs(opening_track(after) - opening_track(before)).max() < 0.01
    assert (
        np.abs(read_controls(after, SHAPE).pose - read_controls(before, SHAPE).pose)[:, :3].max()
        < 0.05
    )


def test_lips_shut_and_the_eyes_stay(basis: LandmarkBasis) -> None:
    points = drawn_face(40, opening=0.5)
    features = np.concatenate([basis.project(points), np.zeros((40, 12), np.float32)], 1)
    values = ((features - features[0]) / basis.units).astype(np.float32)
    lips = Lips(SHAPE)
    most = np.where(np.arange(40) < 20, np.inf, SHUT_LIPS).astype(np.float32)
    made = Closer(basis, lips)(values, features[0], most)
    before, after = (
        basis.landmarks((features[0] + v * basis.units).astype(np.float32)) for v in (values, made)
    )
    np.testing.assert_allclose(lips.opening(before), opening_track(before), rtol=1e-4, atol=1e-6)
    assert opening_track(before).max() > 0.1 and opening_track(after)[20:].max() < SHUT_LIPS + 0.005
    assert np.array_equal(made[:20], values[:20])
    assert (
        np.abs(
            upright_lid_gap_per_eye_width(after, SHAPE)
            - upright_lid_gap_per_eye_width(before, SHAPE)
        ).max()
        < 0.03
    )


def test_a_generator_that_never_learned_it_still_blinks_and_is_silent(basis: LandmarkBasis) -> None:
    """Random weights: whatever the network makes of silence, lips are shut and lids follow."""
    points = drawn_face(1, opening=0.3).repeat(90, 0)
    still = read_controls(points, SHAPE)
    blink = still.blink.copy()
    blink[45:48] = 1
    made = np.concatenate(
        list(
            generator(basis).generate(
                np.zeros(90, np.int64),
                Controls(still.pose, still.gaze, blink),
                facts(points, basis),
                rest=np.ones(90, np.float32),
            )
        )
    )
    shown = basis.landmarks((facts(points, basis).features + made * basis.units).astype(np.float32))
    assert (read_controls(shown, SHAPE).blink[45:48] > 0.8).all()
    assert opening_track(shown).max() < 0.04


def test_lips_meet_when_told_and_the_jaw_stays(basis: LandmarkBasis) -> None:
    """For a p, b or m: shut in that frame, half way beside it, as they were elsewhere."""
    faces = drawn_face(40, opening=0.5)
    points = faces[opening_track(faces).argmax()][None].repeat(60, 0)
    shut = np.zeros(60, np.float32)
    shut[30], shut[29] = 1, 0.5
    person, zeros = facts(points, basis), np.zeros(60, np.float32)
    values, turned = np.zeros((60, 48), np.float32), np.zeros((60, 36), np.float32)
    finish, still = MotionFinish(basis, SHAPE), read_controls(points, SHAPE)
    plain, made = (finish(values, turned, still, person, zeros, how, 2.0) for how in (zeros, shut))
    assert np.array_equal(np.delete(made, [29, 30], 0), np.delete(plain, [29, 30], 0))
    before, after = (
        opening_track(basis.landmarks((person.features + v * basis.units).astype(np.float32)))
        for v in (plain, made)
    )
    assert before[30] > 0.08 and after[30] < SHUT_LIPS + 0.01
    assert after[30] + 0.01 < after[29] < before[29] - 0.01
