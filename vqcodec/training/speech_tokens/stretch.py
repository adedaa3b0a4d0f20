"""Faster, slower, higher, lower: speech of other speakers out of the same recording."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from vqcodec.errors import UsageError

Samples = NDArray[np.float32]

FACTORS = (0.5, 2.0)
_WINDOW = 480  # 30 ms at 16 kHz: two periods of a deep voice
_HOP = _WINDOW // 2
_SEARCH = 160  # either way: together a period of 50 Hz
_DENOMINATOR = 100


def _checked(factor: float) -> Fraction:
    if not FACTORS[0] <= factor <= FACTORS[1]:
        raise UsageError(
            f"speech can't be changed {factor:g} times",
            hint=f"give a factor from {FACTORS[0]} to {FACTORS[1]}",
        )
    return Fraction(factor).limit_denominator(_DENOMINATOR)


def changed_speed(samples: Samples, factor: float) -> Samples:
    """Speed and pitch together, as a tape played faster: (N,) to (ceil(N / factor),), factor rounded to hundredths.

    Raises:
        UsageError: factor is outside 0.5..2.
    """
    ratio = _checked(factor)
    if ratio == 1 or not len(samples):
        return samples
    return resample_poly(samples, ratio.denominator, ratio.numerator).astype(np.float32)


def stretched(samples: Samples, count: int) -> Samples:
    """The same sound in `count` samples at the same pitch, by WSOLA (Verhelst and Roelands, 1993).

    Windows of 30 ms are laid side by side at half overlap; each is taken from near its place in the source, where it
    continues the one before it best.
    """
    if count == len(samples) or not len(samples):
        return samples if count == len(samples) else np.zeros(count, np.float32)
    window = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)
    padded = np.pad(samples, (_HOP + _SEARCH, _WINDOW + 2 * _SEARCH + _HOP))
    result = np.zeros(count + 2 * _WINDOW, np.float32)
    step = len(samples) / count
    last = len(padded) - _WINDOW
    follows: Samples | None = None
    for at in range(0, count + _HOP, _HOP):
        place = min(round(at * step) + _SEARCH, last - _SEARCH)
        if follows is not None:
            near = padded[place - _SEARCH : place + _SEARCH + _WINDOW]
            place += int(np.argmax(np.correlate(near, follows, "valid"))) - _SEARCH
        result[at : at + _WINDOW] += padded[place : place + _WINDOW] * window
        follows = padded[min(place + _HOP, last) :][:_WINDOW]
    return result[_HOP : _HOP + count]


def changed_pitch(samples: Samples, factor: float) -> Samples:
    """Another pitch (and size of the throat) at the same speed: (N,) to (N,).

    Raises:
        UsageError: factor is outside 0.5..2.
    """
    return stretched(changed_speed(samples, factor), len(samples))
