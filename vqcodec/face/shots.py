"""From source frames to coded squares with filtered landmarks, shot by shot.

    searching --face found--> deciding --one second seen--> running
        ^                                                      |
        +---------------- cut, or face lost -------------------+

searching   no square yet: frames without a face pass without pixels
deciding    up to a second of frames is held; the median of the face's place in it gives the square
running     crop, landmarks, jitter filter (which holds three more frames)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from vqcodec.config import CropChoice
from vqcodec.face.crop import (
    face_box,
    fixed_crop,
    follow_face,
    rescaled,
    same_shape,
    take_square,
)
from vqcodec.face.cuts import CutDetector, is_jump
from vqcodec.face.smooth import LandmarkFilter
from vqcodec.face.track import Detector, FaceTracker, locate, locate_near
from vqcodec.format import CODED_SIZE_PX
from vqcodec.types import Crop, VideoFrame

DECIDE_S = Fraction(1)
DECIDE_BYTES = 192 << 20
"""Frames held while deciding: a second of 1080p at 30 fps fits, of 4K a quarter of a second does."""
LOOK_EVERY_S = Fraction(1, 5)
SEARCH_EVERY_S = Fraction(1, 2)
LOST_S = Fraction(1)
EDGE_SHARE = 0.08

Other = TypeVar("Other")


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
    """

    index: int
    time_s: Fraction
    shot: int
    face: Face | None = None
    is_damaged: bool = False


class ShotReader:
    """The state machine above, for one input. Push frames in order, then flush; each gives the frames now ready."""

    def __init__(self, detector: Detector, choice: CropChoice = "auto") -> None:
        self._detector = detector
        self._choice = choice
        self._cuts = CutDetector()
        self._count = 0
        self._shot = 0
        self._shape: tuple[int, ...] | None = None
        self._step = 0.0  # CutDetector.step of the frame in hand, which may have been held
        self._begin_search()

    def push(self, frame: VideoFrame) -> list[FaceFrame]:
        """Take the next frame; returns frames that are complete now, in order."""
        index, self._count = self._count, self._count + 1
        ready: list[FaceFrame] = []
        shape, self._shape = self._shape, frame.rgb.shape
        turned = shape is not None and not same_shape(shape, frame.rgb.shape)
        cut = (
            self._cuts.is_cut(frame.rgb) and not frame.is_damaged
        )  # what breaks a picture is no cut
        if cut or turned:
            ready += self._end_shot()
        self._step = self._cuts.step
        blank = FaceFrame(index, frame.time_s, self._shot, is_damaged=frame.is_damaged)
        return ready + self._take(blank, frame.rgb)

    def flush(self) -> list[FaceFrame]:
        """The frames still held, at the end of the input."""
        return self._end_shot()

    def _begin_search(self) -> None:
        self._running: _Running | None = None
        self._held: list[tuple[FaceFrame, NDArray[np.uint8], float]] = []
        self._boxes: list[
            NDArray[np.float64]
        ] = []  # in shares of the picture, which may change its size
        self._next_look_s: Fraction | None = None

    def _end_shot(self) -> list[FaceFrame]:
        ready = self._decide() if self._held else []
        if self._running is not None:
            ready += self._running.flush()
        self._shot += 1
        self._begin_search()
        return ready

    def _take(self, blank: FaceFrame, rgb: NDArray[np.uint8]) -> list[FaceFrame]:
        """Handle one frame in whichever state we are."""
        if self._running is not None:
            return self._run(self._running, blank, rgb)
        fixed = fixed_crop(self._choice, rgb.shape[1], rgb.shape[0])
        if fixed is not None:
            return self._run(self._begin_running(fixed, blank.time_s), blank, rgb)
        return self._hold(blank, rgb) if self._held else self._search(blank, rgb)

    def _search(self, blank: FaceFrame, rgb: NDArray[np.uint8]) -> list[FaceFrame]:
        thorough = self._next_look_s is None or blank.time_s >= self._next_look_s
        box = locate(self._detector, rgb, thorough=thorough)
        if box is None:
            if thorough:
                self._next_look_s = blank.time_s + SEARCH_EVERY_S
            return [blank]
        self._boxes = [box / _scale(rgb)]
        self._next_look_s = blank.time_s + LOOK_EVERY_S
        return self._hold(blank, rgb)

    def _hold(self, blank: FaceFrame, rgb: NDArray[np.uint8]) -> list[FaceFrame]:
        self._held.append((blank, rgb, self._step))
        if self._next_look_s is not None and blank.time_s >= self._next_look_s:
            box = locate_near(self._detector, rgb, self._boxes[-1] * _scale(rgb))
            self._boxes += [] if box is None else [box / _scale(rgb)]
            self._next_look_s = blank.time_s + LOOK_EVERY_S
        full = sum(picture.nbytes for _, picture, _ in self._held) >= DECIDE_BYTES
        return self._decide() if full or blank.time_s - self._held[0][0].time_s >= DECIDE_S else []

    def _decide(self) -> list[FaceFrame]:
        held, self._held = self._held, []
        largest = max((rgb for _, rgb, _ in held), key=lambda rgb: rgb.size)
        boxes = [box * _scale(largest) for box in self._boxes]
        crop = follow_face(boxes, largest.shape[1], largest.shape[0])
        self._begin_running(crop, held[0][0].time_s)
        ready: list[FaceFrame] = []
        for blank, rgb, self._step in held:
            ready += self._take(replace(blank, shot=self._shot), rgb)
        return ready

    def _begin_running(self, crop: Crop, time_s: Fraction) -> _Running:
        self._running = _Running(crop, self._detector, time_s)
        self._next_look_s = None
        return self._running

    def _run(self, running: _Running, blank: FaceFrame, rgb: NDArray[np.uint8]) -> list[FaceFrame]:
        running.fit(rgb)
        square = take_square(rgb, running.crop)
        points = running.points(square, blank.time_s)
        if self._should_restart(running, points, blank, rgb):
            ready = self._end_shot()
            return ready + self._take(replace(blank, shot=self._shot), rgb)
        return running.push(blank, square, points)

    def _should_restart(
        self,
        running: _Running,
        points: NDArray[np.float32] | None,
        blank: FaceFrame,
        rgb: NDArray[np.uint8],
    ) -> bool:
        """True at a jump cut, and when our face left the square but is elsewhere in the picture."""
        time_s = blank.time_s
        if blank.is_damaged:
            return False
        if points is not None and running.has_jumped(points, time_s, self._step):
            return True
        if self._choice != "auto" or running.covers(rgb) or not running.is_lost(time_s):
            return False
        if self._next_look_s is not None and time_s < self._next_look_s:
            return False
        self._next_look_s = time_s + SEARCH_EVERY_S
        return locate(self._detector, rgb, thorough=True) is not None


def _scale(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """What a `face_box` in shares of a picture is multiplied by to be in its pixels."""
    height, width = rgb.shape[:2]
    return np.array([width, height, width, height], np.float64)


class _Running:
    """One shot from the moment its square is known: the face tracked in it, and the jitter filter.

    Attributes:
        crop: the square, in pictures of the present size.
    """

    def __init__(self, crop: Crop, detector: Detector, time_s: Fraction) -> None:
        self.crop = self._finest = crop
        self._tracker = FaceTracker(detector)
        self._filter = LandmarkFilter()
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

    def is_lost(self, time_s: Fraction) -> bool:
        """Whether the face wasn't well inside the square for LOST_S."""
        return time_s - self._well_seen_s >= LOST_S

    def covers(self, rgb: NDArray[np.uint8]) -> bool:
        """Whether the square is the whole picture, so that there is nowhere else to look."""
        return bool(self.crop.side_px >= 0.98 * max(rgb.shape[:2]))


def face_frames(
    items: Iterable[VideoFrame | Other], detector: Detector, choice: CropChoice = "auto"
) -> Iterator[FaceFrame | Other]:
    """ShotReader as a stream.

    Args:
        items: frames in order; whatever else is among them (sound) is passed on, ahead of frames still held.
        detector: finds faces in one picture.
        choice: which square to code.

    Yields:
        One FaceFrame per VideoFrame, in order.
    """
    reader = ShotReader(detector, choice)
    for item in items:
        if isinstance(item, VideoFrame):
            yield from reader.push(item)
        else:
            yield item
    yield from reader.flush()
