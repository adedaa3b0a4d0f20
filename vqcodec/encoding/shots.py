"""Frames with their motion -> shots of at most a minute, with all that choosing portraits needs.

    frames      f f f f f f f f f f f f f f f ...      all: tick, features
    rows        r     r     r     r     r              every .12 s: what portraits are compared with
    candidates  [  c      ][   c     ][ c              the best frame of each .2 s: may become a portrait

A frame without a face repeats the motion of the last face, or, before any face was seen, of the first one to come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from vqcodec.encoding.kept import KeptPicture
from vqcodec.encoding.scene import RecordedScene, SceneWatch
from vqcodec.face.crop import resize
from vqcodec.face.keyframes import sharpness
from vqcodec.face.mismatch import Look
from vqcodec.face.serving import serving_costs
from vqcodec.face.shots import Face, FaceFrame
from vqcodec.format import CODED_SIZE_PX, FEATURE_SIZE_PX, MAX_SHOT_S
from vqcodec.geometry.openings import OPEN_EYE_RATIO, lid_gap_per_eye_width
from vqcodec.types import Crop

ROW_STEP_S = Fraction(3, 25)
CANDIDATE_STEP_S = Fraction(1, 5)
COARSE_COST = 0.15
"""Of a portrait cut from a square half as wide as the shot's largest."""
_EYES_WEIGHT, _SHARPNESS_WEIGHT = 3.0, 0.8

Features = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class RecordedFrame:
    """A frame before its tokens are made.

    Attributes:
        index: number in the stream.
        tick: presentation time.
        features: (D,) float32; None without a face.
        picture: the frame at 256x256; None where nothing asks for it.
    """

    index: int
    tick: int
    features: Features | None
    picture: KeptPicture | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A frame that may become a portrait.

    Attributes:
        time_s: when it is shown.
        features: (D,) float32.
        picture: the frame at 512x512.
        crop: the square it was cut from; in a whole shot, in its largest pictures.
        wanted: it was asked for.
        look: what it is compared by; only until the shot is complete.
    """

    time_s: Fraction
    features: Features
    picture: KeptPicture
    crop: Crop
    wanted: bool = False
    look: Look | None = None


@dataclass(frozen=True, slots=True, eq=False)
class RecordedShot:
    """A minute of one scene at most.

    Attributes:
        frames: T >= 1 of them.
        candidates: C >= 1 of them, by time; the first frame with a face among them.
        rows: (R,) int64, which frames are compared; R may be 0.
        costs: (R, C) float32, how badly a candidate serves a row (face.serving).
        continues: the shot before shows the same scene.
        scene: what is around the square; None where that isn't kept.
    """

    frames: tuple[RecordedFrame, ...]
    candidates: tuple[Candidate, ...]
    rows: NDArray[np.int64]
    costs: NDArray[np.float32]
    continues: bool
    scene: RecordedScene | None = None

    def features(self) -> Features:
        """(T, D) of every frame, held where no face was seen."""
        held = next((f.features for f in self.frames if f.features is not None), None)
        held = self.candidates[0].features if held is None else held
        rows = []
        for frame in self.frames:
            held = held if frame.features is None else frame.features
            rows.append(held)
        return np.stack(rows)


@dataclass(slots=True)
class _Open:
    """A shot that goes on."""

    number: int | None
    continues: bool
    frames: list[RecordedFrame] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    row_due_s: Fraction = Fraction(0)
    step_end_s: Fraction = Fraction(0)
    best: tuple[float, FaceFrame, Features, bool] | None = None
    damaged: tuple[FaceFrame, Features] | None = None  # a portrait if the shot has no whole frame


class ShotRecorder:
    """Collects shots.

    Args:
        time_base_s: seconds in a tick.
        wanted_s: the first frame with a face from then on is made a candidate.
        keep_every: keep one of so many frames at 256x256 (encode --effort: all; a field: each second); 0: none.
        step_s: seconds between candidates.
        watch: follows what is around the square; None where that isn't kept.

    Attributes:
        low_confidence_frames: frames without a face so far.
        faces_seen: whether any frame had one.
    """

    def __init__(
        self,
        time_base_s: Fraction,
        *,
        wanted_s: Fraction | None = None,
        keep_every: int = 0,
        step_s: Fraction = CANDIDATE_STEP_S,
        watch: SceneWatch | None = None,
    ) -> None:
        self.low_confidence_frames, self.faces_seen = 0, False
        self._time_base_s, self._keep_every = time_base_s, keep_every
        self._wanted_s, self._step_s, self._watch = wanted_s, step_s, watch
        self._open = _Open(None, False)
        self._last: Candidate | None = None

    def push(self, frame: FaceFrame, features: Features | None) -> list[RecordedShot]:
        """Take the next frame and its motion features, (D,), None without a face; gives the shot that is complete now."""
        ready: list[RecordedShot] = []
        tick = int(frame.time_s / self._time_base_s)
        seen = frame.face is not None and features is not None
        if seen and self._open.number not in (None, frame.shot):
            ready += self._finish(frame.shot, continues=False)
        elif self._open.frames and self._is_full(tick):
            ready += self._finish(self._open.number, continues=True)
        place = len(self._open.frames)
        picture = None
        if seen and frame.face is not None and features is not None:
            self._open.number, self.faces_seen = frame.shot, True
            self._see(frame, frame.face, features, place)
            if self._keep_every and place % self._keep_every == 0 and not frame.is_damaged:
                picture = KeptPicture.of(resize(frame.face.square, FEATURE_SIZE_PX))
        if self._watch is not None:
            self._watch.see(place, frame, frame.face.crop if frame.face else None)
        self.low_confidence_frames += not seen
        self._open.frames.append(
            RecordedFrame(frame.index, tick, features if seen else None, picture)
        )
        return ready

    def flush(self) -> list[RecordedShot]:
        """The last shot, at the end of the input; none where no frame showed a face."""
        return self._finish(None, continues=False)

    def _is_full(self, tick: int) -> bool:
        first = self._open.frames[0].tick
        has_portrait = self._last is not None or self._open.number is not None
        return has_portrait and (tick - first) * self._time_base_s > MAX_SHOT_S

    def _see(self, frame: FaceFrame, face: Face, features: Features, place: int) -> None:
        shot = self._open
        if frame.is_damaged:
            shot.damaged = shot.damaged or (frame, features)
            return
        wanted = self._is_wanted(frame.time_s)
        if frame.time_s >= shot.row_due_s:
            shot.rows.append(place)
            shot.looks.append(Look.at(face.square, face.points))
            shot.row_due_s = frame.time_s + ROW_STEP_S
        first = not shot.candidates and shot.best is None
        if first or wanted or frame.time_s >= shot.step_end_s:
            self._keep_best()
            shot.step_end_s = frame.time_s + self._step_s
        score = np.inf if first or wanted else candidate_score(face)
        if shot.best is None or score > shot.best[0]:
            shot.best = score, frame, features, wanted

    def _is_wanted(self, time_s: Fraction) -> bool:
        if self._wanted_s is None or time_s < self._wanted_s:
            return False
        self._wanted_s = None
        return True

    def _keep_best(self) -> None:
        """The best frame of a step becomes a candidate."""
        best, self._open.best = self._open.best, None
        if best is None:
            return
        _, frame, features, wanted = best
        self._last = _candidate(frame, features, wanted=wanted)
        self._open.candidates.append(self._last)

    def _finish(self, number: int | None, *, continues: bool) -> list[RecordedShot]:
        self._keep_best()
        shot, self._open = self._open, _Open(number, continues)
        if not shot.candidates and shot.damaged and not (shot.continues and self._last):
            self._last = _candidate(*shot.damaged, wanted=False)
        candidates = shot.candidates or ([] if self._last is None else [self._last])
        if not candidates or not shot.frames:
            return []
        looks = [c.look for c in candidates if c.look is not None]
        crops = [c.crop for c in candidates]
        finest = max(crops, key=lambda crop: crop.side_px)
        recorded = RecordedShot(
            tuple(shot.frames),
            tuple(replace(c, look=None, crop=finest) for c in candidates),
            np.array(shot.rows, np.int64),
            serving_costs(looks, shot.looks) + _coarseness(crops),
            shot.continues,
            None if self._watch is None else self._watch.finish(finest, continues=continues),
        )
        return self._within_a_minute(recorded)

    def _within_a_minute(self, shot: RecordedShot) -> list[RecordedShot]:
        """A shot that showed nobody for longer than a shot may last: its first face stands in the shots before it, too."""
        pieces: list[RecordedShot] = []
        ticks = np.array([frame.tick for frame in shot.frames])
        while (last := int(ticks[0] + MAX_SHOT_S / self._time_base_s)) < ticks[-1]:
            cut = int(np.searchsorted(ticks, last, side="right"))
            nobody = np.zeros(0, np.int64), np.zeros((0, 1), np.float32)
            first = shot.candidates[:1]
            scene, later = shot.scene.split(cut) if shot.scene else (None, None)
            piece = RecordedShot(shot.frames[:cut], first, *nobody, shot.continues, scene)
            pieces.append(piece)
            rest = shot.frames[cut:]
            shot = replace(shot, frames=rest, rows=shot.rows - cut, continues=True, scene=later)
            ticks = ticks[cut:]
        return [*pieces, shot]


def _coarseness(crops: Sequence[Crop]) -> NDArray[np.float32]:
    """(C,) what portraits cost that show less than others of the shot: where its pictures become larger or smaller."""
    sides = np.array([min(crop.side_px, CODED_SIZE_PX) for crop in crops], np.float32)
    return np.asarray(COARSE_COST * np.log2(sides.max() / sides), np.float32)


def _candidate(frame: FaceFrame, features: Features, *, wanted: bool) -> Candidate:
    assert frame.face is not None
    face = frame.face
    picture, look = KeptPicture.of(face.square), Look.at(face.square, face.points)
    return Candidate(frame.time_s, features, picture, face.crop, wanted, look)


def candidate_score(face: Face) -> float:
    """Which of a few neighbouring frames makes the best portrait: open eyes, then sharpness."""
    eyes = min(lid_gap_per_eye_width(face.points) / OPEN_EYE_RATIO, 1.0)
    return _EYES_WEIGHT * eyes + _SHARPNESS_WEIGHT * sharpness(face.square, face.points)
