"""Frames at their own pace, for those who watch: none before its time, and fewer where the machine is too slow for all.

A frame is left out while those that come out are late, so that what is shown stays near what is seen. What an input itself is
late by (a camera that pauses, a pipe) is none of that: times are counted anew from there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction

MOST_LATE_S = 0.3
"""From a frame's time until it is coded, at most, before others are left out."""
MOST_LEFT_OUT = 4
"""In a row: a machine that is far too slow still shows something."""


class Pace:
    """Says when a frame is to be taken, and whether.

    Args:
        clock: in seconds.
        sleep: waits so many of them.

    Attributes:
        left_out: frames.
        stopped: `stop` was called.
        zero_s: the clock at the input's time 0; None before the first frame.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.left_out = 0
        self.stopped = False
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self.zero_s: float | None = None
        self._late_s = 0.0
        self._in_a_row = 0
        self._waited_s = 0.0

    def takes(self, time_s: Fraction) -> bool:
        """Wait until a frame's time; false to leave it out."""
        now_s = self._clock()
        if self.zero_s is None:
            self.zero_s = now_s - float(time_s)
        ahead_s = self.zero_s + float(time_s) - now_s
        if ahead_s > 0:
            self._waited_s = 0.0
            self._sleep(ahead_s)
        elif -ahead_s > self._waited_s:
            self.zero_s += -ahead_s - self._waited_s
            ahead_s = -self._waited_s
        with self._lock:
            late = max(self._late_s, -ahead_s) > MOST_LATE_S
            self._in_a_row = self._in_a_row + 1 if late and self._in_a_row < MOST_LEFT_OUT else 0
            self.left_out += self._in_a_row > 0
            return self._in_a_row == 0

    def stop(self) -> None:
        """End the input here, as if it were over."""
        self.stopped = True

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While somebody else works, and the next frame has to wait for it."""
        from_s = self._clock()
        yield
        self._waited_s += self._clock() - from_s

    def coded(self, time_s: Fraction) -> None:
        """A frame has come out, perhaps in another thread."""
        with self._lock:
            if self.zero_s is not None:
                self._late_s = self._clock() - self.zero_s - float(time_s)
