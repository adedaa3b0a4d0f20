"""Refining a recorded shot's motion (encode --effort): stretches of frames of one portrait, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vqcodec.encoding.kept import KeptPicture
from vqcodec.encoding.shots import RecordedShot

STRETCH_FRAMES = 50

Features = NDArray[np.float32]


class MotionRefiner(Protocol):
    """What refines features before they are quantized (vqcodec.encoding.effort.Refiner)."""

    def portrait(self, rgb: NDArray[np.uint8], features: Features, base: Features) -> None:
        """The portrait of the frames to come.

        Args:
            rgb: (512, 512, 3), not coded yet.
            features: (D,) its own, dequantized.
            base: (D,) what tokens are relative to, dequantized.
        """

    def motion(
        self,
        pictures: NDArray[np.uint8],
        features: Features,
        progress: Callable[[int], None],
    ) -> Features:
        """(T, 256, 256, 3) frames that show a face and their features (T, D) -> other features (T, D).

        `progress` is told, now and then, how many frames have been refined since the beginning.
        """
        ...


def refined(
    refiner: MotionRefiner,
    shot: RecordedShot,
    features: Features,
    shown: NDArray[np.int64],
    own: Sequence[Features],
    pictures: Sequence[KeptPicture],
    progress: Callable[[int], None],
) -> Features:
    """Features of every frame of a shot, refined where a face was seen.

    Args:
        refiner: does the work.
        shot: its frames have pictures.
        features: (T, D) of its frames; left as they are.
        shown: (T,) the portrait of each frame.
        own: features of the portraits, dequantized; the first are what tokens are relative to.
        pictures: of the portraits.
        progress: see MotionRefiner.

    Returns:
        (T, D) float32; frames without a face hold what becomes of the one before.
    """
    features = features.copy()
    prepared: int | None = None  # a portrait is coded and prepared once for all stretches in a row
    seen = [n for n, frame in enumerate(shot.frames) if frame.picture is not None]
    for (portrait, _), places in groupby(
        enumerate(seen), key=lambda at: (int(shown[at[1]]), at[0] // STRETCH_FRAMES)
    ):
        rows = [place for _, place in places]
        if portrait != prepared:
            refiner.portrait(pictures[portrait].rgb(), own[portrait], own[0])
            prepared = portrait
        frames = np.stack([_rgb(shot, row) for row in rows])
        features[rows] = refiner.motion(frames, features[rows], progress)
    for n, frame in enumerate(shot.frames):
        if frame.features is None and n > 0:
            features[n] = features[n - 1]
    return features


def _rgb(shot: RecordedShot, row: int) -> NDArray[np.uint8]:
    picture = shot.frames[row].picture
    assert picture is not None  # only such rows are refined
    return picture.rgb()
