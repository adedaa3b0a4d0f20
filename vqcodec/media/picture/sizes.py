"""Decoded pictures as upright RGB where size, turn or shape change midway: a call, a turned telephone, an adaptive stream."""

from __future__ import annotations

import numpy as np
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

from vqcodec.media.picture.colour import RgbConverter
from vqcodec.media.picture.taint import Decoded
from vqcodec.runtime.opencv import cv2


class Upright:
    """Pictures of one stream -> (H, W, 3) uint8 RGB."""

    def __init__(self, context: VideoCodecContext | None, *, own_sizes: bool) -> None:
        """`own_sizes` gives each its own size; otherwise all are fitted into the first one's, their shape kept."""
        self._context, self._own_sizes = context, own_sizes
        self._kind: tuple[object, ...] | None = None
        self._size: tuple[int, int] | None = None

    def size_of(self, picture: Decoded) -> tuple[int, int]:
        """Width and height that a picture is shown with."""
        converter = self._for(picture)
        return converter.width, converter.height

    def rgb(self, picture: Decoded) -> NDArray[np.uint8]:
        """The picture as a new array."""
        rgb = self._for(picture).rgb(picture.frame)
        size = rgb.shape[1], rgb.shape[0]
        self._size = self._size or size
        return rgb if self._own_sizes or size == self._size else _fitted(rgb, *self._size)

    def _for(self, picture: Decoded) -> RgbConverter:
        frame, aspect = picture.frame, picture.pixel_aspect
        # not the whole matrix: to ask for it keeps a picture alive until Python's collector comes, hundreds of them at times
        kind = frame.width, frame.height, frame.rotation, aspect
        if kind != self._kind:
            self._kind = kind
            self._converter = RgbConverter(frame, aspect, self._context)
        return self._converter


def _fitted(rgb: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """The picture as large as it fits, in the middle of a black one."""
    scale = min(width / rgb.shape[1], height / rgb.shape[0])
    inner = (
        min(max(round(rgb.shape[1] * scale), 1), width),
        min(max(round(rgb.shape[0] * scale), 1), height),
    )
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = np.asarray(cv2.resize(rgb, inner, interpolation=how), np.uint8)
    whole = np.zeros((height, width, 3), np.uint8)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    whole[top : top + inner[1], left : left + inner[0]] = small
    return whole
