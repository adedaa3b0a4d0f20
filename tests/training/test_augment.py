"""Augmentation of speech: length, time, level and repeatability."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from vqcodec.errors import UsageError
from vqcodec.format import SPEECH_RATE_HZ
from vqcodec.training.speech_tokens import augment as au

Samples = NDArray[np.float32]
HZ = SPEECH_RATE_HZ


def bursts(seconds: float = 2.0, hz: float = 220.0) -> Samples:
    """A tone of 100 ms every 400 ms, with harmonics."""
    t = np.arange(round(seconds * HZ)) / HZ
    tone = sum(np.sin(2 * np.pi * hz * k * t) / k for k in (1, 2, 3, 5, 9))
    return (0.3 * tone * (t % 0.4 < 0.1)).astype(np.float32)


def lag_samples(a: Samples, b: Samples, limit: int = 800) -> int:
    """By how much the energy of b comes later than that of a."""
    blocks = [np.convolve(x * x, np.ones(80), "same") for x in (a, b)]
    one, two = (x - x.mean() for x in blocks)
    scores = [
        float(np.dot(one[limit:-limit], np.roll(two, -d)[limit:-limit]))
        for d in range(-limit, limit + 1, 8)
    ]
    return int(np.argmax(scores)) * 8 - limit


def pitch_hz(samples: Samples) -> float:
    """The lowest strong line of the spectrum."""
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    return float(np.flatnonzero(power > 0.2 * power.max())[0] * HZ / len(samples))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda x, rng: au.reverberated(x, rng, 0.5),
        lambda x, rng: au.mixed(x, au.white_noise(len(x), rng), 10.0),
        lambda x, rng: au.mixed(x, au.pink_noise(len(x), rng), 10.0),
        lambda x, rng: au.mixed(x, au.music(len(x), rng), 10.0),
        lambda x, rng: au.band_limited(x, 300, 3400),
        lambda x, rng: au.clipped(x, 10.0),
    ],
)
def test_each_kind_keeps_length_and_time(
    spoil: Callable[[Samples, np.random.Generator], Samples],
) -> None:
    before = bursts()
    after = spoil(before, np.random.default_rng(3))
    assert after.dtype == np.float32 and after.shape == before.shape
    assert abs(lag_samples(before, after)) <= 80
    assert not np.allclose(before, after, atol=1e-3)


def test_augment_is_repeatable_bounded_and_leaves_its_input() -> None:
    before = bursts()
    kept = before.copy()
    others = [bursts(0.7, 150.0), bursts(1.1, 310.0)]
    changed = 0
    for seed in range(40):
        first = au.augment(before, np.random.default_rng(seed), others=others)
        second = au.augment(before, np.random.default_rng(seed), others=others)
        np.testing.assert_array_equal(first, second)
        assert first.dtype == np.float32 and first.shape == before.shape
        assert np.isfinite(first).all() and np.abs(first).max() <= 1.0
        changed += not np.array_equal(first, before)
    np.testing.assert_array_equal(before, kept)
    assert changed > 30


@pytest.mark.parametrize("count", [0, 1, 63, 700, 16001])
def test_any_length_and_silence(count: int) -> None:
    for seed in range(20):
        after = au.augment(
            np.zeros(count, np.float32),
            np.random.default_rng(seed),
            others=[np.zeros(5, np.float32)],
        )
        assert after.shape == (count,) and np.isfinite(after).all()


@pytest.mark.parametrize("ratio_db", [5.0, 20.0])
def test_the_ratio_of_a_mixture_is_as_asked(ratio_db: float) -> None:
    speech = bursts(4.0)
    noise = (
        au.mixed(speech, au.white_noise(len(speech), np.random.default_rng(0)), ratio_db) - speech
    )
    assert 20 * np.log10(au.level(speech) / au.level(noise)) == pytest.approx(ratio_db, abs=0.1)


def test_pink_noise_falls_three_decibels_an_octave() -> None:
    power = np.abs(np.fft.rfft(au.pink_noise(1 << 17, np.random.default_rng(1)))) ** 2
    hz = np.fft.rfftfreq(1 << 17, 1 / HZ)
    octaves = [
        10 * np.log10(power[(hz >= f) & (hz < 2 * f)].mean()) for f in (125, 250, 500, 1000, 2000)
    ]
    np.testing.assert_allclose(np.diff(octaves), -3.0, atol=0.8)


def test_a_telephone_passes_only_its_band() -> None:
    noise = au.white_noise(HZ * 4, np.random.default_rng(2))
    power = np.abs(np.fft.rfft(au.band_limited(noise, *au.TELEPHONE_HZ))) ** 2
    hz = np.fft.rfftfreq(HZ * 4, 1 / HZ)
    inside, above = power[(hz > 600) & (hz < 2500)].mean(), power[hz > 5500].mean()
    assert 10 * np.log10(inside / above) > 40
    with pytest.raises(UsageError, match="no band"):
        au.band_limited(noise, 3000, 9000)


def test_babble_is_made_of_the_others() -> None:
    high = np.sin(2 * np.pi * 3000 * np.arange(4000) / HZ).astype(np.float32)
    heard = au.babble(12000, np.random.default_rng(0), [high])
    assert heard.shape == (12000,)
    assert pitch_hz(heard) == pytest.approx(3000, abs=10)


@pytest.mark.parametrize("factor", [0.8, 0.93, 1.1, 1.25])
def test_changed_speed_moves_pitch_and_length(factor: float) -> None:
    tone = np.sin(2 * np.pi * 200 * np.arange(2 * HZ) / HZ).astype(np.float32)
    changed = au.changed_speed(tone, factor)
    assert len(changed) == pytest.approx(len(tone) / factor, rel=0.01)
    assert pitch_hz(changed) == pytest.approx(200 * factor, abs=2)


@pytest.mark.parametrize("factor", [0.8, 0.93, 1.1, 1.25])
def test_changed_pitch_keeps_length_and_time(factor: float) -> None:
    speech = bursts(hz=180.0)
    changed = au.changed_pitch(speech, factor)
    assert changed.shape == speech.shape and changed.dtype == np.float32
    assert abs(lag_samples(speech, changed)) <= 160
    tone = np.sin(2 * np.pi * 200 * np.arange(2 * HZ) / HZ).astype(np.float32)
    higher = au.changed_pitch(tone, factor)
    assert pitch_hz(higher) == pytest.approx(200 * factor, abs=3)
    assert au.level(higher) == pytest.approx(au.level(tone), rel=0.1)


def test_a_factor_of_one_changes_nothing_and_wild_ones_are_refused() -> None:
    speech = bursts(0.5)
    np.testing.assert_array_equal(au.changed_speed(speech, 1.0), speech)
    np.testing.assert_array_equal(au.changed_pitch(speech, 1.0), speech)
    with pytest.raises(UsageError, match="3 times"):
        au.changed_pitch(speech, 3.0)
