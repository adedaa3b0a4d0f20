"""Where faces are: the one that is followed in a square (face.whose), and all of a whole picture."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from fractions import Fraction
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vqcodec.face.crop import face_box, take_square
from vqcodec.face.landmarks import FaceObservation
from vqcodec.face.whose import Whose, distance, same_place
from vqcodec.format import CODED_SIZE_PX
from vqcodec.types import Crop

TWICE_SHARE = 0.4
"""A face whose centre is nearer to a larger one's, over its height, is the same face found twice."""
MOST_ALONG = 16
"""Squares of a thorough search lie no denser than this along the long side, their overlap aside: 96 at most in all."""
LEAST_FACE_PX = 12
"""A picture less high or wide than this shows no face that could be found, and isn't searched square by square."""
TRACKED_FACES = 3
"""Faces a detector should report: with one only, the detector chooses the person."""


class Detector(Protocol):
    """What finds faces in a single picture: FaceLandmarker, or a stand-in in tests."""

    def faces(self, frame: NDArray[np.uint8]) -> list[FaceObservation]:
        """All faces in an (H, W, 3) uint8 picture, largest first, in its pixels."""
        ...


OpenDetector: TypeAlias = Callable[[], AbstractContextManager[Detector]]
"""Opens a detector for one call: it belongs to one thread, and is closed at the end."""


class FaceTracker:
    """Follows one face through the coded square of one shot.

    Args:
        detector: finds faces in the square.
        home: `face_box` in the square's pixels of the face to follow; None takes the first largest one.
        time_s: when it is there.
    """

    def __init__(
        self,
        detector: Detector,
        home: NDArray[np.float64] | None = None,
        time_s: Fraction = Fraction(0),
    ) -> None:
        self._detector = detector
        self._whose = Whose(home, time_s)

    def observe(self, square: NDArray[np.uint8], time_s: Fraction) -> FaceObservation | None:
        """The tracked face in one frame, or None when it is not seen.

        Args:
            square: (S, S, 3) uint8, the coded square.
            time_s: its presentation time.
        """
        return self._whose.ours(self._detector.faces(square), square, time_s)

    def may_be_ours(self, box: NDArray[np.float64], time_s: Fraction) -> bool:
        """Whether a face elsewhere, in the square's pixels, isn't known as somebody else's."""
        return self._whose.may_be_ours(box, time_s)


def _sides(width_px: int, height_px: int) -> list[int]:
    """Sides of the squares of a thorough search: the picture's short side, and half of it.

    But no less than the long side over MOST_ALONG: a picture of one pixel times 32,000 has no place for a face, and must
    not cost 48,000 looks at it.
    """
    short, long = sorted((width_px, height_px))
    if short < LEAST_FACE_PX:
        return []
    least = max(-(-long // MOST_ALONG), 1)
    return list(dict.fromkeys(max(side, least) for side in (short, short // 2)))


def _tiles(width_px: int, height_px: int, side_px: int) -> list[Crop]:
    """Squares of one side that cover a picture with about a third of overlap, middle ones first."""

    def starts(length: int) -> list[int]:
        count = 1 + int(np.ceil(max(length - side_px, 0) / (side_px * 2 / 3)))
        return [round(i * (length - side_px) / max(count - 1, 1)) for i in range(count)]

    def off_centre(tile: Crop) -> float:
        return abs(tile.x_px + (side_px - width_px) / 2) + abs(
            tile.y_px + (side_px - height_px) / 2
        )

    tiles = [
        Crop(width_px, height_px, x, y, side_px)
        for y in starts(height_px)
        for x in starts(width_px)
    ]
    return sorted(tiles, key=off_centre)


def _boxes_in(
    detector: Detector, rgb: NDArray[np.uint8], square: Crop
) -> list[NDArray[np.float64]]:
    scale = square.side_px / CODED_SIZE_PX
    offset = np.array([square.x_px, square.y_px, 0, 0])
    return [
        face_box(face.points) * scale + offset for face in detector.faces(take_square(rgb, square))
    ]


def locate_all(
    detector: Detector, rgb: NDArray[np.uint8], *, thorough: bool
) -> list[NDArray[np.float64]]:
    """`face_box` of each face of a whole picture, in its pixels, largest first.

    Args:
        detector: finds faces in one picture.
        rgb: (H, W, 3) uint8.
        thorough: the detector sees pictures at 128 px and misses faces much smaller than a tenth of them; a thorough
            search, if none is found, looks at overlapping squares as well, as wide as the picture's short side, then
            half of it.
    """
    found = [face_box(face.points) for face in detector.faces(rgb)]
    height, width = rgb.shape[:2]
    for side in _sides(width, height) if thorough else ():
        if found:
            break
        found = [
            box for tile in _tiles(width, height, side) for box in _boxes_in(detector, rgb, tile)
        ]
    different: list[NDArray[np.float64]] = []
    for box in sorted(found, key=lambda box: -float(box[2] * box[3])):
        if all(distance(box, other) > TWICE_SHARE * other[3] for other in different):
            different.append(box)
    return different


def locate(
    detector: Detector, rgb: NDArray[np.uint8], *, thorough: bool
) -> NDArray[np.float64] | None:
    """The first of `locate_all`, or None."""
    found = locate_all(detector, rgb, thorough=thorough)
    return found[0] if found else None


def locate_near(
    detector: Detector, rgb: NDArray[np.uint8], box: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """`face_box` of the face nearest to where one was, looked for in a square three face heights wide, or None."""
    height, width = rgb.shape[:2]
    side = max(round(3 * float(box[3])), 1)
    square = Crop(
        width, height, round(float(box[0]) - side / 2), round(float(box[1]) - side / 2), side
    )
    found = [b for b in _boxes_in(detector, rgb, square) if same_place(b, box)]
    return min(found, key=lambda b: distance(b, box)) if found else None
