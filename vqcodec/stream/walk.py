"""A stream's items -> motion features: the one place where a portrait sets the base that motion groups add to.

    KeyFrame, PortraitUnit 0   f_s = units * stored                        (D,), what the portrait shows
    MotionGroup                f_t = f_s + units * sum of its layers       (T, D), a row a frame

Tokens to whole units: bitstream_spec/tokens.md; whole units to features: the motion space's own steps. Other portraits of a
shot than its number 0 show frames, too, but set no base.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vqcodec.container.reader import Item
from vqcodec.errors import UnsupportedError
from vqcodec.format import from_indices
from vqcodec.quantize.grfsq import dequantize
from vqcodec.stream.portraits import Portrait, Shot, ShownFrom
from vqcodec.types import Head, KeyFrame, MotionGroup, PortraitUnit

Features = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PosedGroup:
    """A motion group whose tokens have become features.

    Attributes:
        portrait: what its tokens are relative to: the key frame, or portrait 0 of its shot.
        base: (D,) float32 features of that portrait, f_s.
        first_frame: number of its first frame in the stream.
        ticks: (T,) int64 times.
        features: (T, D) float32, f_t.
        shown: T, which portraits show the frames.
    """

    portrait: Portrait
    base: Features
    first_frame: int
    ticks: NDArray[np.int64]
    features: Features
    shown: tuple[ShownFrom, ...]

    def __len__(self) -> int:
        return len(self.ticks)


class FramePose(NamedTuple):
    """One frame of a stream.

    Attributes:
        tick: when it is shown.
        features: (D,) float32, f_t.
        shown: what it is rendered from.
    """

    tick: int
    features: Features
    shown: ShownFrom


class Walk:
    """Follows the items of a stream, one by one.

    Args:
        units: (D,) float32 of the motion space.
        layers: residual layers to use, 1..4; None takes all that the groups hold.
    """

    def __init__(self, units: Features, layers: int | None = None) -> None:
        self._shot: Shot | None = None
        self._newest: Portrait | None = None
        self._base: Features = np.zeros(0, np.float32)
        self._units, self._layers = units, layers

    @property
    def portrait(self) -> Portrait | None:
        """What the tokens of the next group are relative to; None before the first portrait."""
        return None if self._shot is None else self._shot.first

    def newest(self) -> Portrait:
        """The portrait that came last.

        Raises:
            ValueError: none has come.
        """
        if self._newest is None:
            raise ValueError("no portrait has come yet")
        return self._newest

    def push(self, item: Item) -> PosedGroup | None:
        """Take the next item; only a motion group gives something."""
        if isinstance(item, KeyFrame) or (isinstance(item, PortraitUnit) and item.number == 0):
            self._shot, self._base = Shot(item), dequantize(item.features, self._units)
            self._newest = self._shot.first
        elif isinstance(item, PortraitUnit) and self._shot is not None:
            self._newest = self._shot.add(item)
        if not isinstance(item, MotionGroup):
            return None
        assert self._shot is not None  # readers refuse a group before the first portrait
        tokens = item.indices[..., : self._layers]
        features = self._base + dequantize(from_indices(tokens), self._units)
        shown = self._shot.shown(item.runs, len(item.ticks))
        return PosedGroup(
            self._shot.first, self._base, item.first_frame, item.ticks, features, shown
        )


def check_units(head: Head, units: Features) -> None:
    """Whether a motion space's units, (D,), are for the dimensions of a stream.

    Raises:
        UnsupportedError: the stream has another number of dimensions than the space that it names.
    """
    if len(units) != head.dims:
        raise UnsupportedError(
            f"the stream has {head.dims} motion dimensions, its motion space {head.motion_space.name!r} has {len(units)}",
            hint="The program that wrote the file named the wrong motion space: encode the video again with this one.",
        )


def posed_groups(
    items: Iterable[Item], units: Features, layers: int | None = None
) -> Iterator[PosedGroup]:
    """The motion groups of a stream with their features; arguments as of Walk."""
    walk = Walk(units, layers)
    for item in items:
        group = walk.push(item)
        if group is not None:
            yield group


def poses(items: Iterable[Item], units: Features, layers: int | None = None) -> Iterator[FramePose]:
    """The frames of a stream, in order; arguments as of Walk."""
    for group in posed_groups(items, units, layers):
        for row in zip(group.ticks.tolist(), group.features, group.shown, strict=True):
            yield FramePose(*row)
