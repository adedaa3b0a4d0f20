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
from vqcodec.face.crop import face_box, fixed_crop, follow_face, take_square
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
class FaceFrame:
    """One source frame as the motion stage wants it.

    Attributes:
        index: number of the frame in the input, from 0.
        time_s: its presentation time.
        shot: number of the shot, from 0; a new one has its own square.
        crop: the square, None while none is known.
        square: (512, 512, 3) uint8, None where no face was seen.
        points: (478, 2) float32 filtered landmarks in 0..1 of the square, None where no face was seen.
    """

    index: int
    time_s: Fraction
    shot: int
    crop: Crop | None = None
    square: NDArray[np.uint8] | None = None
    points: NDArray[np.float32] | None = None


class ShotReader:
    """The state machine above, for one input. Push frames in order, then flush; each gives the frames now ready."""

    def __init__(self, detector: Detector, choice: CropChoice = "auto") -> None:
        self._detector = detector
        self._choice = choice
        self._cuts = CutDetector()
        self._count = 0
        self._shot = 0
        self._step = 0.0  # CutDetector.step of the frame in hand, which may have been held
        self._begin_search()

    def push(self, frame: VideoFrame) -> list[FaceFrame]:
        """Take the next frame; returns frames that are complete now, in order."""
        index, self._count = self._count, self._count + 1
        ready: list[FaceFrame] = []
        if self._cuts.is_cut(frame.rgb):
            ready += self._end_shot()
        self._step = self._cuts.step
        blank = FaceFrame(index, frame.time_s, self._shot)
        return ready + self._take(blank, frame.rgb)

    def flush(self) -> list[FaceFrame]:
        """The frames still held, at the end of the input."""
        return self._end_shot()

    def _begin_search(self) -> None:
        self._crop: Crop | None = None
        self._held: list[tuple[FaceFrame, NDArray[np.uint8], float]] = []
        self._boxes: list[NDArray[np.float64]] = []
        self._next_look_s: Fraction | None = None

    def _end_shot(self) -> list[FaceFrame]:
        ready = self._decide() if self._held else []
        if self._crop is not None:
            ready += self._release(self._filter.flush())
        self._shot += 1
        self._begin_search()
        return ready

    def _take(self, blank: FaceFrame, rgb: NDArray[np.uint8]) -> list[FaceFrame]:
        """Handle one frame in whichever state we are."""
        if self._crop is not None:
            return self._run(blank, rgb)
        fixed = fixed_crop(self._choice, rgb.shape[1], rgb.shape[0])
        if fixed is not None:
            self._begin_running(fixed, blank.time_s)
            return self._run(blank, rgb)
        return self._hold(blank, rgb) if self._held else self._search(blank, rgb)

    def _search(self, blank: FaceFrame, rgb: NDArray[np.uint8]) -> list[FaceFrame]:
        thorough = self._next_look_s is None or blank.time_s >= self._next_look_s
        box = locate(self._detector, rgb, thorough=thorough)
        if box is None:
            if thorough:
                self._next_look_s = blank.time_s + SEARCH_EVERY_S
            return [blank]
        self._boxes = [box]
        self._next_look_s = blank.time_s + LOOK_EVERY_S
        return self._hold(blank, rgb)

    def _hold(self, blank: FaceFrame, rgb: NDArray[np.uint8]) -> list[FaceFrame]:
        self._held.append((blank, rgb, self._step))
        if self._next_look_s is not None and blank.time_s >= self._next_look_s:
            box = locate_near(self._detector, rgb, self._boxes[-1])
            self._boxes += [] if box is None else [box]
            self._next_look_s = blank.time_s + LOOK_EVERY_S
        full = len(self._held) * rgb.nbytes >= DECIDE_BYTES
        return self._decide() if full or blank.time_s - self._held[0][0].time_s >= DECIDE_S else []

    def _decide(self) -> list[FaceFrame]:
        held, self._held = self._held, []
        height, width = held[0][1].shape[:2]
        self._begin_running(follow_face(self._boxes, width, height), held[0][0].time_s)
        ready: list[FaceFrame] = []
        for blank, rgb, self._step in held:
            ready += self._take(replace(blank, shot=self._shot), rgb)
        return ready

    def _begin_running(self, crop: Crop, time_s: Fraction) -> None:
        self._crop = crop
        self._tracker = FaceTracker(self._detector)
        self._filter = LandmarkFilter()
        self._waiting: deque[FaceFrame] = deque()
        self._last: tuple[Fraction, NDArray[np.float64]] | None = None
        self._well_seen_s = time_s
        self._next_look_s = None

    def _run(self, blank: FaceFrame, rgb: NDArray[np.uint8]) -> list[FaceFrame]:
        assert self._crop is not None
        square = take_square(rgb, self._crop)
        face = self._tracker.observe(square, blank.time_s)
        points = None if face is None else face.points / np.float32(CODED_SIZE_PX)
        if self._should_restart(points, blank.time_s, rgb):
            ready = self._end_shot()
            return ready + self._take(replace(blank, shot=self._shot), rgb)
        self._waiting.append(
            replace(blank, crop=self._crop, square=None if points is None else square)
        )
        return self._release(self._filter.push(points, blank.time_s))

    def _release(self, filtered: Iterable[NDArray[np.float32] | None]) -> list[FaceFrame]:
        return [replace(self._waiting.popleft(), points=points) for points in filtered]

    def _should_restart(
        self, points: NDArray[np.float32] | None, time_s: Fraction, rgb: NDArray[np.uint8]
    ) -> bool:
        """True at a jump cut, and when our face left the square but is elsewhere in the picture."""
        if points is not None:
            box = face_box(points)
            last, self._last = self._last, (time_s, box)
            if last is not None and is_jump(box, last[1], time_s - last[0], self._step):
                return True
            if EDGE_SHARE <= box[0] <= 1 - EDGE_SHARE and EDGE_SHARE <= box[1] <= 1 - EDGE_SHARE:
                self._well_seen_s = time_s
        if self._choice != "auto" or self._covers(rgb) or time_s - self._well_seen_s < LOST_S:
            return False
        if self._next_look_s is not None and time_s < self._next_look_s:
            return False
        self._next_look_s = time_s + SEARCH_EVERY_S
        return locate(self._detector, rgb, thorough=True) is not None

    def _covers(self, rgb: NDArray[np.uint8]) -> bool:
        assert self._crop is not None
        return bool(self._crop.side_px >= 0.98 * max(rgb.shape[:2]))


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
