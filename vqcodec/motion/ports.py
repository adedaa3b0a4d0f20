"""What the joints need of a motion space: protocols that MotionSpace keeps, and stand-ins in tests."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vqcodec.geometry.layout import Layout
from vqcodec.motion.surroundings import SurroundingsTracker
from vqcodec.types import ModelId


class MotionFeatures(Protocol):
    """What is needed of a motion space (vqcodec.motion.space.MotionSpace)."""

    @property
    def id(self) -> ModelId:
        """What a token means."""
        ...

    @property
    def units(self) -> NDArray[np.float32]:
        """(D,) size of the finest quantizer step."""
        ...

    @property
    def layout(self) -> Layout:
        """What the dimensions mean."""
        ...

    def tracker(self) -> SurroundingsTracker | None:
        """What follows background and torso through a shot; None where the space doesn't code them."""
        ...

    def features(
        self,
        frames: NDArray[np.uint8],
        landmarks: NDArray[np.float32],
        surroundings: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """(N, 256, 256, 3) RGB, (N, 478, 2) in 0..1 and (N, 8) of `tracker` -> (N, D)."""
        ...

    def transfer(
        self, features: NDArray[np.float32], own: NDArray[np.float32], other: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """(N, D) features of one person, relative to its portrait's (D,), as features of another portrait (D,)."""
        ...


class LandmarkFeatures(MotionFeatures, Protocol):
    """A motion space whose landmarks can be had back."""

    def landmarks(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, D) -> (N, 478, 2) in 0..1 of the square."""
        ...
