"""Frames of a video file for measuring and for showing.

`read_frames` is the reader behind every published figure: what FFmpeg decodes, nothing else done to it. `paired` is for
looking and for quick figures: upright frames of two files, matched by time, by the codec's own reader.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from typing import TypeAlias

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import MediaError, VqcodecError
from vqcodec.face.crop import centre_square, take_square
from vqcodec.media.picture.opening import OpenedFile
from vqcodec.media.picture.source import VideoSource
from vqcodec.types import Crop, VideoFrame

METRIC_SIDE_PX = 256

PathLike: TypeAlias = str | os.PathLike[str]
Picture: TypeAlias = NDArray[np.uint8]


def to_side(rgb: Picture, side_px: int = METRIC_SIDE_PX) -> Picture:
    """(H, W, 3) uint8 -> (side, side, 3) uint8 by area resampling; a picture of that size is left as it is."""
    if rgb.shape[0] == rgb.shape[1] == side_px:
        return rgb
    return np.asarray(cv2.resize(rgb, (side_px, side_px), interpolation=cv2.INTER_AREA), np.uint8)


def coded_square(rgb: Picture, crop: Crop | None, side_px: int) -> Picture:
    """The part of a source picture that a decoded one shows, at that one's size.

    Args:
        rgb: (H, W, 3) uint8.
        crop: the coded square (`EncodeReport.crop`); None stands for the largest centred one.
        side_px: side of the result.
    """
    return take_square(rgb, crop or centre_square(rgb.shape[1], rgb.shape[0]), side_px)


def iter_frames(path: PathLike) -> Iterator[Picture]:
    """Every decoded frame of the first video stream, (H, W, 3) uint8 RGB, in presentation order.

    Raises:
        MediaError: the file can't be read or has no video stream.
    """
    try:
        with closing(OpenedFile(path)) as file:
            if file.video is None:
                raise MediaError(f"{os.fspath(path)} has no video stream")
            for frame in file.container.decode(file.video):
                yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
    except VqcodecError:
        raise
    except (av.FFmpegError, OSError) as error:
        raise MediaError(
            f"can't read {os.fspath(path)}: {error}", hint="Is it a video that FFmpeg reads?"
        ) from error


def read_frames(path: PathLike, side_px: int | None = METRIC_SIDE_PX) -> Picture:
    """All frames as one array, resampled while they are read so that a clip fits in memory.

    Args:
        path: a video file.
        side_px: area-resample to this square, or None to keep the size.

    Returns:
        (T, H, W, 3) uint8 RGB, T >= 1.

    Raises:
        MediaError: the file can't be read or holds no picture.
    """
    frames = [f if side_px is None else to_side(f, side_px) for f in iter_frames(path)]
    if not frames:
        raise MediaError(f"{os.fspath(path)} holds no picture")
    return np.stack(frames)


class Follower:
    """Gives the frame of a video nearest to ever later times, streaming.

    Matching by time and not by number keeps a decoded file that was resampled (60 to 30 fps) comparable.
    """

    def __init__(self, frames: Iterator[VideoFrame]) -> None:
        self._frames = frames
        self._held = next(frames, None)
        self._next = next(frames, None)

    def at(self, frame: VideoFrame) -> VideoFrame | None:
        """The frame nearest to `frame.time_s`, the later of two equally near; None for a video without frames."""
        time_s = frame.time_s
        while (
            self._held is not None
            and self._next is not None
            and abs(self._next.time_s - time_s) <= abs(self._held.time_s - time_s)
        ):
            self._held, self._next = self._next, next(self._frames, None)
        return self._held


def paired(reference: PathLike, output: PathLike) -> Iterator[tuple[VideoFrame, VideoFrame]]:
    """Each output frame with the reference frame nearest in time: (reference, output), upright, streaming.

    Raises:
        MediaError: a file can't be read.
    """
    with VideoSource(os.fspath(reference)) as source, VideoSource(os.fspath(output)) as shown:
        follower = Follower(iter(source))
        for frame in shown:
            match = follower.at(frame)
            if match is None:
                return
            yield match, frame
