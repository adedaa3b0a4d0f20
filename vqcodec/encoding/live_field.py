"""The field of a live encode: each frame against the portrait that shows it, at the moment it comes (encoding.field)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.encoding.field import MEASURED_EVERY, FieldMeter
from vqcodec.face.crop import resize
from vqcodec.format import FEATURE_SIZE_PX
from vqcodec.motion.field import grey_of

Features = NDArray[np.float32]


class LiveField:
    """Tells the field of one shot's frames, and remembers its portraits.

    Args:
        meter: measures.
    """

    def __init__(self, meter: FieldMeter[Any]) -> None:
        self._meter = meter
        self._portraits: dict[int, tuple[Any, Features]] = {}
        self._since = 0
        self._last: tuple[int, Features] | None = None

    def add(self, number: int, square: NDArray[np.uint8], features: Features) -> None:
        """A portrait (S, S, 3) and its features (D,), as they are stored."""
        own = features[self._meter.span].copy()
        self._portraits[number] = (self._meter.prepared(square, features), own)

    def keep(self, numbers: Collection[int]) -> None:
        """Let go of all portraits but these."""
        self._portraits = {n: kept for n, kept in self._portraits.items() if n in numbers}

    def tell(self, shown: int, square: NDArray[np.uint8], features: Features) -> None:
        """Write the field of the next frame, shown from a portrait, into its features (D,); each second one is measured."""
        portrait, own = self._portraits[shown]
        self._since += 1
        if self._last is None or self._last[0] != shown or self._since >= MEASURED_EVERY:
            grey = grey_of(resize(square, FEATURE_SIZE_PX))
            self._last = shown, self._meter.between(portrait, grey, features)
            self._since = 0
        features[self._meter.span] = own + self._last[1]

    def hold(self, shown: int, features: Features) -> None:
        """The same for a frame that can't be measured: as the one before, if the same portrait shows it."""
        _, own = self._portraits[shown]
        last = self._last
        features[self._meter.span] = own if last is None or last[0] != shown else own + last[1]
