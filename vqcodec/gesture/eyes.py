"""Eyes that live: when lids shut and where the gaze rests. Both processes go frame by frame and keep a few numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vqcodec.geometry.openings import BLINK_HIDES_REST

FRAME_S = 0.04
# blinks are measured from their beginnings, on frames: a margin keeps every gap within 2 to 7 s wherever it is measured
SHORTEST_GAP_S, LONGEST_GAP_S = 2.1, 6.8
_PAUSE, _SPEECH = 0.15, 0.3
_PAUSE_MEMORY_S = 0.9
_OPENING_S = 0.32
_LARGEST_GAZE = 0.25
# how much of the way to its new target an eye goes in one frame: saccades take 20 to 80 ms
_SACCADE_SHARE = 0.75
_DRIFT_S = 0.3
_FIRST_GLANCE_S = 0.4

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EyeModel:
    """Parameters of both processes, fitted on real footage.

    Attributes:
        gap_log_mean: mean of the logarithm of the seconds between blinks.
        gap_log_std: its standard deviation; gaps are cut to 2.1 to 6.8 s.
        pause_blinks_hz: rate of blinks ahead of their time, less than 0.9 s after speech.
        closing_s: how long lids take to fall.
        shut_s: how long they stay shut; at least a frame.
        opening_s: how long they take to rise.
        fixation_log_mean: mean of the logarithm of a fixation's seconds.
        fixation_log_std: its standard deviation; fixations are cut to 0.3 to 2 s.
        centred: share of fixations near the middle.
        spread: (2,) standard deviations of the other fixations, across and down, in eye widths.
        drift: standard deviation of the eye's drift during a fixation, in eye widths.
        counter: (2,) eye widths that the gaze moves per radian the head turns, across and down: negative, eyes stay on what
            they look at.
        dip: eye widths that the iris goes down with shut lids.
    """

    gap_log_mean: float
    gap_log_std: float
    pause_blinks_hz: float
    closing_s: float
    shut_s: float
    opening_s: float
    fixation_log_mean: float
    fixation_log_std: float
    centred: float
    spread: tuple[float, float]
    drift: float
    counter: tuple[float, float]
    dip: float


def _smooth_step(x: float) -> float:
    x = min(max(x, 0.0), 1.0)
    return x * x * (3 - 2 * x)


class Blinker:
    """Lids: a renewal process. Its draws per frame are two numbers, used or not, so that pieces make the whole.

    Args:
        model: parameters.
        portrait: blink of the portrait, 0..1. Eyes that are open there are as open between blinks; shut ones open.

    Attributes:
        shut: how far the present blink has gone, 0..1.
    """

    UNIFORMS, NORMALS = 1, 1

    def __init__(self, model: EyeModel, portrait: float) -> None:
        self._model = model
        self._portrait = min(max(portrait, 0.0), 1.0)
        self._rest = self._portrait if self._portrait <= BLINK_HIDES_REST else 0.0
        self._time_s = 0.0
        self._began_s = 0.0
        self._blinked = False
        self._gap_s: float | None = None
        self._spoke_s = -math.inf
        self.shut = 0.0

    def step(self, energy: float, uniform: float, normal: float) -> float:
        """The next frame's blink, 0 open .. 1 shut."""
        m = self._model
        if self._gap_s is None:
            gap = math.exp(m.gap_log_mean + m.gap_log_std * normal)
            self._gap_s = min(max(gap, SHORTEST_GAP_S), LONGEST_GAP_S)
        since = self._time_s - self._began_s
        if energy > _SPEECH:
            self._spoke_s = self._time_s
        pause = energy < _PAUSE and self._time_s - self._spoke_s <= _PAUSE_MEMORY_S
        early = pause and since >= SHORTEST_GAP_S and uniform < m.pause_blinks_hz * FRAME_S
        if since >= self._gap_s - FRAME_S / 2 or early:
            self._began_s, self._blinked, self._gap_s, since = self._time_s, True, None, 0.0
        self.shut = self._lid(since) if self._blinked else 0.0
        rest = self._rest + (self._portrait - self._rest) * (
            1 - _smooth_step(self._time_s / _OPENING_S)
        )
        self._time_s += FRAME_S
        return rest + (1 - rest) * self.shut

    def _lid(self, since_s: float) -> float:
        m = self._model
        if since_s <= m.closing_s + m.shut_s:
            return _smooth_step(since_s / m.closing_s)
        return 1 - _smooth_step((since_s - m.closing_s - m.shut_s) / m.opening_s)


class Gazer:
    """Gaze: fixations with jumps between them, a slow drift, and a part of the head's turns undone.

    Args:
        model: parameters.
        portrait: (2,) gaze of the portrait. Where it looks nearly straight, that is the middle; a glance aside ends soon.
        shut: the portrait's eyes are shut, so its gaze says nothing.
    """

    UNIFORMS, NORMALS = 1, 5
    _MIDDLE = 0.08

    def __init__(self, model: EyeModel, portrait: Array, shut: bool) -> None:
        self._model = model
        self._spread, self._counter = np.array(model.spread), np.array(model.counter)
        length = float(np.hypot(*portrait))
        self._middle = (
            np.zeros(2) if shut else portrait * min(1.0, self._MIDDLE / max(length, 1e-9))
        )
        self._target = portrait.copy()
        self._now = portrait.copy()
        self._drift = np.zeros(2)
        self._left_s = _FIRST_GLANCE_S if length > self._MIDDLE or shut else 2 * _FIRST_GLANCE_S

    def step(self, turn: Array, uniform: float, normals: Array) -> Array:
        """The next frame's gaze (2,).

        Args:
            turn: (2,) radians the head is turned from the portrait: to the right, down.
            uniform: drawn from 0..1.
            normals: (5,) standard normal draws.
        """
        m = self._model
        seen = self._now + self._drift + self._counter * turn
        self._left_s -= FRAME_S
        if self._left_s <= 0:
            share = 0.3 if uniform < m.centred else 1.0
            self._target = self._middle + share * self._spread * normals[:2]
            self._left_s = min(
                max(math.exp(m.fixation_log_mean + m.fixation_log_std * float(normals[2])), 0.3),
                2.0,
            )
        self._now = self._now + _SACCADE_SHARE * (self._target - self._now)
        keep = math.exp(-FRAME_S / _DRIFT_S)
        self._drift = keep * self._drift + math.sqrt(1 - keep * keep) * m.drift * normals[3:]
        return np.clip(seen, -_LARGEST_GAZE, _LARGEST_GAZE)


def is_shut(blink: float) -> bool:
    """Whether a portrait's eyes count as shut."""
    return blink > BLINK_HIDES_REST
