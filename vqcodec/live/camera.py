"""A camera as an input: its pictures with the times at which they came. Sound comes only with files and pipes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Protocol, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import MediaError
from vqcodec.format import MAX_FRAME_RATE_HZ
from vqcodec.media.picture.frames import FRAME_TICK_S, Frames
from vqcodec.types import VideoFrame

CAMERA = "camera"
USUAL_HZ = 25


class Capture(Protocol):
    """As much of cv2.VideoCapture as is needed."""

    def read(self) -> tuple[bool, NDArray[np.uint8]]:
        """Wait for the next picture, (H, W, 3) BGR; false when there is none."""
        ...

    def get(self, propId: int) -> float:
        """A property."""
        ...


def camera_number(source: str) -> int | None:
    """Of "camera" 0, of "camera:N" N; None for anything else."""
    name, _, number = source.partition(":")
    if name != CAMERA or (number and not number.isdecimal()):
        return None
    return int(number or "0")


def open_camera(number: int) -> Frames:
    """The pictures of a camera of this machine, without end.

    Raises:
        MediaError: there is none of this number, or it gives nothing.
    """
    capture = cv2.VideoCapture(number)
    if not capture.isOpened():
        raise MediaError(
            f"there is no camera {number} here, or another program has it",
            hint="Name another one (camera:1), or pipe a recorder's output into -.",
        )
    return captured(cast(Capture, capture))  # its own types allow what it never gives


def captured(capture: Capture, clock: Callable[[], float] = time.monotonic) -> Frames:
    """What a capture gives, each picture at the time at which it came, from the first one on."""
    rate_hz = round(capture.get(cv2.CAP_PROP_FPS) or USUAL_HZ)
    return Frames(_pictures(capture, clock), min(max(rate_hz, 1), MAX_FRAME_RATE_HZ))


def _pictures(capture: Capture, clock: Callable[[], float]) -> Iterator[VideoFrame]:
    zero_s: float | None = None
    last = -1
    while True:
        there, picture = capture.read()
        if not there:
            return
        now_s = clock()
        zero_s = now_s if zero_s is None else zero_s
        tick = max(round((now_s - zero_s) / FRAME_TICK_S), last + 1)
        last = tick
        rgb = np.ascontiguousarray(picture[:, :, ::-1])
        yield VideoFrame(rgb, tick * FRAME_TICK_S)
