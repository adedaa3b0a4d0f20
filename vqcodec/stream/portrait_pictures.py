"""The pictures of portraits: the AVIF of a key frame, or the units along the path of a shot's portrait."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqcodec.format import CODED_SIZE_PX
from vqcodec.media.still.portrait_stream import PathDecoder
from vqcodec.media.still.stills import decode_still
from vqcodec.stream.portraits import Portrait
from vqcodec.types import KeyFrame


class PortraitPictures:
    """Decodes portraits; cheapest for those whose path goes on where the last one's ended.

    Args:
        size_px: side that every picture must have.
    """

    def __init__(self, size_px: int = CODED_SIZE_PX) -> None:
        self._size_px = size_px
        self._paths: PathDecoder | None = None

    def picture(self, portrait: Portrait) -> NDArray[np.uint8]:
        """(size_px, size_px, 3) uint8 RGB.

        Raises:
            BitstreamError: code "bad-still" or "bad-unit": damaged, or of another size.
        """
        if isinstance(portrait, KeyFrame):
            return decode_still(portrait.still, size_px=self._size_px)
        if self._paths is None:
            self._paths = PathDecoder(self._size_px)
        return self._paths.picture([unit.unit for unit in portrait.path])
