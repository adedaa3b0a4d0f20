"""Frames of a video -> motion features, computed in batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from vqcodec.face.crop import resize
from vqcodec.face.shots import FaceFrame
from vqcodec.format import FEATURE_SIZE_PX
from vqcodec.geometry.layout import SURROUND_DIMS
from vqcodec.motion.ports import MotionFeatures
from vqcodec.motion.surroundings import SurroundingsTracker
from vqcodec.stream.sound import SoundPiece

FEATURE_BATCH_FRAMES = 16
LIVE_BATCH_FRAMES = 2

FeaturedFrame: TypeAlias = tuple[FaceFrame, NDArray[np.float32] | None]
"""A frame and its motion features (D,); None without a face."""


def motion_features(
    items: Iterable[FaceFrame | SoundPiece],
    space: MotionFeatures,
    batch_frames: int = FEATURE_BATCH_FRAMES,
) -> Iterator[FeaturedFrame | SoundPiece]:
    """Motion features of frames with a face; sound passes ahead of the frames that wait for their batch."""
    batch: list[FaceFrame] = []
    around = _Surroundings(space)
    for item in items:
        if isinstance(item, SoundPiece):
            yield item
            continue
        batch.append(item)
        if len(batch) == batch_frames:
            yield from _batch_features(batch, space, around)
            batch = []
    yield from _batch_features(batch, space, around)


class _Surroundings:
    """One tracker a shot, where the motion space has use for it."""

    def __init__(self, space: MotionFeatures) -> None:
        self._space = space
        self._shot: int | None = None
        self._tracker: SurroundingsTracker | None = None

    def push(
        self, shot: int, picture: NDArray[np.uint8], points: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """(8,) of the next frame with a face."""
        if shot != self._shot:
            self._shot, self._tracker = shot, self._space.tracker()
        if self._tracker is None:
            return np.zeros(SURROUND_DIMS, np.float32)
        return self._tracker.push(picture, points)


def _batch_features(
    batch: list[FaceFrame], space: MotionFeatures, around: _Surroundings
) -> Iterator[FeaturedFrame]:
    """Each frame with its features (D,), None without a face; one run of the networks for all of them."""
    seen = [(frame.shot, frame.face) for frame in batch if frame.face is not None]
    rows: Iterator[NDArray[np.float32]] = iter(())
    if seen:
        pictures = [resize(face.square, FEATURE_SIZE_PX) for _, face in seen]
        points = [face.points for _, face in seen]
        moved = [
            around.push(shot, picture, face.points)
            for (shot, face), picture in zip(seen, pictures, strict=True)
        ]
        rows = iter(space.features(np.stack(pictures), np.stack(points), np.stack(moved)))
    for frame in batch:
        yield frame, None if frame.face is None else next(rows)
