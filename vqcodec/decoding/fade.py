"""Cross-fades where a scene goes on with another portrait: a switch within it would be seen as a pop.

    shown   old old old | mix mix mix mix mix | new new new       | the first frame of the new portrait
    share    0   0   0    1/6 2/6 3/6 4/6 5/6   1   1   1         of the new portrait, at 25 frames per second

Frames of the fade are rendered from both portraits, with the same motion. A file of major version 1 doesn't say whether a
portrait begins a shot: motion that goes on says that it doesn't. One of version 2 says whether a shot continues the one
before it, and what passes within it (PosedGroup.shown). None of this is normative (vqt.md, section 19).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from vqcodec.runtime.opencv import cv2
from vqcodec.stream.portraits import Portrait, ShownFrom, StreamPortrait
from vqcodec.stream.walk import PosedGroup

PORTRAIT_FADE_S = Fraction(1, 5)
SAME_SHOT_UNITS = 6.0
"""Neighbours of one shot lie nearer in 97 of 100 cases, frames of different recordings further apart in 99.5 of 100."""
SAME_SCENE = 0.25

Features = NDArray[np.float32]
Pixels = NDArray[np.uint8]


def goes_on(before: Features, after: Features, units: Features) -> bool:
    """Whether two neighbouring frames, (D,) each, can be of one shot: root mean square of the motion, in units."""
    steps = (after.astype(np.float64) - before) / units
    return float(np.sqrt(np.square(steps).mean())) <= SAME_SHOT_UNITS


def same_scene(before: Features, group: PosedGroup, units: Features) -> bool:
    """Whether a group with a new key frame, or the first of a shot, shows what the frame before did; see `goes_on`."""
    if isinstance(group.portrait, StreamPortrait):
        return group.portrait.path[0].continues
    return goes_on(before, group.features[0], units)


@dataclass(frozen=True, slots=True)
class Fade:
    """A change of portrait within a scene.

    Attributes:
        portrait: the one before.
        last_s: when its last frame is shown.
        first_s: when the first frame of the new one is shown, at most PORTRAIT_FADE_S later.
    """

    portrait: Portrait
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
        units: (D,) of the motion space.
        time_base_s: seconds in a tick.

    Attributes:
        fade: the one that the next frames may lie in; None after a cut, or where the portrait never changed.
    """

    def __init__(self, units: Features, time_base_s: Fraction) -> None:
        self.fade: Fade | None = None
        self._units, self._time_base_s = units, time_base_s
        self._leaves = False  # until the first group of the next one
        # tick, features and portraits of a group's last frame
        self._last: tuple[int, Features, ShownFrom] | None = None

    def leave(self) -> None:
        """A key frame, or a shot, begins."""
        self._leaves, self.fade = True, None

    def forget(self) -> None:
        """Frames are missing: whether the next portrait begins a shot can't be told."""
        self._leaves = False

    def enter(self, group: PosedGroup) -> None:
        """Take the next group: where its portrait is new, but not its scene, the one before fades away."""
        leaves, self._leaves = self._leaves, False
        last, self._last = self._last, (int(group.ticks[-1]), group.features[-1], group.shown[-1])
        if last is None or not leaves:
            return
        last_s, first_s = last[0] * self._time_base_s, int(group.ticks[0]) * self._time_base_s
        near = first_s - last_s <= PORTRAIT_FADE_S
        if near and same_scene(last[1], group, self._units):
            self.fade = Fade(last[2].nearer, last_s, first_s)


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
    return mixed(old, new, share)


def mixed(old: Pixels, new: Pixels, share: float) -> Pixels:
    """The mean by weight, whatever they show; arguments as of cross_faded."""
    return np.asarray(cv2.addWeighted(old, 1 - share, new, share, 0), np.uint8)


def _thumbnail(picture: Pixels) -> NDArray[np.float32]:
    return cv2.resize(picture, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
