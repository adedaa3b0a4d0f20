"""How loud speech is, frame by frame: what moves the head of a speaker."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqcodec.format import SPEECH_TOKEN_SAMPLES

# quieter than this is silence, whatever the rest is like
FLOOR_DBFS = -60.0
# energy is 1 at the loud parts of the sound itself and 0 this far below them, or at its background
RANGE_DB = 30.0
_LEAST_RANGE_DB = 12.0
# silent is what is so far below the loud parts, or about as faint as the sound's faintest parts
_SILENT_DB, _SILENT_DBFS = 35.0, -57.0
_FAINTEST_PERCENT, _OVER_FAINTEST_DB, _UNDER_LOUD_DB = 5.0, 4.0, 15.0
# a sound that is faint and even throughout is noise
_FAINT_DBFS, _EVEN_DB = -50.0, 10.0
_LOUD_PERCENT, _BACKGROUND_PERCENT = 95.0, 10.0
_OVER_BACKGROUND_DB = 3.0

Floats = NDArray[np.float32]


class EnergyMeter:
    """Loudness of sound that comes in pieces: keeps one number a frame, so an hour of sound is 90,000 numbers."""

    def __init__(self) -> None:
        self._levels: list[NDArray[np.float64]] = []
        self._rest = np.zeros(0, np.float32)

    def push(self, samples: NDArray[np.floating]) -> None:
        """Take samples, 16 kHz mono in -1..1; what isn't finite counts as silence."""
        sound = np.concatenate(
            [self._rest, np.nan_to_num(np.asarray(samples, np.float32), posinf=0.0, neginf=0.0)]
        )
        whole = len(sound) // SPEECH_TOKEN_SAMPLES * SPEECH_TOKEN_SAMPLES
        self._rest = sound[whole:]
        self._levels.append(_levels_db(sound[:whole].reshape(-1, SPEECH_TOKEN_SAMPLES)))

    def energy(self) -> Floats:
        """Energy of all that came: (ceil(samples / 640),) float32 in 0..1.

        0 is silence or background, 1 as loud as the sound's loud parts (its 95th percentile), linear in dB between.
        """
        levels = self._all()
        loud = _loud(levels)
        if loud is None:
            return np.zeros(len(levels), np.float32)
        background = float(np.percentile(levels, _BACKGROUND_PERCENT)) + _OVER_BACKGROUND_DB
        zero = max(FLOOR_DBFS, loud - RANGE_DB, min(background, loud - _LEAST_RANGE_DB))
        return np.clip((levels - zero) / max(loud - zero, 1.0), 0, 1).astype(np.float32)

    def silent(self) -> NDArray[np.bool_]:
        """Which frames hold no voice: (ceil(samples / 640),) bool, true for silence and for the noise of its room.

        Within speech there are such frames too: only a long run of them is a silence (speech.rest).
        """
        levels = self._all()
        loud = _loud(levels)
        if loud is None:
            return np.ones(len(levels), bool)
        faintest = float(np.percentile(levels, _FAINTEST_PERCENT))
        threshold = max(
            loud - _SILENT_DB,
            _SILENT_DBFS,
            min(faintest + _OVER_FAINTEST_DB, loud - _UNDER_LOUD_DB),
        )
        return np.asarray(levels < threshold)

    def _all(self) -> NDArray[np.float64]:
        last = [_levels_db(self._rest[None])] if len(self._rest) else []
        return np.concatenate([*self._levels, *last, np.zeros(0)])


def _loud(levels: NDArray[np.float64]) -> float | None:
    """Level of the loud parts in dBFS; None where there is nothing but silence or faint, even noise."""
    heard = levels[levels > FLOOR_DBFS]
    if not len(heard):
        return None
    loud = float(np.percentile(heard, _LOUD_PERCENT))
    even = loud - float(np.percentile(levels, _FAINTEST_PERCENT)) < _EVEN_DB
    return None if loud < _FAINT_DBFS and even else loud


def _levels_db(frames: NDArray[np.float32]) -> NDArray[np.float64]:
    """(T, n) samples -> (T,) level about the mean (a constant offset is no sound), in dBFS."""
    power = frames.astype(np.float64).var(1) if len(frames) else np.zeros(0)
    return np.asarray(10 * np.log10(np.maximum(power, 1e-12)))
