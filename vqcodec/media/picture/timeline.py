"""Stream timestamps on one clock: zero at the first picture, strictly increasing, broken jumps taken out."""

from __future__ import annotations

# Larger steps aren't a hole in a recording but a broken or a restarted clock (joined files).
MAX_JUMP_S = 3600
MAX_STEP_BACK_S = 1


class Timeline:
    """Turns a stream's timestamps into ticks since time zero.

    A timestamp that is missing follows the one before by the nominal interval. A jump by more than an hour, or back by more
    than a second, is a restarted clock: what follows is moved so that it continues.
    """

    def __init__(self, zero: int, interval: int, ticks_per_s: int) -> None:
        """All in ticks of the stream; interval >= 1 is the nominal distance of two timestamps."""
        self._offset = zero
        self._interval = interval
        self._max_jump = MAX_JUMP_S * ticks_per_s
        self._max_back = MAX_STEP_BACK_S * ticks_per_s
        self.last: int | None = None

    def place(self, stamp: int | None) -> int | None:
        """Ticks since zero, or None for a picture that isn't later than the one before (it is to be dropped)."""
        if self.last is None:
            self.last = 0 if stamp is None else stamp - self._offset
            return self.last
        expected = self.last + self._interval
        at = expected if stamp is None else stamp - self._offset
        if at > self.last + self._max_jump or at < self.last - self._max_back:
            self._offset += at - expected
            at = expected
        if at <= self.last:
            return None
        self.last = at
        return at
