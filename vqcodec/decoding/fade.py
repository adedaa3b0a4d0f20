"""Cross-fades where a shot gets another portrait: a switch within it would be seen as a pop.

    shown   old old old | mix mix mix mix mix | new new new       | the first frame of the new portrait
    share    0   0   0    1/6 2/6 3/6 4/6 5/6   1   1   1         of the new portrait, at 25 frames per second

Frames of the fade are rendered from both portraits, with the same motion. A file doesn't say whether a portrait begins a
shot: motion that goes on says that it doesn't. None of this is normative (vqt.md, section 19).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from vqcodec.runtime.opencv import cv2
from vqcodec.stream.walk import PosedGroup
from vqcodec.types import KeyFrame

PORTRAIT_FADE_S = Fraction(1, 5)
SAME_SHOT_UNITS = 6.0
"""Neighbours of one shot lie nearer in 97 of 100 cases, frames of different recordings further apart in 99.5 of 100."""
SAME_SCENE = 0.25

Features = NDArray[np.float32]
Pixels = NDArray[np.uint8]


def goes_on(before: Features, after: Features, units: Features) -> bool:
    """Whether two neighbouring frames, (48,) each, can be of one shot: root mean square of the motion, in units."""
    steps = (after.astype(np.float64) - before) / units
    return float(np.sqrt(np.square(steps).mean())) <= SAME_SHOT_UNITS


@dataclass(frozen=True, slots=True)
class Fade:
    """A change of portrait within a shot.

    Attributes:
        key_frame: the portrait before.
        last_s: when its last frame is shown.
        first_s: when the first frame of the new one is shown, at most PORTRAIT_FADE_S later.
    """

    key_frame: KeyFrame
    last_s: Fraction
    first_s: Fraction

    def share(self, time_s: Fraction) -> float | None:
        """Part of the new portrait in a frame, between 0 and 1, growing evenly; None when the fade is over."""
        end_s = self.first_s + PORTRAIT_FADE_S
        if not self.first_s <= time_s < end_s:
            return None
        return float((time_s - self.last_s) / (end_s - self.last_s))


class Fades:
    """Finds the fades of a stream, group by group.

    Args:
        units: (48,) of the motion space.
        time_base_s: seconds in a tick.

    Attributes:
        fade: the one that the next frames may lie in; None after a cut, or where the portrait never changed.
    """

    def __init__(self, units: Features, time_base_s: Fraction) -> None:
        self.fade: Fade | None = None
        self._units, self._time_base_s = units, time_base_s
        self._portrait_before: KeyFrame | None = None  # until the first group of the next one
        self._last: tuple[int, Features] | None = None  # tick and features of a group's last frame

    def leave(self, key_frame: KeyFrame | None) -> None:
        """Another portrait follows this one, which is None before the first."""
        self._portrait_before, self.fade = key_frame, None

    def forget(self) -> None:
        """Frames are missing: whether the next portrait begins a shot can't be told."""
        self._portrait_before = None

    def enter(self, group: PosedGroup) -> None:
        """Take the next group: where its portrait is new, but not its shot, the one before fades away."""
        before, self._portrait_before = self._portrait_before, None
        last, self._last = self._last, (int(group.ticks[-1]), group.features[-1])
        if before is None or last is None:
            return
        last_s, first_s = last[0] * self._time_base_s, int(group.ticks[0]) * self._time_base_s
        near = first_s - last_s <= PORTRAIT_FADE_S
        if near and goes_on(last[1], group.features[0], self._units):
            self.fade = Fade(before, last_s, first_s)


def cross_faded(old: Pixels, new: Pixels, share: float) -> Pixels:
    """A frame from both of its renderings.

    Args:
        old: (S, S, 3) uint8, from the portrait before.
        new: (S, S, 3) uint8, from the portrait in force.
        share: part of `new`, 0..1.

    Returns:
        Their mean by weight; `new` where the two show different scenes (mean difference above a quarter).
    """
    if float(np.abs(_thumbnail(old) - _thumbnail(new)).mean()) > SAME_SCENE * 255:
        return new
    return np.asarray(cv2.addWeighted(old, 1 - share, new, share, 0), np.uint8)


def _thumbnail(picture: Pixels) -> NDArray[np.float32]:
    return cv2.resize(picture, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
