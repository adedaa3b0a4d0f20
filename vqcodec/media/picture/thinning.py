"""Which pictures of a stream are kept: all, fewer, or the nearest to a new rate's times. Works on any payload."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")

DEFAULT_MAX_RATE_HZ = 30
# A telephone's "30 fps" may measure 30.1; only from here on is a rate "above 30".
_ABOVE_HZ = Fraction(61, 2)


class Thinning(Protocol[T]):
    """Takes pictures in order of time and gives those to keep, with their (new) times."""

    def push(self, item: T, time_s: Fraction) -> list[tuple[T, Fraction]]:
        """Add the next picture."""

    def finish(self, end_s: Fraction) -> list[tuple[T, Fraction]]:
        """The stream ended; its last picture was to be shown until `end_s`."""


class Thin(Generic[T]):
    """Passes over pictures that come sooner than `gap_s` after the last one kept. Times stay."""

    def __init__(self, gap_s: Fraction) -> None:
        """gap_s = 0 keeps all."""
        self._gap_s = gap_s
        self._last_s: Fraction | None = None

    def push(self, item: T, time_s: Fraction) -> list[tuple[T, Fraction]]:
        """Add the next picture."""
        if self._last_s is not None and time_s - self._last_s < self._gap_s:
            return []
        self._last_s = time_s
        return [(item, time_s)]

    def finish(self, end_s: Fraction) -> list[tuple[T, Fraction]]:
        """Nothing is held back."""
        return []


class Nearest(Generic[T]):
    """Pictures at k / rate, each the one nearest in time (of two equally near, the earlier)."""

    def __init__(self, rate_hz: Fraction) -> None:
        """rate_hz > 0."""
        self._rate_hz = rate_hz
        self._next = 0
        self._held: tuple[T, Fraction] | None = None

    def push(self, item: T, time_s: Fraction) -> list[tuple[T, Fraction]]:
        """Add the next picture; gives what the one before it stands for."""
        given: list[tuple[T, Fraction]] = []
        if self._held is not None:
            middle = (self._held[1] + time_s) / 2
            given = self._until(lambda at: at <= middle)
        self._held = (item, time_s)
        return given

    def finish(self, end_s: Fraction) -> list[tuple[T, Fraction]]:
        """Give what the last picture stands for."""
        return self._until(lambda at: at < end_s) if self._held is not None else []

    def _until(self, holds: Callable[[Fraction], bool]) -> list[tuple[T, Fraction]]:
        assert self._held is not None
        given: list[tuple[T, Fraction]] = []
        while holds(at := self._next / self._rate_hz):
            given.append((self._held[0], at))
            self._next += 1
        return given


def default_thinning(nominal_hz: Fraction) -> tuple[int, Fraction]:
    """How a stream is thinned when no rate was asked for.

    Returns:
        (step, gap_s): keep every step-th picture: 1 up to 30 fps, 2 up to 60, 4 up to 120 ...; and the time to the last
        kept one below which a picture is passed over. By time, not by counting, so that a variable-rate stream that slows
        down keeps what it has.
    """
    step = 1
    while nominal_hz / step > _ABOVE_HZ:
        step *= 2
    if step == 1:
        return 1, Fraction(0)
    return step, (step - Fraction(1, 2)) / nominal_hz
