"""Motion features of frames -> portraits and motion groups, in the order the file wants them.

    frames of a shot:  f f f f f f f f f f f f ...
                       |--- one second ---|        the best of these becomes the portrait (KEYF) of all of them
                       [ group <= 2 s ][ group     tokens of f_t - f_s; a group never crosses a key frame

Where that portrait serves badly for a while (face/mismatch.py), the best of the next 0.4 s becomes another one of the shot.
A frame without a face repeats the features of the last face, or, before any face was seen, of the first one to come.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vqcodec.config import PortraitFrame, Refs
from vqcodec.face.crop import resize
from vqcodec.face.keyframes import portrait_score
from vqcodec.face.mismatch import PortraitWatch
from vqcodec.face.shots import Face, FaceFrame
from vqcodec.format import MAX_GROUP_FRAMES, MAX_GROUP_SPAN_S, to_indices
from vqcodec.geometry.layout import Layout
from vqcodec.quantize.grfsq import dequantize
from vqcodec.quantize.rdo import choose
from vqcodec.types import Crop, MotionGroup

CANDIDATES_S = Fraction(1)
LATER_CANDIDATES_S = Fraction(2, 5)
REFINED_SIDE_PX = 256


@dataclass(frozen=True, slots=True)
class Portrait:
    """A key frame before its picture is coded.

    Attributes:
        first_frame: index of the first frame rendered from it.
        rgb: (512, 512, 3) uint8.
        features: (48,) int16, f_s in units of the motion space.
        crop: the square it was cut from.
    """

    first_frame: int
    rgb: NDArray[np.uint8]
    features: NDArray[np.int16]
    crop: Crop


def stored_features(features: NDArray[np.float32], units: NDArray[np.float32]) -> NDArray[np.int16]:
    """A portrait's features (48,) as a key frame stores them: (48,) whole units."""
    steps = np.rint(features.astype(np.float64) / units)
    return np.clip(steps, -32768, 32767).astype(np.int16)


class MotionRefiner(Protocol):
    """What refines features before they are quantized (vqcodec.encoding.effort.Refiner)."""

    def portrait(self, rgb: NDArray[np.uint8], features: NDArray[np.float32]) -> None:
        """A portrait (512, 512, 3), not coded yet, and its dequantized features (48,): that of the groups to come."""

    def motion(
        self,
        pictures: NDArray[np.uint8],
        features: NDArray[np.float32],
        progress: Callable[[int], None],
    ) -> NDArray[np.float32]:
        """(T, 256, 256, 3) frames of a group that show a face and their features (T, 48) -> other features (T, 48).

        `progress` is told, now and then, how many frames have been refined since the beginning.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Pending:
    """A frame whose tokens can't be made yet; features None without a face, a small picture only to refine with."""

    index: int
    tick: int
    features: NDArray[np.float32] | None
    picture: NDArray[np.uint8] | None = None


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A frame that may become a portrait."""

    frame: FaceFrame
    face: Face
    features: NDArray[np.float32]
    score: float = -np.inf


def _better(best: _Candidate, other: _Candidate) -> _Candidate:
    """The better portrait of two, the earlier of equally good ones; `best` may be without a score yet."""
    score = portrait_score(other.face.square, other.face.points)
    return replace(other, score=score) if score > best.score else best


class Assembler:
    """Turns frames, pushed in order, into Portrait and MotionGroup items.

    Args:
        units: (48,) of the motion space.
        layout: what its dimensions mean.
        time_base_s: seconds in a tick.
        portrait_frame: which frame becomes the portrait; of those that a shot gets later, the best is taken anyway.
        rdo: strength of the rate-distortion choice (rdo.choose); 0 takes the nearest values.
        refs: portraits per shot (PortraitWatch); "auto" is 1 with portrait_frame "first".
        refiner: refines the features of each group before they are quantized; None leaves them.
        progress: told by the refiner how many frames it has refined.

    Attributes:
        key_frames: portraits given so far.
        low_confidence_frames: frames without a face given so far.
    """

    def __init__(
        self,
        units: NDArray[np.float32],
        layout: Layout,
        time_base_s: Fraction,
        portrait_frame: PortraitFrame = "auto",
        rdo: float = 0.0,
        refs: Refs = "auto",
        refiner: MotionRefiner | None = None,
        progress: Callable[[int], None] = lambda frames: None,
    ) -> None:
        self.key_frames = 0
        self._refiner, self._progress = refiner, progress
        self.low_confidence_frames = 0
        self._units, self._layout = units, layout
        self._time_base_s = time_base_s
        self._rdo = rdo
        self._first_only = portrait_frame == "first"
        self._watch = (
            None if refs == 1 or (self._first_only and refs == "auto") else PortraitWatch(refs)
        )
        self._shot: int | None = None  # of the portrait in force
        self._base: NDArray[np.float32] | None = None  # dequantized f_s
        self._held: NDArray[np.float32] | None = None  # features of the last face
        self._open: list[_Pending] = []  # frames that wait for their portrait
        self._best: _Candidate | None = None  # best portrait for them so far
        self._deadline_s = Fraction(0)
        self._group: list[_Pending] = []

    def push(
        self, frame: FaceFrame, features: NDArray[np.float32] | None
    ) -> list[Portrait | MotionGroup]:
        """Take the next frame and its motion features (48,), None without a face."""
        ready: list[Portrait | MotionGroup] = []
        pending = self._pending(frame, features)
        seen = (
            None
            if frame.face is None or features is None
            else _Candidate(frame, frame.face, features)
        )
        if self._best is not None and (
            frame.shot != self._best.frame.shot or frame.time_s >= self._deadline_s
        ):
            ready += self._settle()
        if seen is not None and self._best is None:
            if frame.shot != self._shot:
                self._begin_candidates(seen, Fraction(0) if self._first_only else CANDIDATES_S)
            elif self._is_due(seen):
                self._begin_candidates(seen, LATER_CANDIDATES_S)
        if self._best is not None or self._base is None:
            self._open.append(pending)
            if seen is not None and self._best is not None:
                self._best = _better(self._best, seen)
            return ready
        return ready + self._add(pending)

    def flush(self) -> list[Portrait | MotionGroup]:
        """The items still held, at the end of the input; without any face in it there are none."""
        ready = self._settle() if self._best is not None else []
        return ready + self._end_group()

    def _pending(self, frame: FaceFrame, features: NDArray[np.float32] | None) -> _Pending:
        small = (
            None
            if self._refiner is None or frame.face is None
            else resize(frame.face.square, REFINED_SIDE_PX)
        )
        return _Pending(frame.index, int(frame.time_s / self._time_base_s), features, small)

    def _is_due(self, seen: _Candidate) -> bool:
        """Whether the shot should get another portrait from this frame on."""
        return self._watch is not None and self._watch.is_due(
            seen.face.square, seen.face.points, seen.frame.time_s
        )

    def _begin_candidates(self, first: _Candidate, within_s: Fraction) -> None:
        self._best = first
        self._deadline_s = first.frame.time_s + within_s

    def _settle(self) -> list[Portrait | MotionGroup]:
        """The second is over: its best frame is the portrait of all frames that wait."""
        assert self._best is not None
        best, self._best = self._best, None
        waiting, self._open = self._open, []
        ready = [*self._end_group(), self._enter(best, waiting[0].index)]
        if self._held is None:
            self._held = next(p.features for p in waiting if p.features is not None)
        for pending in waiting:
            ready += self._add(pending)
        return ready

    def _enter(self, chosen: _Candidate, first_frame: int) -> Portrait:
        frame, face = chosen.frame, chosen.face
        stored = stored_features(chosen.features, self._units)
        self._base = dequantize(stored, self._units)
        if self._refiner is not None:
            self._refiner.portrait(face.square, self._base)
        if self._watch is not None:
            self._watch.start(
                face.square, face.points, frame.time_s, new_shot=frame.shot != self._shot
            )
        self._shot = frame.shot
        self.key_frames += 1
        return Portrait(first_frame, face.square, stored, face.crop)

    def _add(self, pending: _Pending) -> list[Portrait | MotionGroup]:
        """Put a frame in the group; returns the group before it when that is full."""
        ready: list[Portrait | MotionGroup] = []
        if self._group and (
            len(self._group) == MAX_GROUP_FRAMES
            or (pending.tick - self._group[0].tick) * self._time_base_s >= MAX_GROUP_SPAN_S
        ):
            ready = self._end_group()
        self._group.append(pending)
        return ready

    def _end_group(self) -> list[Portrait | MotionGroup]:
        group, self._group = self._group, []
        if not group:
            return []
        assert self._base is not None and self._held is not None
        values = []
        for pending in self._refined(group):
            self._held = self._held if pending.features is None else pending.features
            values.append(self._held)
        missing = np.array([p.features is None for p in group])
        self.low_confidence_frames += int(missing.sum())
        delta = np.stack(values) - self._base
        tokens = to_indices(choose(delta, self._units, self._layout, self._rdo))
        return [
            MotionGroup(
                group[0].index, np.array([p.tick for p in group], np.int64), missing, tokens
            )
        ]

    def _refined(self, group: list[_Pending]) -> list[_Pending]:
        """The group with refined features; frames without a face hold what becomes of the one before."""
        seen = [
            (p.picture, p.features)
            for p in group
            if p.picture is not None and p.features is not None
        ]
        if self._refiner is None or not seen:
            return group
        rows = iter(
            self._refiner.motion(
                np.stack([picture for picture, _ in seen]),
                np.stack([row for _, row in seen]),
                self._progress,
            )
        )
        return [p if p.features is None else replace(p, features=next(rows)) for p in group]
