"""The one place that reads rates and timestamps from PyAV.

PyAV up to 18 gives `fractions.Fraction`, PyAV 19 its own `AVRational`; both have numerator and denominator. Everything
here is exact: a rate is never a float or a whole number of frames per second (29.97 is 30000/1001).
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise
from typing import Protocol

from av.video.stream import VideoStream

from vqcodec.format import MAX_FRAME_RATE_HZ

DEFAULT_RATE_HZ = Fraction(25)

# Rates that cameras and editors write; an estimate from rounded timestamps is taken as the nearest of them.
_STANDARD_HZ = tuple(
    Fraction(n, d)
    for n, d in (
        (8, 1),
        (10, 1),
        (12, 1),
        (25, 2),
        (15, 1),
        (15000, 1001),
        (16, 1),
        (20, 1),
        (24000, 1001),
        (24, 1),
        (25, 1),
        (30000, 1001),
        (30, 1),
        (48, 1),
        (50, 1),
        (60000, 1001),
        (60, 1),
        (90, 1),
        (100, 1),
        (120000, 1001),
        (120, 1),
    )
)


class Rational(Protocol):
    """A rational number of PyAV, whichever class it is."""

    @property
    def numerator(self) -> int:
        """Above the line."""
        ...

    @property
    def denominator(self) -> int:
        """Below the line; 0 where the number is unknown."""
        ...


def fraction(value: Rational | None) -> Fraction | None:
    """A PyAV rational as Fraction; None for None, 0/0 and n/0, which libav uses for "unknown"."""
    if value is None or not value.denominator:
        return None
    return Fraction(int(value.numerator), int(value.denominator))


def tick_s(value: Rational | None) -> Fraction:
    """A PyAV time base as Fraction; 1/1000000 (libav's own) where it is unknown or nonsense."""
    base = fraction(value)
    return base if base is not None and base > 0 else Fraction(1, 1_000_000)


def seconds(ticks: int | None, time_base: Rational | None) -> Fraction | None:
    """A timestamp or a duration in exact seconds, None if it isn't known."""
    return None if ticks is None else ticks * tick_s(time_base)


def plausible(rate: Fraction | None) -> bool:
    """True for a frame rate that a camera could have; libav's guesses go up to 90000 for odd files."""
    return rate is not None and 1 <= rate <= MAX_FRAME_RATE_HZ


_RAW_TICK_S = Fraction(1, 1_200_000)


def is_raw(time_base: Rational | None) -> bool:
    """Whether a video stream comes without a container: libav counts such pictures in these ticks, at 25 a second."""
    return fraction(time_base) == _RAW_TICK_S


def raw_rate(stream: VideoStream) -> tuple[Fraction, bool]:
    """The frame rate of a stream without a container, and whether that is a mere guess: not all codecs' headers tell it."""
    told = fraction(stream.codec_context.framerate)
    guess = fraction(stream.guessed_rate)
    for rate in (guess, told):
        if told is not None and rate is not None and plausible(rate):
            return rate, False
    return DEFAULT_RATE_HZ, True


def nominal_rate(
    declared: Iterable[Rational | None], ticks: Iterable[int], time_base: Rational | None
) -> Fraction:
    """Nominal frame rate of a video stream in Hz.

    The timestamps of the first packets say which rate it is about; the header's rates, which are wrong in many files
    of variable rate (a browser's webm says 1000), give its exact value when one of them agrees within 2 %.

    Args:
        declared: the header's rates (PyAV rationals or None), best first.
        ticks: presentation timestamps of some packets, in any order.
        time_base: their unit.
    """
    rates = [rate for rate in map(fraction, declared) if rate is not None and plausible(rate)]
    ticks = list(ticks)
    ordered = sorted(set(ticks))
    if rates and 2 * len(ordered) <= len(
        ticks
    ):  # a clock that stands, or is coarser than the pictures follow
        return rates[0]
    gaps = sorted(b - a for a, b in pairwise(ordered))
    if not gaps:
        return rates[0] if rates else DEFAULT_RATE_HZ
    # The median gap says what most frames do, but rounded to ticks; the mean over gaps like it is finer.
    median = gaps[len(gaps) // 2]
    alike = [gap for gap in gaps if abs(gap - median) * 2 <= median]
    estimate = len(alike) / (sum(alike) * tick_s(time_base))
    for rate in (*rates, *sorted(_STANDARD_HZ, key=lambda rate: abs(rate - estimate))):
        if abs(rate - estimate) * 50 <= rate:
            return rate
    return (
        estimate.limit_denominator(20)
        if plausible(estimate)
        else (rates[0] if rates else DEFAULT_RATE_HZ)
    )
