"""What frames are shown from: a key frame (major version 1), or a portrait of a shot (major version 2).

    PORT 0 <- 1 <- 2        units: each is decoded right after the one it depends on
         ^--- 3             path of portrait 3: units 0, 3
    runs  3 x portrait 0 | 2 x portrait 0 passing to 3 | rest portrait 3        which of them show the frames of a group

A portrait is one object as long as its shot goes on, so what is made from it can be kept by its identity.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from vqcodec.types import KeyFrame, PortraitRun, PortraitUnit

WEIGHTS = 16
"""A run's weight counts sixteenths."""


@dataclass(frozen=True, slots=True, eq=False)
class StreamPortrait:
    """A portrait of a shot, with all that its picture is decoded from.

    Attributes:
        path: units from the shot's number 0 to the portrait's own, in the order of decoding.
    """

    path: tuple[PortraitUnit, ...]

    @property
    def number(self) -> int:
        """Its number within the shot."""
        return self.path[-1].number

    @property
    def features(self) -> NDArray[np.int16]:
        """(D,) int16, its own motion features in units of the motion space."""
        return self.path[-1].features

    @property
    def first_frame(self) -> int:
        """Frames in the stream before it."""
        return self.path[-1].first_frame

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """Its picture, (S, S, 3) uint8 with S the coded size, decoded anew at each call.

        Raises:
            BitstreamError: a unit is damaged.
        """
        from vqcodec.media.still.portrait_stream import PathDecoder

        return PathDecoder().picture([unit.unit for unit in self.path])


Portrait: TypeAlias = KeyFrame | StreamPortrait


def shot_of(portrait: Portrait) -> KeyFrame | PortraitUnit:
    """What all portraits of a shot have in common, and no others: its number 0; a key frame is alone."""
    return portrait if isinstance(portrait, KeyFrame) else portrait.path[0]


@dataclass(frozen=True, slots=True, eq=False)
class ShownFrom:
    """The portraits of one frame.

    Attributes:
        portrait: the first, or only one.
        other: a second one; None for one alone.
        share: of `other` in the picture, 0..1; 0 without.
        passing: the two are rendered and mixed by the share, as one gives way to the other; else each place of the picture
            is shown from the one that suits it better.
    """

    portrait: Portrait
    other: Portrait | None = None
    share: Fraction = Fraction(0)
    passing: bool = False

    @property
    def nearer(self) -> Portrait:
        """The one with the larger share."""
        return self.portrait if self.other is None or self.share <= Fraction(1, 2) else self.other


def shares_of_other(run: PortraitRun) -> Iterator[Fraction]:
    """Share of a run's second portrait in each of its frames, 0 without one (bitstream_spec/vqt.md, MOTN)."""
    for number in range(1, run.frames + 1):
        if run.other is None:
            yield Fraction(0)
        elif run.weight:
            yield Fraction(run.weight, WEIGHTS)
        else:
            yield Fraction(number, run.frames + 1)


class Shot:
    """The portraits of a shot, as they come. What they depend on, and what groups name, has come: readers see to that.

    Args:
        first: its number 0; or a key frame, which is a shot of one portrait.

    Attributes:
        first: portrait 0, to whose features the shot's tokens add.
    """

    def __init__(self, first: KeyFrame | PortraitUnit) -> None:
        self.first: Portrait = first if isinstance(first, KeyFrame) else StreamPortrait((first,))
        self._portraits = {0: self.first}

    def add(self, unit: PortraitUnit) -> StreamPortrait:
        """Take a portrait after number 0."""
        assert unit.depends_on is not None
        before = self._portraits[unit.depends_on]
        assert isinstance(before, StreamPortrait)  # a key frame has none after it
        portrait = self._portraits[unit.number] = StreamPortrait((*before.path, unit))
        return portrait

    def shown(self, runs: Iterable[PortraitRun], frames: int) -> tuple[ShownFrom, ...]:
        """What each frame of a group is shown from.

        Args:
            runs: of the group; none for portrait 0.
            frames: of the group.
        """
        every = tuple(runs) or (PortraitRun(frames, 0),)
        return tuple(shown for run in every for shown in self._run(run))

    def _run(self, run: PortraitRun) -> list[ShownFrom]:
        portrait = self._portraits[run.portrait]
        if run.other is None:
            return [ShownFrom(portrait)] * run.frames
        other, shares = self._portraits[run.other], shares_of_other(run)
        if run.weight:
            return [ShownFrom(portrait, other, next(shares))] * run.frames
        return [ShownFrom(portrait, other, share, passing=True) for share in shares]
