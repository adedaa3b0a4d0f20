"""Which of the groups that were found belong to the stream, and in which order: for reading damaged streams.

Groups say where they begin. One that begins where the last one ended is taken at once. One that begins later either
follows a hole, or is itself out of place; it waits until the next one of its kind shows which.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from vqcodec.types import KeyFrame

MAX_WAITING_KEY_FRAMES = 4

T = TypeVar("T")
R = TypeVar("R")
_PATIENCE = 2


@dataclass(frozen=True, slots=True)
class Placed(Generic[T]):
    """A group with its place.

    Attributes:
        first: where it begins (frame or sample).
        least_end: the next one begins there at the earliest.
        most_end: the next one begins there at the latest, if none is missing.
        value: the group.
        sure: false when its time is so odd that, even in the right place, it must wait for the next one.
    """

    first: int
    least_end: int
    most_end: int
    value: T
    sure: bool = True


class Line(Generic[T, R]):
    """Groups of one kind, pushed as they are found, given in order.

    Attributes:
        dropped: groups that had no place (doubled, late, overlapping, or far from all others) or could not be used.

    Args:
        use: called for each group when its turn comes; what it returns is given. None: the group can't be used, and leaves
            its place to another one.
    """

    def __init__(self, use: Callable[[T], R | None]) -> None:
        self.dropped = 0
        self._use = use
        self._least = self._most = 0
        self._early: Placed[T] | None = None
        self._passed = 0  # groups taken while this one waits

    def push(self, group: Placed[T]) -> list[R]:
        """Take the next group found; returns those whose place is known now."""
        waiting = [group] if self._early is None else sorted((self._early, group), key=_rank)
        self._early = None
        ready: list[R] = []
        for number, placed in enumerate(waiting, 1):
            if placed.first < self._least:
                self.dropped += 1
            elif (placed.first <= self._most and placed.sure) or number < len(waiting):
                ready += self._take(placed)
            else:
                self._wait(placed, placed is group)
        return ready

    def flush(self) -> list[R]:
        """What still waits, at the end."""
        early, self._early = self._early, None
        if early is None:
            return []
        if self._passed:
            self.dropped += 1
            return []
        return self._take(early)

    def _take(self, placed: Placed[T]) -> list[R]:
        used = self._use(placed.value)
        if used is None:
            self.dropped += 1
            return []
        self._least, self._most = placed.least_end, placed.most_end
        return [used]

    def _wait(self, placed: Placed[T], new: bool) -> None:
        self._passed = 0 if new else self._passed + 1
        if self._passed > _PATIENCE:
            self.dropped += 1
        else:
            self._early = placed


def _rank(placed: Placed[T]) -> tuple[int, bool]:
    return placed.first, not placed.sure


class KeyFrameQueue:
    """Portraits that wait for the group they apply to; a few at most."""

    def __init__(self) -> None:
        self._waiting: list[KeyFrame] = []
        self._last = -1  # first frame of the one in force

    def add(self, key_frame: KeyFrame) -> bool:
        """Take a portrait as it is found; returns whether all have a place. Doubled ones and the farthest ahead have none."""
        if key_frame.first_frame <= self._last or any(
            w.first_frame == key_frame.first_frame for w in self._waiting
        ):
            return False
        self._waiting = sorted((*self._waiting, key_frame), key=lambda waiting: waiting.first_frame)
        full = len(self._waiting) > MAX_WAITING_KEY_FRAMES
        if full:
            self._waiting.pop()
        return not full

    def due(self, first_frame: int, least: int = 0) -> list[KeyFrame]:
        """Those that apply to the group that starts at a frame, in order; `least` of them, if there are, even if later."""
        count = max(
            sum(w.first_frame <= first_frame for w in self._waiting), min(least, len(self._waiting))
        )
        due, self._waiting = self._waiting[:count], self._waiting[count:]
        if due:
            self._last = due[-1].first_frame
        return due
