"""One shot from the moment its square is known: the face followed in it, and the jitter filter."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from vqcodec.face.crop import face_box, rescaled
from vqcodec.face.cuts import is_jump
from vqcodec.face.smooth import LOOK_AHEAD_FRAMES, LandmarkFilter
from vqcodec.face.track import Detector, FaceTracker
from vqcodec.format import CODED_SIZE_PX
from vqcodec.types import Crop

LOST_S = Fraction(1)
EDGE_SHARE = 0.08


@dataclass(frozen=True, slots=True)
class Face:
    """The face of one frame in its square.

    Attributes:
        crop: where the square lies in the frame.
        square: (512, 512, 3) uint8, its picture.
        points: (478, 2) float32 filtered landmarks in 0..1 of the square.
    """

    crop: Crop
    square: NDArray[np.uint8]
    points: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FaceFrame:
    """One source frame as the motion stage wants it.

    Attributes:
        index: number of the frame in the input, from 0.
        time_s: its presentation time.
        shot: number of the shot, from 0; a new one has its own square.
        face: None where no face was seen.
        is_damaged: the picture isn't whole.
        whole: (h, w, 3) uint8, all of the picture, perhaps smaller; only of frames that somebody asked it of.
    """

    index: int
    time_s: Fraction
    shot: int
    face: Face | None = None
    is_damaged: bool = False
    whole: NDArray[np.uint8] | None = None


def in_square(box: NDArray[np.float64], crop: Crop) -> NDArray[np.float64]:
    """A `face_box` of a picture in pixels of a square cut from it."""
    corner = np.array([crop.x_px, crop.y_px, 0, 0], np.float64)
    return np.asarray((box - corner) * (CODED_SIZE_PX / crop.side_px), np.float64)


class Running:
    """One shot from the moment its square is known: the face tracked in it, and the jitter filter.

    Attributes:
        crop: the square, in pictures of the present size.
    """

    def __init__(
        self,
        crop: Crop,
        detector: Detector,
        time_s: Fraction,
        home: NDArray[np.float64] | None = None,
        look_ahead: int = LOOK_AHEAD_FRAMES,
    ) -> None:
        """Begin with a square; `home` is the `face_box` of the face to follow, in pixels of the picture, or the largest."""
        self.crop = self._finest = crop
        self._tracker = FaceTracker(
            detector, None if home is None else in_square(home, crop), time_s
        )
        self._filter = LandmarkFilter(look_ahead)
        self._waiting: deque[tuple[FaceFrame, NDArray[np.uint8], Crop]] = deque()
        self._last: tuple[Fraction, NDArray[np.float64]] | None = None
        self._well_seen_s = time_s

    def fit(self, rgb: NDArray[np.uint8]) -> None:
        """The next picture may be of another size, though of the same shape."""
        self.crop = rescaled(self._finest, rgb.shape[1], rgb.shape[0])
        self._finest = max(self._finest, self.crop, key=lambda crop: crop.side_px)

    def points(self, square: NDArray[np.uint8], time_s: Fraction) -> NDArray[np.float32] | None:
        """(478, 2) landmarks of our face in 0..1 of the square, not filtered yet, or None."""
        face = self._tracker.observe(square, time_s)
        return None if face is None else face.points / np.float32(CODED_SIZE_PX)

    def push(
        self, blank: FaceFrame, square: NDArray[np.uint8], points: NDArray[np.float32] | None
    ) -> list[FaceFrame]:
        """Take the next frame; gives those that the filter is done with."""
        self._waiting.append((blank, square, self.crop))
        return self._release(self._filter.push(points, blank.time_s))

    def flush(self) -> list[FaceFrame]:
        """The frames still held, at the end of the shot."""
        return self._release(self._filter.flush())

    def _release(self, filtered: Iterable[NDArray[np.float32] | None]) -> list[FaceFrame]:
        ready: list[FaceFrame] = []
        for points in filtered:
            blank, square, crop = self._waiting.popleft()
            face = None if points is None else Face(crop, square, points)
            ready.append(replace(blank, face=face))
        return ready

    def has_jumped(self, points: NDArray[np.float32], time_s: Fraction, step: float) -> bool:
        """Whether the face is where it can't have come to since it was seen last; notes where it is.

        Args:
            points: (478, 2) in 0..1 of the square.
            time_s: of the frame.
            step: how far the picture changed (CutDetector.step).
        """
        box = face_box(points)
        last, self._last = self._last, (time_s, box)
        if last is not None and is_jump(box, last[1], time_s - last[0], step):
            return True
        if EDGE_SHARE <= box[0] <= 1 - EDGE_SHARE and EDGE_SHARE <= box[1] <= 1 - EDGE_SHARE:
            self._well_seen_s = time_s
        return False

    def is_lost(self, time_s: Fraction, since_s: Fraction = LOST_S) -> bool:
        """Whether the face wasn't well inside the square for so long."""
        return time_s - self._well_seen_s >= since_s

    def may_be_ours(self, box: NDArray[np.float64], time_s: Fraction) -> bool:
        """Whether a face elsewhere in the picture, its `face_box` in pixels, isn't known as somebody else's."""
        scale = CODED_SIZE_PX / self.crop.side_px
        return self._tracker.may_be_ours(
            (box - np.array([self.crop.x_px, self.crop.y_px, 0, 0])) * scale, time_s
        )

    def covers(self, rgb: NDArray[np.uint8]) -> bool:
        """Whether the square is the whole picture, so that there is nowhere else to look."""
        return bool(self.crop.side_px >= 0.98 * max(rgb.shape[:2]))
