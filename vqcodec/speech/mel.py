"""Log-mel spectrogram of 16 kHz speech, four frames to a token: what the speech tokenizer hears.

Frame j looks at samples 160 j - 120 .. 160 j + 280 under a Hann window, so that its middle is the middle of its own 10 ms;
samples outside the sound are silence. A frame depends on nothing else: no mean or maximum over the sound, which a stream
could not know.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vqcodec.format import SPEECH_RATE_HZ, SPEECH_TOKEN_SAMPLES

HOP_SAMPLES = 160
WINDOW_SAMPLES = 400
BANDS = 80
FRAMES_PER_TOKEN = SPEECH_TOKEN_SAMPLES // HOP_SAMPLES
LEAD_SAMPLES = 120
"""Samples that a frame sees before its own 160."""
TAIL_SAMPLES = WINDOW_SAMPLES - LEAD_SAMPLES - HOP_SAMPLES
FLOOR = 1e-8
"""Power under which everything is silence: about the rounding noise of 16 bits."""

Samples = NDArray[np.float32]


def hertz_to_mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slaney's mel scale, linear to 1 kHz and logarithmic above."""
    linear = hertz * 3 / 200
    return np.where(
        hertz < 1000, linear, 15 + 27 * np.log(np.maximum(hertz, 1000) / 1000) / np.log(6.4)
    )


def mel_to_hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inverse of `hertz_to_mel`."""
    return np.where(
        mel < 15, mel * 200 / 3, 1000 * np.exp(np.log(6.4) * (np.maximum(mel, 15) - 15) / 27)
    )


@lru_cache(maxsize=2)
def filters(bands: int = BANDS) -> NDArray[np.float32]:
    """(201, bands) float32, triangles of equal area between 0 and 8 kHz, as Whisper's and librosa's are."""
    edges = mel_to_hertz(np.linspace(0, hertz_to_mel(np.array(SPEECH_RATE_HZ / 2)), bands + 2))
    bins = np.fft.rfftfreq(WINDOW_SAMPLES, 1 / SPEECH_RATE_HZ)[:, None]
    rise = (bins - edges[:-2]) / np.diff(edges)[:-1]
    fall = (edges[2:] - bins) / np.diff(edges)[1:]
    out: NDArray[np.float32] = (
        np.maximum(0, np.minimum(rise, fall)) * 2 / (edges[2:] - edges[:-2])
    ).astype(np.float32)
    return out


@lru_cache(maxsize=1)
def window() -> NDArray[np.float32]:
    """(400,) periodic Hann window."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW_SAMPLES) / WINDOW_SAMPLES)).astype(
        np.float32
    )


def framed_log_mel(samples: Samples, frames: int) -> NDArray[np.float32]:
    """Log-mel of frames that lie one after another.

    Args:
        samples: (160 * frames + 240,) float32 in -1..1, from 120 before the first frame's own samples on.
        frames: how many.

    Returns:
        (frames, 80) float32, log10 of power, about -8 (silence) to 2.
    """
    cut = np.lib.stride_tricks.sliding_window_view(samples, WINDOW_SAMPLES)[::HOP_SAMPLES][:frames]
    power = np.abs(np.fft.rfft(cut * window(), axis=1)).astype(np.float32) ** 2
    out: NDArray[np.float32] = np.log10(np.maximum(power @ filters(), FLOOR))
    return out


def log_mel(samples: Samples) -> NDArray[np.float32]:
    """Log-mel of a whole sound, padded with silence to full tokens.

    Args:
        samples: (N,) float32, 16 kHz mono, -1..1.

    Returns:
        (4 * ceil(N / 640), 80) float32, 100 frames a second.
    """
    tokens = -(-len(samples) // SPEECH_TOKEN_SAMPLES)
    padded = np.zeros(LEAD_SAMPLES + tokens * SPEECH_TOKEN_SAMPLES + TAIL_SAMPLES, np.float32)
    padded[LEAD_SAMPLES : LEAD_SAMPLES + len(samples)] = samples
    return framed_log_mel(padded, FRAMES_PER_TOKEN * tokens)
