"""When a viewer shows what has come: as soon as the line allows, and no sooner.

    way        how long after its time the last frame of a packet came; the shortest of the last ten seconds is the line's own
    delay      how much longer frames wait: for the first frame of their packet, for packets that come later than the fastest,
               and, on a line that loses some, for the packet behind that holds a copy

Clocks are the viewer's own, in float seconds; the sender's isn't asked.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from fractions import Fraction

WINDOW_S = 10.0
LATE_WINDOW_S = 3.0
ON_TIME_SHARE = 0.95
MARGIN_S = 0.01
LOSSY_SHARE = 0.02
MOST_DELAY_S = 1.0
FALL_S_PER_S = 0.02
"""How fast the delay gets smaller again: nobody hears it."""
FALL_SHARE = 0.25
"""Of what it is too large by, a second, if that is faster: a sender is late when it begins, and shouldn't stay so."""


@dataclass(frozen=True, slots=True)
class _Arrival:
    now_s: float
    way_s: float
    span_s: float


class Playout:
    """Follows arrivals, and tells what is to be shown."""

    def __init__(self) -> None:
        self._arrivals: deque[_Arrival] = deque()
        self._loss = 0.0
        self._delay_s = 0.0
        self._at_s: float | None = None
        self._interval_s = 0.0

    def arrived(self, first_s: Fraction, last_s: Fraction, now_s: float, lost: int) -> None:
        """A packet has come.

        Args:
            first_s: time of the first frame of its own group.
            last_s: of the last one.
            now_s: of the viewer's clock.
            lost: packets that are missing since the newest one before it.
        """
        for _ in range(min(lost, 100)):
            self._loss += (1 - self._loss) / 50
        self._loss -= self._loss / 50
        way_s, span_s = now_s - float(last_s), float(last_s - first_s)
        if self._arrivals and not lost:
            gap_s = float(last_s) - (self._arrivals[-1].now_s - self._arrivals[-1].way_s)
            self._interval_s += (max(gap_s, 0.0) - self._interval_s) / 4
        self._arrivals.append(_Arrival(now_s, way_s, span_s))
        while self._arrivals[0].now_s < now_s - WINDOW_S:
            self._arrivals.popleft()
        self._adjust(now_s)

    def position(self, now_s: float) -> Fraction | None:
        """The time of the stream that is shown now; None before the first packet."""
        if not self._arrivals:
            return None
        return Fraction(now_s - self.base_s - self._delay_s)

    @property
    def base_s(self) -> float:
        """What the viewer's clock is ahead of the stream's time, with the line's own delay."""
        return min(arrival.way_s for arrival in self._arrivals)

    @property
    def delay_s(self) -> float:
        """How long frames wait beside that."""
        return self._delay_s

    @property
    def heard_s(self) -> float | None:
        """When the last packet came; None before the first."""
        return self._arrivals[-1].now_s if self._arrivals else None

    def late_ms(self, since_s: float) -> int:
        """How much later than the fastest packet the slowest one since then came."""
        recent = [arrival.way_s for arrival in self._arrivals if arrival.now_s >= since_s]
        return round(1000 * (max(recent) - self.base_s)) if recent else 0

    def _adjust(self, now_s: float) -> None:
        base_s = self.base_s
        needs = sorted(
            arrival.way_s - base_s + arrival.span_s
            for arrival in self._arrivals
            if arrival.now_s >= now_s - LATE_WINDOW_S
        )
        wanted_s = needs[min(int(ON_TIME_SHARE * len(needs)), len(needs) - 1)] + MARGIN_S
        if self._loss >= LOSSY_SHARE:
            wanted_s += self._interval_s
        wanted_s = min(wanted_s, MOST_DELAY_S)
        passed_s = 0.0 if self._at_s is None else now_s - self._at_s
        self._at_s = now_s
        fall_s = max(FALL_S_PER_S, FALL_SHARE * (self._delay_s - wanted_s)) * passed_s
        self._delay_s = max(wanted_s, self._delay_s - fall_s)
