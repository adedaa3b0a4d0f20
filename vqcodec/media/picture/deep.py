"""Still pictures of 16 bits a sample that use fewer: cameras and scanners write 12 bits into 16, which would be shown dark."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import av
import numpy as np
from av.video.plane import VideoPlane
from numpy.typing import NDArray

from vqcodec.media.still.levels import Levels

_BITS = 16
_TOP = (1 << _BITS) - 1


def spread(frame: av.VideoFrame) -> str:
    """Stretch the samples of a picture, in place, to what the format calls white.

    Returns:
        What was guessed, for a person; "" where nothing was changed: most pictures, and all of other depths.
    """
    parts = frame.format.components
    if any(part.bits != _BITS for part in parts) or "f16" in frame.format.name:
        return ""
    if not (frame.format.is_rgb or frame.format.name.startswith(("gray", "ya"))):
        return ""
    colours = _colours(frame)
    levels = Levels.of_integers(max(int(samples.max()) for samples in colours), _BITS)
    if levels.guessed:
        for samples in colours:
            scaled = samples.astype(np.float32) * np.float32(_TOP / levels.top)
            samples[...] = np.rint(scaled).clip(0, _TOP).astype(np.uint16)
    return levels.guessed


def spread_all(frames: Iterable[av.VideoFrame], name: str) -> list[str]:
    """`spread` of each; gives remarks about the file of that name."""
    return [f"{name}: {told}" for frame in frames if (told := spread(frame))]


def _colours(frame: av.VideoFrame) -> list[NDArray[np.uint16]]:
    """The samples where they are, without those that say how clear a pixel is."""
    order = "<" if frame.format.name.endswith("le") else ">"
    parts = frame.format.components
    together = sum(part.plane == 0 for part in parts)  # all of them, or one a plane
    shown = sum(not part.is_alpha for part in parts)
    planes = frame.planes if together == 1 else frame.planes[:1]
    return [_samples(p, frame.width, together, order)[..., :shown] for p in planes[:shown]]


def _samples(plane: VideoPlane, width: int, together: int, order: str) -> NDArray[np.uint16]:
    """(height, width, samples of a pixel), the plane's own memory."""
    native = order == ("<" if sys.byteorder == "little" else ">")
    rows = np.frombuffer(memoryview(plane), np.dtype(f"{order}u2") if not native else np.uint16)
    rows = rows[: plane.height * plane.line_size // 2].reshape(plane.height, -1)
    return rows[:, : width * together].reshape(plane.height, width, together)
