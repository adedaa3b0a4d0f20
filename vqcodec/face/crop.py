"""The coded square: where it lies in the source picture, and how its pixels are taken.

    +------------------------------+   side = face height / 0.5: hair above, shoulders below
    |          +--------+          |   the face's centre lies at 0.53 of the height
    |          |  face  |          |   one square per shot: a crop that follows the head would make the background move
    +----------+--------+----------+   never larger than the picture: what is made up outside it would be bent by the motion

Side and centre follow the training clips, in which the landmarks' box has 0.52 of the height, centred at 0.54 (medians).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vqcodec.config import CropChoice, SquareCrop
from vqcodec.format import CODED_SIZE_PX
from vqcodec.runtime.opencv import cv2
from vqcodec.types import Crop

FACE_SHARE = 0.5
"""Face height (landmark bounding box) over the side of the square."""
FACE_CENTRE_Y = 0.53
SQUARE_TOLERANCE = 0.02
WHOLE_FACE_SHARE = 0.25
SIDE_MIN_PX = 32


def face_box(points: NDArray[np.float32]) -> NDArray[np.float64]:
    """Bounding box of landmarks.

    Args:
        points: (N, 2) x and y.

    Returns:
        (4,) centre x, centre y, width, height in the points' unit.
    """
    low, high = points.min(axis=0).astype(np.float64), points.max(axis=0).astype(np.float64)
    return np.concatenate([(low + high) / 2, high - low])


def centre_square(width_px: int, height_px: int) -> Crop:
    """The largest centred square of a picture."""
    side = min(width_px, height_px)
    return Crop(width_px, height_px, (width_px - side) // 2, (height_px - side) // 2, side)


def _inside(start: float, side: int, length: int) -> int:
    """`start` moved so that [start, start + side) lies in [0, length), or centred around it if it doesn't fit."""
    if side >= length:
        return -((side - length) // 2)
    return int(min(max(round(start), 0), length - side))


def follow_face(boxes: Sequence[NDArray[np.float64]], width_px: int, height_px: int) -> Crop:
    """The square for a shot whose face was seen at `boxes`.

    A square picture with a face of at least a quarter of its height is coded whole: that is how talking-head clips
    come, and cutting it again would only lose pixels.

    Args:
        boxes: `face_box` of the same face at several moments, source pixels; at least one.
        width_px: width of the source picture.
        height_px: height of the source picture.

    Returns:
        A square inside the picture, but for pictures of less than SIDE_MIN_PX (edges are repeated there). In a close-up it is
        as wide as the picture's short side.
    """
    x, y, _, face_px = np.median(np.stack(list(boxes)), axis=0)
    short, long = sorted((width_px, height_px))
    if long - short <= SQUARE_TOLERANCE * long and face_px >= WHOLE_FACE_SHARE * short:
        return centre_square(width_px, height_px)
    side = max(round(min(face_px / FACE_SHARE, short)), SIDE_MIN_PX)
    return Crop(
        width_px,
        height_px,
        _inside(x - side / 2, side, width_px),
        _inside(y - side * FACE_CENTRE_Y, side, height_px),
        side,
    )


def fixed_crop(choice: CropChoice, width_px: int, height_px: int) -> Crop | None:
    """The square when the caller chose it, or None when the face decides ("auto")."""
    if isinstance(choice, SquareCrop):
        return Crop(width_px, height_px, choice.x_px, choice.y_px, choice.side_px)
    return centre_square(width_px, height_px) if choice == "full" else None


SAME_SHAPE = 0.03


def same_shape(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """Whether two pictures, (H, W, ...), differ in their scale at most: video sizes are rounded to even numbers."""
    return abs(a[1] * b[0] / max(a[0] * b[1], 1) - 1) <= SAME_SHAPE


def rescaled(crop: Crop, width_px: int, height_px: int) -> Crop:
    """The same square of the same picture at another size."""
    if (crop.source_width_px, crop.source_height_px) == (width_px, height_px):
        return crop
    across, down = width_px / crop.source_width_px, height_px / crop.source_height_px
    return Crop(
        width_px,
        height_px,
        round(crop.x_px * across),
        round(crop.y_px * down),
        max(round(crop.side_px * min(across, down)), 1),
    )


def take_square(
    rgb: NDArray[np.uint8], crop: Crop, size_px: int = CODED_SIZE_PX
) -> NDArray[np.uint8]:
    """Pixels of the coded square.

    Args:
        rgb: (H, W, 3) source picture; H and W need not equal those in `crop`, but normally do.
        crop: the square in source pixels; outside the picture its edge pixels are repeated.
        size_px: side of the result.

    Returns:
        (size_px, size_px, 3) uint8; area averaging when shrinking, cubic when enlarging.
    """
    height, width = rgb.shape[:2]
    x0, y0 = crop.x_px, crop.y_px
    x1, y1 = x0 + crop.side_px, y0 + crop.side_px
    # at least one row and column is kept even when the square misses the picture altogether
    left, right = min(max(x0, 0), width - 1), max(min(x1, width), 1)
    top, bottom = min(max(y0, 0), height - 1), max(min(y1, height), 1)
    part = rgb[top : max(bottom, top + 1), left : max(right, left + 1)]
    if part.shape[:2] != (crop.side_px, crop.side_px):
        rows = np.clip(np.arange(y0, y1), top, top + part.shape[0] - 1) - top
        columns = np.clip(np.arange(x0, x1), left, left + part.shape[1] - 1) - left
        part = part[rows[:, None], columns[None, :]]
    return resize(part, size_px)


def resize(rgb: NDArray[np.uint8], size_px: int) -> NDArray[np.uint8]:
    """A square picture at another side; the same array when it has that side already."""
    if rgb.shape[0] == size_px:
        return np.ascontiguousarray(rgb)
    how = cv2.INTER_AREA if rgb.shape[0] > size_px else cv2.INTER_CUBIC
    return np.asarray(
        cv2.resize(np.ascontiguousarray(rgb), (size_px, size_px), interpolation=how), np.uint8
    )
