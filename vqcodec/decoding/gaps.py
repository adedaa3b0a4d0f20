"""What a window does about frames and sound that aren't there: nothing, as a whole stream has none to miss.

`Gaps` and `SoundGaps` are for streams that are read strictly; vqcodec.decoding.conceal has those for damaged ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import BitstreamError
from vqcodec.stream.portraits import ShownFrom
from vqcodec.stream.walk import PosedGroup

Features = NDArray[np.float32]
Pcm = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive frames.

    Attributes:
        rows: tick, (D,) features and portraits of each frame; may be a generator.
        made_up_until: tick at which the last frame ends at most, when the frames are made up; None for those of the stream.
    """

    rows: Iterable[tuple[int, Features, ShownFrom]]
    made_up_until: int | None = None


class SoundGaps:
    """Holes in the sound become plain silence."""

    def unreadable(self, error: BitstreamError) -> None:
        """A group doesn't decode; returns if that is to be taken as a hole.

        Raises:
            BitstreamError: the error given.
        """
        raise error

    def silence(self, pcm: Pcm) -> Pcm:
        """(n, channels) of zeros in place of a hole -> what is heard there."""
        return pcm

    def heard(self, pcm: Pcm) -> Pcm:
        """(n, channels) decoded, n >= 1 -> what is heard."""
        return pcm


class Gaps:
    """Every frame is in its group; nothing is made up.

    Attributes:
        sound: the same for the sound.
    """

    def __init__(self, sound: SoundGaps | None = None) -> None:
        self.sound = sound or SoundGaps()

    def filled(self, group: PosedGroup) -> Iterator[Stretch]:
        """A group, after what is missing before it."""
        yield Stretch(zip(group.ticks.tolist(), group.features, group.shown, strict=True))

    def tail(self, heard_until_s: Fraction) -> Iterator[Stretch]:
        """What is missing at the end of the stream, whose sound was given up to a time; called once."""
        return iter(())

    def sound_until(self, heard_until_s: Fraction) -> Fraction | None:
        """The time up to which silence is missing at the end of the sound, after `tail`; None for no silence."""
        return None

    def shown(self, stretch: Stretch, frames: int, span_s: tuple[Fraction, Fraction]) -> None:
        """Told of each stretch of which frames lie in the window: how many, and their span in the window's time."""
