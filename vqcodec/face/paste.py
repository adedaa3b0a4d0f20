r"""The rendered square, put back into the picture it was cut from.

    +----------------------------+      out = picture + mask (square - drift - picture)
    |   +-- - - - - - - - --+    |
    |   : \               / :    |      mask   0 at the square's border, 1 from 4 or 8 % of its side inwards; 1 up to the
    |   :   +-----------+   :    |             border where the square reaches the picture's own edge
    |   :   |  as made  |   :    |      drift  what the square differs from the picture in colour and brightness near the
    |   : / +-----------+ \ :    |             border, smoothed; fades out further inside
    +---+-- - - - - - - - --+----+

The picture outside stands still. What moves across the border (a shoulder) fades in the mask's width.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from vqcodec.face.crop import take_square
from vqcodec.runtime.opencv import cv2
from vqcodec.types import Crop, VideoFrame

LONG_SIDE_PX = 1920
FEATHER_SHARE = 0.08
"""Width of the soft border over the square's side, where nothing else is said."""
SCENE_FEATHER_SHARE = 0.04
"""The same before a scene (vqt.md, "sCNe"): a wider one shows hair and shoulders of another moment."""
_DRIFT_SHARE = 0.3
_GRID = 64
_BLUR_CELLS = 5.0
# a difference of so many levels counts half when the drift is estimated: larger ones are things that moved
_MOVED_LEVELS = 24.0
_MOST_DRIFT = 48.0

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]
Other = TypeVar("Other")


class PasteBack:
    """Puts squares of any side into a picture.

    Attributes:
        width: of the results, even: the picture's, less a last odd column, or scaled so that no side is above 1920.
        height: likewise.
    """

    def __init__(
        self,
        picture: Picture,
        crop: Crop,
        feather_share: float = FEATHER_SHARE,
        *,
        matched: bool = True,
    ) -> None:
        """Begin.

        Args:
            picture: (H, W, 3) uint8.
            crop: where in it the square lies; it may reach outside.
            feather_share: width of the soft border over the square's side.
            matched: colours near the border become the picture's.
        """
        full_height, full_width = picture.shape[:2]
        scale = min(1.0, LONG_SIDE_PX / max(full_height, full_width))
        self.width, self.height = (
            max(round(side * scale) // 2 * 2, 2) for side in (full_width, full_height)
        )
        if scale == 1.0 and min(full_height, full_width) > 1:
            self._picture = np.ascontiguousarray(picture[: self.height, : self.width])
            along_x = along_y = 1.0
        else:
            size = (self.width, self.height)
            self._picture = np.asarray(
                cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8
            )
            along_x, along_y = self.width / full_width, self.height / full_height
        left, right = (round(x * along_x) for x in (crop.x_px, crop.x_px + crop.side_px))
        top, bottom = (round(y * along_y) for y in (crop.y_px, crop.y_px + crop.side_px))
        self._size = max(right - left, 1), max(bottom - top, 1)
        # the part of the square that lies in the picture, in the square's and in the picture's pixels
        x0, x1 = max(left, 0), max(min(right, self.width), 0)
        y0, y1 = max(top, 0), max(min(bottom, self.height), 0)
        self._inside = (
            slice(y0 - top, max(y1 - top, y0 - top)),
            slice(x0 - left, max(x1 - left, x0 - left)),
        )
        self._place = slice(y0, max(y1, y0)), slice(x0, max(x1, x0))
        soft = (left > 0, right < self.width, top > 0, bottom < self.height)
        self._mask = np.ascontiguousarray(_ramp(self._size, soft, feather_share)[self._inside])
        self._rest = 1 - self._mask
        self._near = matched * (1 - _ramp((_GRID, _GRID), soft, feather_share))
        self._fade = 1 - _ramp((_GRID, _GRID), soft, _DRIFT_SHARE)
        self._reference = _small(take_square(picture, crop))

    def frame(self, square: Picture) -> Picture:
        """The whole picture with one rendered square (S, S, 3) uint8 in it: (height, width, 3) uint8."""
        out = self._picture.copy()
        if self._mask.size:
            shrinks = square.shape[0] > self._size[0]
            fitted = cv2.resize(
                self._settled(square),
                self._size,
                interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC,
            )
            inner = np.ascontiguousarray(fitted[self._inside])
            outer = np.ascontiguousarray(out[self._place])
            out[self._place] = cv2.blendLinear(inner, outer, self._mask, self._rest)
        return out

    def _settled(self, square: Picture) -> Picture:
        """The square without its drift."""
        if not self._near.any():
            return square
        difference = _small(square) - self._reference
        moved = np.abs(difference).max(-1) / _MOVED_LEVELS
        weight = self._near / (1 + moved * moved)
        spread = _blurred(weight) + 1e-4
        drift = np.clip(
            _blurred(difference * weight[..., None]) / spread[..., None], -_MOST_DRIFT, _MOST_DRIFT
        )
        side = square.shape[0]
        full = cv2.resize(
            drift * self._fade[..., None], (side, side), interpolation=cv2.INTER_CUBIC
        )
        return np.asarray(cv2.subtract(square, full, dtype=cv2.CV_8U), np.uint8)


def pasted(
    items: Iterable[VideoFrame | Other], paste: PasteBack | None
) -> Iterator[VideoFrame | Other]:
    """Frames put into the picture, if there is one; whatever else is among them is passed on."""
    for item in items:
        if paste is not None and isinstance(item, VideoFrame):
            yield VideoFrame(paste.frame(item.rgb), item.time_s)
        else:
            yield item


def _ramp(size: tuple[int, int], soft: tuple[bool, bool, bool, bool], share: float) -> Floats:
    """(height, width) float32: 0 at the soft sides (left, right, top, bottom), 1 from `share` of the size inwards."""
    sides = []
    for length, (first, last) in ((size[1], soft[2:]), (size[0], soft[:2])):
        way = _smooth(np.arange(0.5, length, dtype=np.float64) / (share * length))
        sides.append((way if first else np.ones(length)) * (way[::-1] if last else np.ones(length)))
    return np.asarray(np.outer(*sides), np.float32)


def _smooth(way: NDArray[np.floating]) -> NDArray[np.float64]:
    at: NDArray[np.float64] = np.clip(way, 0, 1)
    return at * at * (3 - 2 * at)


def _small(square: Picture) -> Floats:
    return np.asarray(cv2.resize(square, (_GRID, _GRID), interpolation=cv2.INTER_AREA), np.float32)


def _blurred(field: Floats) -> Floats:
    return np.asarray(
        cv2.GaussianBlur(field, (0, 0), _BLUR_CELLS, borderType=cv2.BORDER_REPLICATE), np.float32
    )
