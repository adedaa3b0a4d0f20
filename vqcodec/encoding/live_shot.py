"""What a live encode knows of the shot that goes on, and of the group that waits (encoding.live)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from vqcodec.encoding.coding import PlacedUnit
from vqcodec.encoding.live_field import LiveField
from vqcodec.face.mismatch import Look
from vqcodec.face.shots import Face
from vqcodec.format import MAX_GROUP_FRAMES
from vqcodec.media.still.portrait_coder import PortraitCoder

GROUP_S = Fraction(2, 5)
WATCHED_GROUP_S = Fraction(3, 25)
"""Of a stream that is watched while it is made: longer groups come later, shorter ones cost more (bitstream_spec/carriage.md)."""

Features = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class GroupSpan:
    """How much a group holds.

    Attributes:
        group_s: from its first frame to the first one of the next group, at least; with `frame_s` at most.
        frame_s: how long a frame lasts, by the nominal rate: a group that has room for no more of them is written at once.
            None: when the next frame has come.
    """

    group_s: Fraction = GROUP_S
    frame_s: Fraction | None = None

    def ends(self, length_s: Fraction) -> bool:
        """Whether a frame that begins so long after the group's first one belongs to the next one."""
        if self.frame_s is None:
            return length_s >= self.group_s
        return length_s + self.frame_s > self.group_s


UNWATCHED = GroupSpan()


@dataclass(slots=True)
class LiveShot:
    """The shot that goes on.

    Attributes:
        cuts: which of the input's shots it belongs to.
        number: of the stream's shots.
        coder: its portraits'.
        base: f_s, dequantized.
        first_tick: of its first frame.
        newest: the face of its newest portrait, and that portrait's features as they are stored.
        field: tells the field of its frames; None where the motion space has none.
        looks: of the portraits that may be shown, with their numbers.
        portraits: how many it has.
        shown: number of the portrait that shows frames now.
        regret: what a fresh portrait would have saved since the newest one, distance times seconds.
        sharp: how sharp its frames have been of late (face.keyframes.sharpness).
        row_s: when portraits are compared again; None: now.
        due_s: when the next portrait comes, where they come by the clock; None: not known yet.
    """

    cuts: int
    number: int
    coder: PortraitCoder
    base: Features
    first_tick: int
    newest: tuple[Face, NDArray[np.int16]]
    field: LiveField | None = None
    looks: list[tuple[int, Look]] = dataclasses.field(default_factory=list)
    portraits: int = 0
    shown: int = 0
    regret: float = 0.0
    sharp: float = 0.0
    row_s: Fraction | None = None
    due_s: Fraction | None = None


@dataclass(slots=True)
class WaitingGroup:
    """Frames of the group to come, and portraits to be written before it.

    Attributes:
        span: how much it holds.
        before: the portrait of the frame before it; None at the start of a shot.
        indices: of its frames in the stream.
        ticks: their times.
        features: their motion, None without a face.
        shown: the portrait of each.
        units: portraits.
    """

    span: GroupSpan = UNWATCHED
    before: int | None = None
    indices: list[int] = dataclasses.field(default_factory=list)
    ticks: list[int] = dataclasses.field(default_factory=list)
    features: list[Features | None] = dataclasses.field(default_factory=list)
    shown: list[int] = dataclasses.field(default_factory=list)
    units: list[PlacedUnit] = dataclasses.field(default_factory=list)

    def is_due(self, tick: int, time_base_s: Fraction) -> bool:
        """Whether a frame of this time belongs to the next group."""
        if not self.ticks:
            return False
        length_s = (tick - self.ticks[0]) * time_base_s
        return self.span.ends(length_s) or len(self.ticks) == MAX_GROUP_FRAMES

    def is_full(self, time_base_s: Fraction) -> bool:
        """Whether it need not wait for its next frame, which would belong to the next group anyway."""
        if self.span.frame_s is None or not self.ticks:
            return False
        return self.span.ends((self.ticks[-1] - self.ticks[0]) * time_base_s + self.span.frame_s)

    def append(self, index: int, tick: int, features: Features | None, shown: int) -> None:
        """Take a frame."""
        self.indices.append(index)
        self.ticks.append(tick)
        self.features.append(features)
        self.shown.append(shown)

    def next(self) -> WaitingGroup:
        """The one behind it."""
        return WaitingGroup(self.span, self.shown[-1] if self.shown else self.before)
