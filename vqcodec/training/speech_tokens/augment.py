"""Spoils sound as the world does, for the speech tokenizer's training: a frame keeps its place, so its target stays its own.

Everything is numpy and scipy, under 10 ms for a second of sound. Arrays are (N,) float32 in -1..1 at 16 kHz.
`changed_speed` and `changed_pitch` (vqcodec.training.speech_tokens.stretch) change what the
teacher hears too: use them before the teacher.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, fftconvolve, sosfilt, sosfiltfilt

from vqcodec.errors import UsageError
from vqcodec.format import SPEECH_RATE_HZ
from vqcodec.training.speech_tokens.stretch import changed_pitch, changed_speed

__all__ = [
    "augment",
    "babble",
    "band_limited",
    "changed_pitch",
    "changed_speed",
    "clipped",
    "level",
    "mixed",
    "music",
    "pink_noise",
    "reverberated",
    "white_noise",
]

Samples = NDArray[np.float32]

NOISE_DB = (5.0, 30.0)
MUSIC_DB = (5.0, 25.0)
GAIN_DB = (-24.0, 6.0)
REVERBERATION_S = (0.15, 0.9)
CLIPPED_DB = (3.0, 15.0)
TELEPHONE_HZ = (300.0, 3400.0)
CHANCES = {
    "reverberation": 0.3,
    "noise": 0.5,
    "music": 0.25,
    "band": 0.2,
    "gain": 0.8,
    "clipping": 0.1,
}
_FLOOR = 1e-5
_CHORDS = ((0, 4, 7), (0, 3, 7), (0, 5, 9), (0, 4, 7, 11), (0, 3, 7, 10), (-5, 0, 4))
_PARTIALS = 6


def level(samples: Samples) -> float:
    """Root mean square of the louder half of the sound (pauses don't count), at least 1e-5."""
    blocks = samples[: len(samples) // 320 * 320].reshape(-1, 320)
    if not len(blocks):
        blocks = samples.reshape(1, -1)
    powers = np.sort(np.einsum("ij,ij->i", blocks, blocks) / max(blocks.shape[1], 1))
    return max(float(np.sqrt(powers[len(powers) // 2 :].mean())), _FLOOR)


def mixed(samples: Samples, disturbance: Samples, ratio_db: float) -> Samples:
    """The sum, with the sound `ratio_db` louder than the disturbance."""
    gain = level(samples) / level(disturbance) * 10.0 ** (-ratio_db / 20.0)
    return samples + disturbance * np.float32(gain)


def white_noise(count: int, rng: np.random.Generator) -> Samples:
    """Equal power at every frequency."""
    return rng.standard_normal(count, dtype=np.float32)


def pink_noise(count: int, rng: np.random.Generator) -> Samples:
    """Power falling with 1 / frequency (three poles and zeros, within 1 dB above 40 Hz)."""
    sections = np.array(
        [
            [1, -0.98443604, 0, 1, -0.99572754, 0],
            [1, -0.83392334, 0, 1, -0.94790649, 0],
            [1, -0.07568359, 0, 1, -0.53567505, 0],
        ]
    )
    return sosfilt(sections, rng.standard_normal(count, dtype=np.float32)).astype(np.float32)


def babble(count: int, rng: np.random.Generator, others: Sequence[Samples]) -> Samples:
    """Three to six other pieces of speech at once, each from a random place, repeated where too short."""
    total = np.zeros(count, np.float32)
    for _ in range(int(rng.integers(3, 7))):
        other = others[int(rng.integers(len(others)))]
        if len(other):
            start = int(rng.integers(len(other)))
            piece = np.concatenate([other[start : start + count], other[:start]])
            total += np.resize(piece, count) / np.float32(level(other))
    return total


def reverberated(samples: Samples, rng: np.random.Generator, decay_s: float) -> Samples:
    """In a room: decaying noise after the direct sound, which keeps its time. `decay_s` is until the echo is 60 dB down."""
    count = max(int(decay_s * SPEECH_RATE_HZ * 0.7), 2)
    response = rng.standard_normal(count, dtype=np.float32)
    response *= np.exp(
        np.arange(count, dtype=np.float32) * np.float32(-6.9 / (decay_s * SPEECH_RATE_HZ))
    )
    gap = int(rng.uniform(0.001, 0.008) * SPEECH_RATE_HZ)
    response[: min(gap, count)] = 0.0
    direct_db = float(rng.uniform(-2.0, 14.0))
    response *= np.float32(
        10.0 ** (-direct_db / 20.0) / max(float(np.sqrt(np.sum(response**2))), _FLOOR)
    )
    response[0] = 1.0
    wet = fftconvolve(samples, response)[: len(samples)].astype(np.float32)
    return wet * np.float32(level(samples) / level(wet))


def _tone(count: int, hz: float, decay_s: float, rng: np.random.Generator) -> Samples:
    """A struck note: harmonics that fall in level and decay faster the higher they are, below 7.6 kHz."""
    t = np.arange(count, dtype=np.float32) / SPEECH_RATE_HZ
    total = np.zeros(count, np.float32)
    for k in range(1, _PARTIALS + 1):
        if k * hz > 7600:
            break
        amplitude = float(rng.uniform(0.3, 1.0)) / k
        phase = float(rng.uniform(0, 2 * np.pi))
        envelope = np.float32(amplitude) * np.exp(t * np.float32(-(k**0.5) / decay_s))
        total += envelope * np.sin(t * np.float32(2 * np.pi * k * hz) + np.float32(phase))
    rise = min(80, count)  # 5 ms: a struck string, no click
    total[:rise] *= np.linspace(0, 1, rise, dtype=np.float32)
    return total


def music(count: int, rng: np.random.Generator) -> Samples:
    """A few chords of decaying harmonic tones in a steady beat, an instrument and key of its own each time."""
    total = np.zeros(count, np.float32)
    beat = int(rng.uniform(0.25, 0.8) * SPEECH_RATE_HZ)
    root_hz = 110.0 * 2.0 ** float(rng.uniform(-0.5, 1.5))
    decay_s = float(rng.uniform(0.15, 0.6))
    # a handful of chords rendered once and struck again: a song repeats itself, and it is quick
    length = min(int(4 * decay_s * SPEECH_RATE_HZ), count, 2 * beat)
    chords = []
    for _ in range(3):
        shift = int(rng.choice((0, 2, 5, 7, 9)))
        steps = _CHORDS[int(rng.integers(len(_CHORDS)))]
        notes = [
            _tone(length, root_hz * 2.0 ** ((shift + step) / 12), decay_s, rng) for step in steps
        ]
        chords.append(np.stack(notes).sum(0))
    for start in range(int(rng.integers(beat)), count, beat):
        chord = chords[int(rng.integers(len(chords)))][: count - start]
        total[start : start + len(chord)] += chord * np.float32(rng.uniform(0.5, 1.0))
    return total


def band_limited(samples: Samples, low_hz: float, high_hz: float) -> Samples:
    """Only low_hz..high_hz, as over a telephone: filtered forwards and backwards, so nothing is delayed.

    Raises:
        UsageError: not 0 < low_hz < high_hz < 8000.
    """
    if not 0 < low_hz < high_hz < SPEECH_RATE_HZ / 2:
        raise UsageError(
            f"{low_hz:g}..{high_hz:g} Hz is no band of 16 kHz sound",
            hint="give two rising frequencies below 8000",
        )
    if len(samples) < 64:
        return samples
    sections = butter(3, (low_hz, high_hz), btype="band", fs=SPEECH_RATE_HZ, output="sos")
    return sosfiltfilt(sections, samples, padlen=min(60, len(samples) - 1)).astype(np.float32)


def clipped(samples: Samples, over_db: float) -> Samples:
    """As recorded `over_db` too loud: the peaks are cut off, the level stays about the same."""
    loudest = float(np.abs(samples).max(initial=0.0))
    if loudest < _FLOOR:
        return samples
    limit = np.float32(loudest * 10.0 ** (-over_db / 20.0))
    return np.clip(samples, -limit, limit)


def _noise(count: int, rng: np.random.Generator, others: Sequence[Samples] | None) -> Samples:
    """White, pink, or, where there is other speech, babble."""
    kind = int(rng.integers(3 if others else 2))
    if kind == 2 and others:
        return babble(count, rng, others)
    return pink_noise(count, rng) if kind else white_noise(count, rng)


def _telephone(samples: Samples, rng: np.random.Generator) -> Samples:
    """A telephone's band, or a dull one with an upper edge anywhere from 2.5 to 7 kHz."""
    low, high = TELEPHONE_HZ
    return (
        band_limited(samples, low, high)
        if rng.random() < 0.5
        else band_limited(samples, 60.0, float(rng.uniform(2500, 7000)))
    )


def augment(
    samples: Samples, rng: np.random.Generator, *, others: Sequence[Samples] | None = None
) -> Samples:
    """Each kind of harm with its chance in `CHANCES`, in the order in which a recording meets them.

    Args:
        samples: (N,) float32 in -1..1 at 16 kHz; left as it is.
        rng: decides everything.
        others: other speech, for babble.

    Returns:
        (N,) float32 in -1..1; frame i still holds what frame i held.
    """
    if not len(samples):
        return samples
    happens = {name: bool(rng.random() < chance) for name, chance in CHANCES.items()}
    result = samples
    if happens["reverberation"]:
        result = reverberated(result, rng, float(rng.uniform(*REVERBERATION_S)))
    if happens["noise"]:
        result = mixed(result, _noise(len(result), rng, others), float(rng.uniform(*NOISE_DB)))
    if happens["music"]:
        result = mixed(result, music(len(result), rng), float(rng.uniform(*MUSIC_DB)))
    if happens["band"]:
        result = _telephone(result, rng)
    if happens["clipping"]:
        result = clipped(result, float(rng.uniform(*CLIPPED_DB)))
    if happens["gain"]:
        result = result * np.float32(10.0 ** (float(rng.uniform(*GAIN_DB)) / 20.0))
    return np.clip(result, -1.0, 1.0).astype(np.float32)
