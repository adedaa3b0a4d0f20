"""Where two sounds are the same, though coded differently: a voice track of which one sentence was replaced.

Each 40 ms are known by the power in a few bands. Coding changes it by a decibel or two, other words by ten; what is far below
the loud parts of a sound is noise, of which coding leaves little, and counts as silence.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqcodec.format import SPEECH_TOKEN_HZ, SPEECH_TOKEN_SAMPLES
from vqcodec.speech.mel import (
    FRAMES_PER_TOKEN,
    LEAD_SAMPLES,
    TAIL_SAMPLES,
    framed_log_mel,
)

BANDS = 16
SAME_DB = 3.5
"""Mean difference of the bands, over a fifth of a second, up to which sounds are the same."""
QUIET_DB = 35.0
"""Below a sound's loud parts, silence."""
MOST_SHIFT_S = 0.12
"""Coders begin a little late, all of a sound alike."""
_WINDOW = 5
_LOUD_PERCENT = 95.0
_USED = 64
"""Of 80 mel bands: the highest are what coders leave out."""

Floats = NDArray[np.float32]


class SoundPrint:
    """Takes a sound bit by bit: 16 numbers for each 40 ms are kept."""

    def __init__(self) -> None:
        self._waiting = np.zeros(LEAD_SAMPLES, np.float32)
        self._rows: list[Floats] = []

    def push(self, samples: Floats) -> None:
        """Take samples (n,), 16 kHz mono in -1..1."""
        self._waiting = np.concatenate([self._waiting, np.asarray(samples, np.float32)])
        around = LEAD_SAMPLES + TAIL_SAMPLES
        self._read(max(len(self._waiting) - around, 0) // SPEECH_TOKEN_SAMPLES)

    def bands(self) -> Floats:
        """(T, 16) dB of all that came, T = ceil(samples / 640); nothing can be pushed afterwards."""
        left = -(-(len(self._waiting) - LEAD_SAMPLES) // SPEECH_TOKEN_SAMPLES)
        wanted = LEAD_SAMPLES + left * SPEECH_TOKEN_SAMPLES + TAIL_SAMPLES
        self._waiting = np.pad(self._waiting, (0, max(wanted - len(self._waiting), 0)))
        self._read(left)
        return np.concatenate([*self._rows, np.zeros((0, BANDS), np.float32)])

    def _read(self, count: int) -> None:
        if count <= 0:
            return
        mel = framed_log_mel(self._waiting, FRAMES_PER_TOKEN * count)[:, :_USED]
        power = 10.0**mel
        power = power.reshape(count, FRAMES_PER_TOKEN, BANDS, _USED // BANDS).mean((1, 3))
        self._rows.append(np.asarray(10 * np.log10(power), np.float32))
        self._waiting = self._waiting[count * SPEECH_TOKEN_SAMPLES :]


def same_sound(one: Floats, other: Floats) -> NDArray[np.bool_]:
    """Where two sounds are the same.

    Args:
        one: (T, 16) of `SoundPrint.bands`.
        other: (U, 16).

    Returns:
        (T,) bool; false where `other` has ended.
    """
    count = min(len(one), len(other))
    same = np.zeros(len(one), bool)
    if not count:
        return same
    louds = [float(np.percentile(bands, _LOUD_PERCENT)) for bands in (one, other)]
    most = round(MOST_SHIFT_S * SPEECH_TOKEN_HZ)
    found = [
        _alike(one, _shifted(other + more, by, len(one), louds[0]), louds[0])
        for more in (0.0, louds[0] - louds[1])
        for by in range(-most, most + 1)
    ]
    same[:count] = max(found, key=lambda row: int(row[:count].sum()))[:count]
    return same


def _shifted(rows: Floats, by: int, count: int, loud: float) -> Floats:
    """(U, 16) -> (count, 16), later by so many rows; silence where there are none."""
    out = np.full((count, rows.shape[1]), loud - QUIET_DB, np.float32)
    start, stop = max(by, 0), min(len(rows) + by, count)
    if stop > start:
        out[start:stop] = rows[start - by : stop - by]
    return out


def _alike(one: Floats, other: Floats, loud: float) -> NDArray[np.bool_]:
    """(T,) whether rows (T, 16) are the same, what is far below the loud parts being silence."""
    first, second = (np.maximum(rows, loud - QUIET_DB) for rows in (one, other))
    apart = np.abs(first - second).mean(1)
    padded = np.pad(apart, _WINDOW // 2, mode="edge")
    return np.asarray(np.convolve(padded, np.ones(_WINDOW) / _WINDOW, "valid") < SAME_DB)
