"""From source frames to coded squares with filtered landmarks, shot by shot.

    searching --face found--> deciding --one second seen--> running
        ^                                                      |
        +---------------- cut, or face lost -------------------+

searching   no square yet: frames without a face pass without pixels
deciding    up to a second of frames is held; the median of the face's place in it gives the square
running     crop, landmarks, jitter filter (which holds three more frames)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from vqcodec.choices import CropChoice, FaceChoice
from vqcodec.face.crop import (
    fixed_crop,
    follow_face,
    same_shape,
    take_square,
)
from vqcodec.face.cuts import CutDetector
from vqcodec.face.running import Face, FaceFrame, Running
from vqcodec.face.scene import Scene
from vqcodec.face.smooth import LOOK_AHEAD_FRAMES
from vqcodec.face.track import Detector, locate_all, locate_near
from vqcodec.face.whose import OTHERS_S, same_place
from vqcodec.types import Crop, VideoFrame

__all__ = ["Face", "FaceFrame", "ShotReader", "face_frames"]

DECIDE_S = Fraction(1)
DECIDE_BYTES = 160 << 20
"""Frames held while deciding: a second of 1080p at 25 fps fits, of 4K a quarter of a second does."""
LOOK_EVERY_S = Fraction(1, 5)
SEARCH_EVERY_S = Fraction(1, 2)

Other = TypeVar("Other")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long frames wait.

    Attributes:
        decide_s: at the start of a shot, until its square is known.
        look_ahead_frames: for the jitter filter.
    """

    decide_s: Fraction = DECIDE_S
    look_ahead_frames: int = LOOK_AHEAD_FRAMES


class ShotReader:
    """The state machine above, for one input. Push frames in order, then flush; each gives the frames now ready."""

    def __init__(
        self,
        detector: Detector,
        choice: CropChoice = "auto",
        scene: Scene | None = None,
        face: FaceChoice = "largest",
        patience: Patience = Patience(),
    ) -> None:
        self._detector, self._patience = detector, patience
        self._choice, self._face = choice, face
        self._cuts = CutDetector()
        self._count = 0
        self._shot = 0
        self._shape: tuple[int, ...] | None = None
        # faces known as others', and where ours was seen: in shares of the picture, which may change its size
        self._strangers: list[NDArray[np.float64]] = []
        self._step = 0.0  # CutDetector.step of the frame in hand, which may have been held
        self._scene = scene or Scene()
        self._begin_search()

    def push(self, frame: VideoFrame) -> list[FaceFrame]:
        """Take the next frame; returns frames that are complete now, in order."""
        index, self._count = self._count, self._count + 1
        ready: list[FaceFrame] = []
        shape, self._shape = self._shape, frame.rgb.shape
        turned = shape is not None and not same_shape(shape, frame.rgb.shape)
        # what breaks a picture is no cut
        cut = self._cuts.is_cut(frame.rgb) and not frame.is_damaged
        if cut or turned:
            ready += self._end_shot()
            self._strangers = []
        self._step = self._cuts.step
        blank = FaceFrame(index, frame.time_s, self._shot, is_damaged=frame.is_damaged)
        return ready + self._take(blank, frame.rgb)

    def flush(self) -> list[FaceFrame]:
        """The frames still held, at the end of the input."""
        return self._end_shot()

    def _begin_search(self) -> None:
        self._running: Running | None = None
        self._held: list[tuple[FaceFrame, NDArray[np.uint8], float]] = []
        self._boxes: list[NDArray[np.float64]] = []
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
        found = locate_all(self._detector, rgb, thorough=thorough)
        ranked = by_choice(found, self._face)
        box = next((b for b in ranked if not self._is_stranger(b, rgb)), None)
        box = ranked[0] if box is None and ranked else box
        if box is None:
            if thorough:
                self._next_look_s = blank.time_s + SEARCH_EVERY_S
            return [blank]
        self._scene.see(found if self._face == "largest" else [box], rgb.shape[0])
        self._boxes = [box / _scale(rgb)]
        self._strangers = [other / _scale(rgb) for other in found if other is not box]
        self._next_look_s = blank.time_s + LOOK_EVERY_S
        return self._hold(blank, rgb)

    def _hold(self, blank: FaceFrame, rgb: NDArray[np.uint8]) -> list[FaceFrame]:
        self._held.append((blank, rgb, self._step))
        if self._next_look_s is not None and blank.time_s >= self._next_look_s:
            box = locate_near(self._detector, rgb, self._boxes[-1] * _scale(rgb))
            self._boxes += [] if box is None else [box / _scale(rgb)]
            self._next_look_s = blank.time_s + LOOK_EVERY_S
        held_s = blank.time_s - self._held[0][0].time_s
        full = sum(picture.nbytes for _, picture, _ in self._held) >= DECIDE_BYTES
        return self._decide() if full or held_s >= self._patience.decide_s else []

    def _decide(self) -> list[FaceFrame]:
        held, self._held = self._held, []
        largest = max((rgb for _, rgb, _ in held), key=lambda rgb: rgb.size)
        boxes = [box * _scale(largest) for box in self._boxes]
        crop = follow_face(boxes, largest.shape[1], largest.shape[0])
        home = None if self._face == "largest" else np.median(np.stack(boxes), axis=0)
        self._begin_running(crop, held[0][0].time_s, home)
        ready: list[FaceFrame] = []
        for blank, rgb, self._step in held:
            ready += self._take(replace(blank, shot=self._shot), rgb)
        return ready

    def _begin_running(
        self, crop: Crop, time_s: Fraction, home: NDArray[np.float64] | None = None
    ) -> Running:
        self._running = Running(
            crop, self._detector, time_s, home, self._patience.look_ahead_frames
        )
        self._next_look_s = None
        return self._running

    def _run(self, running: Running, blank: FaceFrame, rgb: NDArray[np.uint8]) -> list[FaceFrame]:
        running.fit(rgb)
        square = take_square(rgb, running.crop)
        points = running.points(square, blank.time_s)
        if self._should_restart(running, points, blank, rgb):
            ready = self._end_shot()
            return ready + self._take(replace(blank, shot=self._shot), rgb)
        return running.push(blank, square, points)

    def _should_restart(
        self,
        running: Running,
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
        faces = locate_all(self._detector, rgb, thorough=True)
        waits = not running.is_lost(time_s, OTHERS_S)
        others = [
            box
            for box in faces
            if not running.may_be_ours(box, time_s) or (waits and self._is_stranger(box, rgb))
        ]
        if len(others) == len(faces):
            return False
        self._strangers = [box / _scale(rgb) for box in others]
        return True

    def _is_stranger(self, box: NDArray[np.float64], rgb: NDArray[np.uint8]) -> bool:
        return any(same_place(box, other * _scale(rgb)) for other in self._strangers)


def by_choice(found: list[NDArray[np.float64]], face: FaceChoice) -> list[NDArray[np.float64]]:
    """`face_box`es, largest first, with the one that is asked for before the others; of fewer than N the last one."""
    if face == "largest" or not found:
        return found
    if isinstance(face, int):
        chosen = min(face, len(found)) - 1
    else:
        across = [float(box[0]) for box in found]
        chosen = across.index(min(across) if face == "left" else max(across))
    return [found[chosen], *found[:chosen], *found[chosen + 1 :]]


def _scale(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """What a `face_box` in shares of a picture is multiplied by to be in its pixels."""
    height, width = rgb.shape[:2]
    return np.array([width, height, width, height], np.float64)


def face_frames(
    items: Iterable[VideoFrame | Other],
    detector: Detector,
    choice: CropChoice = "auto",
    scene: Scene | None = None,
    face: FaceChoice = "largest",
    patience: Patience = Patience(),
) -> Iterator[FaceFrame | Other]:
    """ShotReader as a stream.

    Args:
        items: frames in order; whatever else is among them (sound) is passed on, ahead of frames still held.
        detector: finds faces in one picture.
        choice: which square to code.
        scene: notes what else is to be seen.
        face: whose, where a shot begins with several.
        patience: how long frames wait.

    Yields:
        One FaceFrame per VideoFrame, in order.
    """
    reader = ShotReader(detector, choice, scene, face, patience)
    for item in items:
        if isinstance(item, VideoFrame):
            yield from reader.push(item)
        else:
            yield item
    yield from reader.flush()
