"""Where two sounds are the same, and where they aren't."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from vqcodec.speech.likeness import SoundPrint, same_sound

Floats = NDArray[np.float32]


def voice(seconds: float, seed: int) -> Floats:
    """Syllables of different pitch and colour."""
    rng, parts = np.random.default_rng(seed), []
    for _ in range(round(seconds / 0.2)):
        at = np.arange(3200) / 16000
        pitch, slope = rng.uniform(80, 300), rng.uniform(0.3, 1.5)
        tone = sum(np.sin(2 * np.pi * pitch * k * at) * k**-slope for k in range(1, 20))
        parts.append(tone * np.sin(np.pi * at / 0.2) * rng.uniform(0.02, 0.06))
    return np.concatenate(parts).astype(np.float32)


def bands(samples: Floats, piece: int = 5000) -> Floats:
    heard = SoundPrint()
    for start in range(0, len(samples), piece):
        heard.push(samples[start : start + piece])
    return heard.bands()


def test_pieces_make_the_whole() -> None:
    sound = voice(1.5, 1)[:23_001]
    whole = bands(sound, len(sound))
    assert whole.shape == (36, 16)
    assert np.allclose(whole, bands(sound, 777), atol=1e-3)


@pytest.mark.parametrize("gain", [1.0, 0.5, 2.0])
def test_a_replaced_sentence_is_found(gain: float) -> None:
    old = voice(6, 1)
    noise = np.random.default_rng(9).normal(0, 1e-4, len(old)).astype(np.float32)
    new = gain * (old + noise)
    new[32_000:64_000] = voice(2, 2)
    same = same_sound(bands(new), bands(old))
    assert same[:47].all() and same[103:].all()
    assert not same[53:97].any()


def test_a_little_later_is_the_same() -> None:
    old = voice(4, 3)
    assert same_sound(bands(np.pad(old, (1000, 0))), bands(old))[5:-5].mean() > 0.9


def test_other_voices_longer_sounds_and_none() -> None:
    one, other = bands(voice(4, 1)), bands(voice(2, 5))
    assert same_sound(one, other).mean() < 0.1
    own = same_sound(one, one[:50])
    assert own[:45].all() and not own[50:].any()
    empty = bands(np.zeros(0, np.float32))
    assert not same_sound(one, empty).any() and not len(same_sound(empty, one))
