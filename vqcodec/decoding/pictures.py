"""Poses -> pictures, in batches of one key frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from vqcodec.decoding.fade import cross_faded
from vqcodec.decoding.heard import Samples
from vqcodec.decoding.parts import FrameRenderer
from vqcodec.decoding.portraits import PortraitStates
from vqcodec.decoding.window import Pose
from vqcodec.types import VideoFrame


def rendered(
    items: Iterable[Pose | Samples],
    portraits: PortraitStates,
    renderer: FrameRenderer,
    size_px: int,
    batch_frames: int,
) -> Iterator[VideoFrame | Samples]:
    """Pictures (size_px, size_px, 3) of the poses; sound passes ahead of poses that wait.

    Args:
        items: poses in order, and sound.
        portraits: renderer states of their key frames.
        renderer: draws them.
        size_px: side of the pictures.
        batch_frames: frames drawn at once, at most.
    """
    batch: list[Pose] = []
    for item in items:
        if isinstance(item, Samples):
            yield item
            continue
        if len(batch) == batch_frames or (batch and item.key_frame is not batch[0].key_frame):
            yield from _frames(batch, portraits, renderer, size_px)
            batch = []
        batch.append(item)
    if batch:
        yield from _frames(batch, portraits, renderer, size_px)


def _frames(
    batch: list[Pose], portraits: PortraitStates, renderer: FrameRenderer, size_px: int
) -> Iterator[VideoFrame]:
    pictures = _pictures(batch, portraits, renderer, size_px)
    for rgb, pose in zip(pictures, batch, strict=True):
        yield VideoFrame(rgb, pose.time_s)


def _pictures(
    batch: list[Pose], portraits: PortraitStates, renderer: FrameRenderer, size_px: int
) -> list[NDArray[np.uint8]]:
    """Those of poses of one key frame; what fades is rendered from the one before, too, and the rest as ever."""
    fading = [number for number, pose in enumerate(batch) if pose.faded_from is not None]
    before = portraits.fading(batch[fading[0]].faded_from) if fading else None
    state = portraits.state(batch[0].key_frame)
    features = portraits.drive(np.stack([pose.features for pose in batch]))
    pictures = list(renderer.render(state, features, size_px))
    if before is not None and before is not state:
        for number, old in zip(
            fading, renderer.render(before, features[fading], size_px), strict=True
        ):
            pictures[number] = cross_faded(old, pictures[number], batch[number].share)
    if not fading:
        portraits.forget()
    return pictures
