"""Landmark jitter filter: zero-phase, with a look-ahead of a few frames, and shy of real motion.

Landmarks found frame by frame tremble by a fraction of a pixel; a causal low-pass filter would trade the tremble for
lag and flatten blinks. The encoder may look ahead, so each point is the weighted mean of itself and its neighbours in
time on both sides, a bilateral filter: the weight falls with the distance in time and with how far the point has moved
meanwhile. A point at rest is averaged over about five frames; an eyelid in a blink, or lips closing for a plosive,
moves further than the noise and keeps its own measurement.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from vqcodec.face.crop import face_box

Points: TypeAlias = NDArray[np.float32]

LOOK_AHEAD_FRAMES = 3
REACH_S = 0.13
"""Neighbours further away in time have no weight: at 8 frames a second nothing is averaged."""
TIME_SIGMA_S = 0.045
NOISE_SHARE = 0.004
"""Displacement, over the face's height, at which a neighbour's weight falls to exp(-1/2): about 1 px of 256."""


@dataclass(slots=True)
class _Entry:
    points: Points | None
    time_s: float


def _blend(centre: _Entry, others: list[_Entry]) -> Points | None:
    """The filtered points of `centre`, given all entries in its window (itself excluded)."""
    if centre.points is None:
        return None
    here = centre.points.astype(np.float64)
    sigma = max(NOISE_SHARE * face_box(centre.points)[3], 1e-9)
    total = here.copy()
    weight = np.ones((len(here), 1))
    for entry in others:
        gap_s = abs(entry.time_s - centre.time_s)
        if entry.points is None or gap_s > REACH_S:
            continue
        moved = ((entry.points - here) ** 2).sum(axis=1, keepdims=True)
        share = np.exp(-0.5 * (gap_s / TIME_SIGMA_S) ** 2 - 0.5 * moved / sigma**2)
        total += share * entry.points
        weight += share
    return (total / weight).astype(np.float32)


class LandmarkFilter:
    """Streaming form: push frames in order, get each one back, filtered, `look_ahead` pushes later.

    The result doesn't depend on how the calls are grouped; start a new filter at a cut.

    Args:
        look_ahead: frames a frame waits for, 0..LOOK_AHEAD_FRAMES: fewer tremble a little more, and come sooner.
    """

    def __init__(self, look_ahead: int = LOOK_AHEAD_FRAMES) -> None:
        self._look_ahead = look_ahead
        self._window: deque[_Entry] = deque()
        self._next = 0  # position in the window of the next frame to hand out

    def push(self, points: Points | None, time_s: Fraction) -> list[Points | None]:
        """Take one frame.

        Args:
            points: (N, 2) landmarks in any unit, or None where no face was seen.
            time_s: its presentation time.

        Returns:
            Filtered points of the frames that are complete now, in order: none or one.
        """
        self._window.append(_Entry(points, float(time_s)))
        if len(self._window) - self._next <= self._look_ahead:
            return []
        return [self._emit()]

    def flush(self) -> list[Points | None]:
        """Filtered points of the frames still held; the filter is empty afterwards."""
        rest = []
        while self._next < len(self._window):
            rest.append(self._emit())
        self._window.clear()
        self._next = 0
        return rest

    def _emit(self) -> Points | None:
        low, high = max(self._next - LOOK_AHEAD_FRAMES, 0), self._next + self._look_ahead + 1
        near = [
            self._window[i] for i in range(low, min(high, len(self._window))) if i != self._next
        ]
        result = _blend(self._window[self._next], near)
        if self._next == LOOK_AHEAD_FRAMES:
            self._window.popleft()
        else:
            self._next += 1
        return result
