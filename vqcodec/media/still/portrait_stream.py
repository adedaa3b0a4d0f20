"""The pictures of a portrait stream (vqt.md, "PORT"): units of one AV1 sequence along a path -> RGB.

    path of portrait 5:   unit 0 --> unit 3 --> unit 4 --> unit 5      each predicted from those before it on the path
                          key

AV1 decoding is exact in integers; only the way from YCbCr to RGB may differ by a level from one machine to the next. A
unit that is missing or wrong gives a wrong picture without an error in about half the cases: only whole paths may be fed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import BitstreamError
from vqcodec.format import CODED_SIZE_PX
from vqcodec.media.picture.colour import RgbConverter

_DECODER = "libdav1d"


class PathDecoder:
    """Decodes portraits; one whose path goes on where the last one ended costs one unit, any other its whole path.

    Args:
        size_px: side of every picture, or width and height; larger ones are refused before memory is reserved for them.
    """

    def __init__(self, size_px: int | tuple[int, int] = CODED_SIZE_PX) -> None:
        self._size_px = (size_px, size_px) if isinstance(size_px, int) else size_px
        self._context: Any = None
        self._fed: list[bytes] = []
        self._picture: NDArray[np.uint8] | None = None

    def picture(self, path: Sequence[bytes]) -> NDArray[np.uint8]:
        """Decode a portrait.

        Args:
            path: the units from the shot's first one to the portrait's own, at least one.

        Returns:
            (height, width, 3) uint8 RGB.

        Raises:
            BitstreamError: code "bad-unit": a unit is damaged, or holds anything but one picture of that size.
        """
        known = len(self._fed)
        if known > len(path) or list(path[:known]) != self._fed or self._picture is None:
            self._restart()
        try:
            for unit in path[len(self._fed) :]:
                self._feed(unit)
        except BitstreamError:
            self._restart()
            raise
        assert self._picture is not None  # a path has a unit
        return self._picture

    def _restart(self) -> None:
        context: Any = av.CodecContext.create(_DECODER, "r")
        # with more threads dav1d is pictures late, and none may be
        context.thread_count = 1
        context.options = {"max_pixels": str(self._size_px[0] * self._size_px[1])}
        self._context, self._fed, self._picture = context, [], None

    def _feed(self, unit: bytes) -> None:
        try:
            shown = self._context.decode(av.Packet(unit))
        except (av.error.FFmpegError, ValueError) as error:
            raise _bad("it can't be decoded") from error
        if len(shown) != 1:
            raise _bad(f"it shows {len(shown)} pictures instead of one")
        frame = shown[0]
        if (frame.width, frame.height) != self._size_px:
            due = "x".join(map(str, self._size_px))
            raise _bad(f"{frame.width}x{frame.height} where {due} is due")
        if frame.format.name not in ("yuv420p", "yuvj420p"):
            raise _bad(f"its samples are {frame.format.name}, not 8-bit 4:2:0")
        self._fed.append(unit)
        self._picture = RgbConverter(frame).rgb(frame)


def _bad(why: str) -> BitstreamError:
    return BitstreamError(
        f"a portrait's unit is damaged: {why}",
        code="bad-unit",
        hint="`vqcodec decode --recover` shows what is left.",
    )
