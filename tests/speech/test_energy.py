"""Loudness and silences: what moves a speaker's head, and when lips rest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.generator import noise
from vqcodec.format import SPEECH_TOKEN_SAMPLES
from vqcodec.speech.energy import EnergyMeter
from vqcodec.speech.rest import resting


def test_energy_is_of_the_sounds_own_loudness() -> None:
    sound = noise(4, -70)
    sound[16000:32000] += noise(1, -20, 1)
    sound[40000:48000] += noise(0.5, -35, 2)
    energy = frame_energy(sound)
    assert energy.shape == (100,) and energy.dtype == np.float32
    assert energy[:24].max() == 0 and energy[26:49].min() > 0.9 and 0.3 < energy[65:72].mean() < 0.7
    np.testing.assert_allclose(frame_energy(0.25 * sound)[26:49], energy[26:49], atol=0.02)


def test_background_noise_counts_little_and_silence_nothing() -> None:
    sound = noise(4, -40)
    sound[16000:32000] += noise(1, -20, 1)
    assert frame_energy(sound)[:24].mean() < 0.1
    for quiet in (np.zeros(16000), noise(2, -65), np.full(16000, 0.7)):
        assert not frame_energy(quiet).any()


def test_energy_of_pieces_is_that_of_the_whole() -> None:
    sound = np.concatenate([noise(1, -20), noise(1, -50)])[:-100]
    meter = EnergyMeter()
    for piece in np.split(sound, [1, 700, 701, 9000, 20000]):
        meter.push(piece)
    np.testing.assert_array_equal(meter.energy(), frame_energy(sound))
    assert len(frame_energy(sound)) == -(-len(sound) // SPEECH_TOKEN_SAMPLES)
    assert len(frame_energy(np.zeros(0))) == 0 == len(EnergyMeter().energy())
    broken = sound.copy()
    broken[500:600] = np.nan
    assert np.isfinite(frame_energy(broken)).all()


def frame_energy(sound: np.ndarray) -> np.ndarray:
    """Of a whole sound at once."""
    meter = EnergyMeter()
    meter.push(sound)
    return meter.energy()


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
