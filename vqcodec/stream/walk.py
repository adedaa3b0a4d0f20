"""A stream's items -> motion features: the one place where a key frame sets the base that motion groups add to.

    KeyFrame     f_s = units * stored                        (48,), what the portrait shows
    MotionGroup  f_t = f_s + units * sum of its layers       (T, 48), a row a frame

Tokens to whole units: bitstream_spec/tokens.md; whole units to features: the motion space's own steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vqcodec.container.reader import Item
from vqcodec.format import from_indices
from vqcodec.quantize.grfsq import dequantize
from vqcodec.types import KeyFrame, MotionGroup

Features = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PosedGroup:
    """A motion group whose tokens have become features.

    Attributes:
        key_frame: the portrait its frames are rendered from.
        base: (48,) float32 features of that portrait, f_s.
        first_frame: number of its first frame in the stream.
        ticks: (T,) int64 times.
        features: (T, 48) float32, f_t.
    """

    key_frame: KeyFrame
    base: Features
    first_frame: int
    ticks: NDArray[np.int64]
    features: Features

    def __len__(self) -> int:
        return len(self.ticks)


class FramePose(NamedTuple):
    """One frame of a stream.

    Attributes:
        tick: when it is shown.
        features: (48,) float32, f_t.
        key_frame: the portrait it is rendered from.
    """

    tick: int
    features: Features
    key_frame: KeyFrame


class Walk:
    """Follows the items of a stream, one by one.

    Args:
        units: (48,) float32 of the motion space.
        layers: residual layers to use, 1..4; None takes all that the groups hold.

    Attributes:
        key_frame: the portrait in force; None before the first one.
    """

    def __init__(self, units: Features, layers: int | None = None) -> None:
        self.key_frame: KeyFrame | None = None
        self._base: Features = np.zeros(0, np.float32)
        self._units, self._layers = units, layers

    def push(self, item: Item) -> PosedGroup | None:
        """Take the next item; only a motion group gives something."""
        if isinstance(item, KeyFrame):
            self.key_frame, self._base = item, dequantize(item.features, self._units)
        if not isinstance(item, MotionGroup):
            return None
        assert self.key_frame is not None  # readers refuse a group before the first key frame
        tokens = item.indices[..., : self._layers]
        features = self._base + dequantize(from_indices(tokens), self._units)
        return PosedGroup(self.key_frame, self._base, item.first_frame, item.ticks, features)


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
        for tick, features in zip(group.ticks.tolist(), group.features, strict=True):
            yield FramePose(tick, features, group.key_frame)
