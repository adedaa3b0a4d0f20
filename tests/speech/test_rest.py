"""Silences: when lips rest, and lids and lips that shut as far as they are told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.generator import drawn_face, facts, generator, noise
from tests.support.geometry import shipped_basis, shipped_head
from vqcodec.errors import UsageError
from vqcodec.evaluation.metrics.lipsync import opening_track
from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.geometry.controls import Controls, read_controls
from vqcodec.geometry.openings import SHUT_LIPS, upright_lid_gap_per_eye_width
from vqcodec.gesture.apertures import Closer, Lids, Lips
from vqcodec.speech.energy import EnergyMeter, frame_energy
from vqcodec.speech.rest import resting

SHAPE = shipped_head()


@pytest.fixture(scope="module")
def basis() -> LandmarkBasis:
    return shipped_basis()


def silent(sound: np.ndarray) -> np.ndarray:
    meter = EnergyMeter()
    meter.push(sound)
    return meter.silent()


@pytest.mark.parametrize("floor_dbfs", [-90, -45])
def test_silence_is_below_the_voice_or_as_faint_as_the_room(floor_dbfs: float) -> None:
    sound = noise(6, floor_dbfs)
    sound[32000:64000] += noise(2, -20, 1)
    found = silent(sound)
    assert (
        found.shape == (150,)
        and found[:49].mean() > 0.9
        and found[101:].mean() > 0.9
        and not found[51:99].any()
    )


@pytest.mark.parametrize(
    "sound",
    [np.zeros(32000, np.float32), noise(2, -60), noise(2, -75)],
    ids=["zeros", "-60", "-75"],
)
def test_faint_noise_alone_is_silence(sound: np.ndarray) -> None:
    assert silent(sound).all() and not frame_energy(sound).any()


def test_a_voice_is_no_silence_however_faint_or_even() -> None:
    syllables = np.repeat(np.tile([1.0, 0.05], 20), 1600)
    assert silent(noise(4, -54) * syllables).mean() < 0.6
    assert not silent(noise(4, -30)).any()


def test_lips_rest_in_long_silences_only() -> None:
    flags = np.ones(200, bool)
    flags[50:80] = flags[100:120] = flags[160:] = False
    rest = resting(flags)
    assert (rest[:35] == 1).all() and rest[47:50].max() < 0.1, (
        "shut from the first frame, open before the voice"
    )
    assert not rest[80:100].any(), "a pause of less than a second is the generator's"
    assert not rest[120:125].any() and (rest[136:148] == 1).all() and rest[158] < 0.1
    assert not rest[~flags].any() and np.abs(np.diff(rest)).max() < 0.25


def test_a_click_ends_no_silence_and_an_end_needs_no_opening() -> None:
    flags = np.ones(60, bool)
    flags[:10], flags[35:37] = False, False
    rest = resting(flags)
    assert (rest[26:] == 1).all()
    assert (resting(np.ones(5, bool)) == 1).all() and not resting(np.zeros(5, bool)).any()
    assert len(resting(np.zeros(0, bool))) == 0


@given(st.lists(st.booleans(), max_size=120))
@settings(max_examples=50, deadline=None)
def test_rest_is_between_0_and_1(flags: list[bool]) -> None:
    rest = resting(np.array(flags, bool))
    assert (
        rest.shape == (len(flags),)
        and rest.dtype == np.float32
        and (rest >= 0).all()
        and (rest <= 1).all()
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


def test_rest_has_a_number_for_every_frame(basis: LandmarkBasis) -> None:
    points = drawn_face(5)
    with pytest.raises(UsageError, match="4 of rest"):
        list(
            generator(basis).generate(
                np.zeros(5, np.int64),
                read_controls(points, SHAPE),
                facts(points, basis),
                rest=np.zeros(4, np.float32),
            )
        )
