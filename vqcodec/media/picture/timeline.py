"""Stream timestamps on one clock: zero at the first picture, strictly increasing, wrong ones replaced.

    stamps      0  1  2  9  4  5 ..     one that its neighbours contradict: between them
                5  6  0  1  2  3 ..     a clock that starts anew: goes on
                0  0  0  0  0  0 ..     a clock that stands: counted by the frame rate

A picture whose stamp isn't what the one before lets expect waits for up to three others: one witness isn't a new clock.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from typing import Generic, TypeVar

T = TypeVar("T")

_WITNESSES = 4


class Timeline(Generic[T]):
    """Turns a stream's timestamps into ticks since time zero.

    A timestamp that is missing follows the one before by the nominal interval.

    Attributes:
        last: ticks of the picture given last, None before the first.
        guessed: pictures so far whose timestamp was there, but couldn't be right.
        dropped: pictures so far for which there was no time left between their neighbours.
    """

    def __init__(self, zero: int, interval: int) -> None:
        """In ticks of the stream; interval >= 1 is the nominal distance of two timestamps."""
        self.last: int | None = None
        self.guessed = self.dropped = 0
        self._offset = zero
        self._interval = interval
        self._waiting: deque[tuple[T, int | None]] = deque()
        self._stands_at: int | None = None  # the stamp that a clock stands at

    def push(self, item: T, stamp: int | None) -> list[tuple[T, int]]:
        """Add the next picture; gives those that are placed now, in order."""
        self._waiting.append((item, None if stamp is None else stamp - self._offset))
        return self._settle(ended=False)

    def finish(self, latest: int | None = None) -> list[tuple[T, int]]:
        """The pictures that still wait, at the end; a stamp above `latest` that comes after a hole can't be right."""
        if latest is not None and self.last is not None and len(self._waiting) == 1:
            item, stamp = self._waiting[0]
            if stamp is not None and stamp > max(latest - self._offset, self.last):
                self.guessed += 1
                self._waiting[0] = item, None
        return self._settle(ended=True)

    def _settle(self, *, ended: bool) -> list[tuple[T, int]]:
        given: list[tuple[T, int]] = []
        while self._waiting and (ended or self._is_clear()):
            at = self._place()
            item, _ = self._waiting.popleft()
            if self.last is not None and at <= self.last:
                self.dropped += 1
                continue
            self.last = at
            given.append((item, at))
        return given

    def _is_clear(self) -> bool:
        """Whether enough is known to place the first picture that waits."""
        stamp = self._waiting[0][1]
        if self.last is None or stamp is None or stamp == self._stands_at:
            return True
        if self.last < stamp <= self.last + 2 * self._interval:
            return True
        if len(self._waiting) >= _WITNESSES:
            return True
        return len(self._waiting) > 1 and self.last < stamp < (self._waiting[1][1] or 0)

    def _place(self) -> int:
        """Ticks of the first picture that waits."""
        stamp = self._waiting[0][1]
        if self.last is None:
            return stamp or 0
        expected = self.last + self._interval
        if stamp is None:
            return expected
        if stamp == self._stands_at:
            self.guessed += 1
            return expected
        if self.last < stamp <= self.last + 2 * self._interval:
            self._stands_at = None
            return stamp
        return self._judged(stamp, self.last, expected)

    def _judged(self, stamp: int, last: int, expected: int) -> int:
        """Where a picture belongs whose stamp is doubtful, by those after it."""
        later = [None if s is None else s for _, s in self._waiting]
        chain = _longest_rise([s if s is not None and s > last else None for s in later])
        if chain and chain[0] == 0:
            return stamp
        if chain:
            self.guessed += 1
            following = later[chain[0]]
            assert following is not None
            return last + (following - last) // (chain[0] + 1)
        known = [s for s in later if s is not None]
        if len(known) > 2 and all(a < b for a, b in pairwise(known)):
            self._move(expected - stamp)
            return expected
        self.guessed += 1
        self._stands_at = stamp
        return expected

    def _move(self, ticks: int) -> None:
        """The clock has started anew: it goes on."""
        self._offset -= ticks
        self._waiting = deque((i, None if s is None else s + ticks) for i, s in self._waiting)


def _longest_rise(stamps: list[int | None]) -> list[int]:
    """Places of the longest strictly rising selection of stamps; of equally long ones that with the lowest end."""
    best: list[list[int]] = []
    for place, stamp in enumerate(stamps):
        if stamp is None:
            continue
        before = [run for run in best if (stamps[run[-1]] or 0) < stamp]
        best.append([*max(before, key=len, default=[]), place])
    if not best:
        return []
    longest = max(len(run) for run in best)
    ends = [run for run in best if len(run) == longest]
    return min(ends, key=lambda run: stamps[run[-1]] or 0)
