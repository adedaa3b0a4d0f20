"""`encode --live`: portraits and motion groups while the input comes, from what has been seen so far.

    regret      the least cost of the portraits there are, less what a fresh one would have, summed over time
    bought      when the regret since the last portrait has reached the price of one: this frame becomes a portrait

So at most twice what a look ahead would have spent and lost, as whoever hires skis until the hires have cost a pair.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.encoding.coding import FINE_BELOW, PlacedUnit, leave_fine
from vqcodec.encoding.features import LIVE_BATCH_FRAMES
from vqcodec.encoding.field import FieldMeter
from vqcodec.encoding.live_field import LiveField
from vqcodec.encoding.live_shot import (
    GROUP_S,
    UNWATCHED,
    Features,
    GroupSpan,
    LiveShot,
    WaitingGroup,
)
from vqcodec.encoding.runs import runs_of
from vqcodec.encoding.settings import Setting
from vqcodec.encoding.shots import ROW_STEP_S
from vqcodec.face.keyframes import sharpness
from vqcodec.face.mismatch import Look
from vqcodec.face.serving import serving_costs
from vqcodec.face.shots import DECIDE_S, Face, FaceFrame
from vqcodec.face.smooth import LOOK_AHEAD_FRAMES
from vqcodec.format import MAX_PORTRAITS, MAX_SHOT_S, to_indices
from vqcodec.geometry.layout import Layout
from vqcodec.geometry.openings import OPEN_EYE_RATIO, OPEN_SHARE, lid_gap_per_eye_width
from vqcodec.media.still.portrait_coder import PortraitCoder
from vqcodec.quantize.grfsq import dequantize, stored_features
from vqcodec.quantize.rdo import choose
from vqcodec.types import MotionGroup, PortraitUnit

FRESH_COST = 0.08
"""What a portrait of a quarter of a second ago has (face.mismatch)."""
CHANGE_GAIN = 0.03
"""Another portrait must serve a frame better by so much: without looking ahead, pictures would hop."""
WHOLE_WITHIN_S = 2
"""So long a stream waits for a whole picture to begin with."""
LIVE_PRESET = 8
_REMEMBERED, _SHARP_SHARE = 12, 0.15
"""Of the newest row in how sharp frames are of late: a blur of half a second is waited for, a camera out of focus isn't."""
_SOFT_SLACK = 1.0
"""So much softer than of late a portrait may be: light and pose change sharpness, too."""

Item = PlacedUnit | MotionGroup


def delay_s(frame_rate_hz: Fraction) -> Fraction:
    """How long after its time a frame is in the stream at most, but for computing.

    At the start of a shot a second passes until the square is decided; then frames wait for the jitter filter, for the
    batch their features are computed in, and for their group. Frames before the first face of all wait for it.
    """
    return DECIDE_S + GROUP_S + (LOOK_AHEAD_FRAMES + LIVE_BATCH_FRAMES) / frame_rate_hz


class LiveRecorder:
    """Turns frames, pushed in order, into a stream's items.

    Args:
        units: (D,) of the motion space.
        layout: what its dimensions mean.
        time_base_s: seconds in a tick.
        setting: how it is coded.
        most: portraits in a shot.
        every_s: a portrait in so many seconds, whatever it saves; None: where they pay.
        coder: gives what codes a shot's portraits at a CRF.
        meter: measures the field; None leaves it at zero.
        span: how much a group holds.

    Attributes:
        portraits: portraits given so far.
        low_confidence_frames: frames without a face so far.
        faces_seen: whether any frame had one.
    """

    def __init__(
        self,
        units: Features,
        layout: Layout,
        time_base_s: Fraction,
        setting: Setting,
        most: int = MAX_PORTRAITS,
        every_s: Fraction | None = None,
        coder: Callable[[int], PortraitCoder] = lambda crf: PortraitCoder(crf, preset=LIVE_PRESET),
        meter: FieldMeter[Any] | None = None,
        span: GroupSpan = UNWATCHED,
    ) -> None:
        self.portraits = self.low_confidence_frames = 0
        self.faces_seen = False
        self._units, self._layout, self._time_base_s = units, layout, time_base_s
        self._setting, self._most, self._every_s, self._coder = setting, most, every_s, coder
        self._meter = meter
        self._shot: LiveShot | None = None
        self._shots = 0
        self._early: list[tuple[int, int]] = []  # index and tick of frames before the first face
        self._waiting = WaitingGroup(span)
        self._held: Features | None = None

    def push(self, frame: FaceFrame, features: Features | None) -> list[Item]:
        """Take the next frame and its features (D,), None without a face."""
        tick = int(frame.time_s / self._time_base_s)
        face = frame.face
        if face is None or features is None or self._is_unfit(frame, tick):
            self.low_confidence_frames += 1
            if self._shot is None:
                self._early.append((frame.index, tick))
                return []
            return self._append(frame.index, tick, None)
        self.faces_seen = True
        if self._shot is None:
            ready = self._first(frame, face, features, tick)
        else:
            ready = self._see(self._shot, frame, face, features, tick)
        return ready + self._append(frame.index, tick, features)

    def _is_unfit(self, frame: FaceFrame, tick: int) -> bool:
        """Whether a damaged picture would be the first of a shot, whose portrait it must not be; not for ever."""
        if not frame.is_damaged:
            return False
        if self._shot is None:
            first = self._early[0][1] if self._early else tick
            return (tick - first) * self._time_base_s < WHOLE_WITHIN_S
        return frame.shot != self._shot.cuts or self._is_full(self._shot, tick)

    def flush(self) -> list[Item]:
        """What still waits, at the end."""
        if self._shot is None:
            return []
        ready = self._group()
        self._shot.coder.close()
        return ready

    def _append(self, index: int, tick: int, features: Features | None) -> list[Item]:
        """The next frame of the group that waits, or of another one."""
        ready: list[Item] = []
        assert self._shot is not None  # frames before the first face are kept apart
        if self._is_full(self._shot, tick):  # and shows no face: its newest portrait serves on
            ready += self._group()
            self._begin(self._shot.cuts, *self._shot.newest, index, tick, continues=True)
        elif self._waiting.is_due(tick, self._time_base_s):
            ready += self._group()
        self._waiting.append(index, tick, features, self._shot.shown)
        return ready + (self._group() if self._waiting.is_full(self._time_base_s) else [])

    def _is_full(self, shot: LiveShot, tick: int) -> bool:
        return (tick - shot.first_tick) * self._time_base_s > MAX_SHOT_S

    def _first(self, frame: FaceFrame, face: Face, features: Features, tick: int) -> list[Item]:
        """The first face of all: frames before it are shown from its portrait."""
        early, self._early = self._early, []
        stored = stored_features(features, self._units)
        index, start = early[0] if early else (frame.index, tick)
        self._begin(frame.shot, face, stored, index, start, continues=False)
        return [item for place in early for item in self._append(*place, None)]

    def _see(
        self, shot: LiveShot, frame: FaceFrame, face: Face, features: Features, tick: int
    ) -> list[Item]:
        """Begin another shot, or look whether the portraits still serve."""
        same = frame.shot == shot.cuts
        if not same or self._is_full(shot, tick):
            ready = self._group()
            stored = stored_features(features, self._units)
            self._begin(frame.shot, face, stored, frame.index, tick, continues=same)
            return ready
        ready = self._group() if self._waiting.is_due(tick, self._time_base_s) else []
        if self._setting.rdo >= FINE_BELOW:
            leave_fine(features, shot.base, self._layout)
        if frame.is_damaged:
            if shot.field is not None:
                shot.field.hold(shot.shown, features)
            return ready
        if shot.row_s is None or frame.time_s >= shot.row_s:
            shot.row_s = frame.time_s + ROW_STEP_S
            self._judge(shot, face)
        if shot.field is not None:
            shot.field.tell(shot.shown, face.square, features)
        if shot.portraits < self._most and self._pays(shot, frame.time_s, face):
            self._add(shot, face, stored_features(features, self._units), frame.index)
        return ready

    def _begin(
        self,
        cuts: int,
        face: Face,
        stored: NDArray[np.int16],
        index: int,
        tick: int,
        *,
        continues: bool,
    ) -> None:
        if self._shot is not None:
            self._shot.coder.close()
        self._shot = LiveShot(
            cuts,
            self._shots,
            self._coder(self._setting.crf),
            dequantize(stored, self._units),
            tick,
            (face, stored),
            None if self._meter is None else LiveField(self._meter),
            sharp=sharpness(face.square, face.points),
        )
        self._shots += 1
        self._waiting.before = None
        self._add(self._shot, face, stored, index, continues=continues)

    def _pays(self, shot: LiveShot, time_s: Fraction, face: Face) -> bool:
        """Whether this frame should become a portrait."""
        if self._every_s is not None:
            due = shot.due_s is not None and time_s >= shot.due_s
            if due or shot.due_s is None:
                shot.due_s = time_s + self._every_s
            return due
        return (
            shot.regret >= self._setting.price
            and lid_gap_per_eye_width(face.points) >= OPEN_SHARE * OPEN_EYE_RATIO
            and sharpness(face.square, face.points) >= shot.sharp - _SOFT_SLACK
        )

    def _judge(self, shot: LiveShot, face: Face) -> None:
        """Which portrait serves best, and how much better a fresh one would."""
        look = Look.at(face.square, face.points)
        shot.sharp += (look.sharp - shot.sharp) * _SHARP_SHARE
        costs = serving_costs([known for _, known in shot.looks], [look])[0]
        best = int(costs.argmin())
        current = next(
            (n for n, (number, _) in enumerate(shot.looks) if number == shot.shown), best
        )
        if costs[current] - costs[best] >= CHANGE_GAIN:
            shot.shown, current = shot.looks[best][0], best
        shot.regret += max(float(costs[current]) - FRESH_COST, 0.0) * float(ROW_STEP_S)

    def _add(
        self,
        shot: LiveShot,
        face: Face,
        stored: NDArray[np.int16],
        index: int,
        *,
        continues: bool = False,
    ) -> None:
        """This frame becomes a portrait, and is shown from it."""
        coded = shot.coder.add(face.square)
        first = self._waiting.indices[0] if self._waiting.indices else index
        unit = PortraitUnit(
            first, shot.number, shot.portraits, coded.depends_on, stored, coded.unit, continues
        )
        self._waiting.units.append(PlacedUnit(unit, face.crop))
        shot.looks = [
            *shot.looks[:1],
            *shot.looks[1:][1 - _REMEMBERED :],
            (shot.portraits, Look.at(face.square, face.points)),
        ]
        if shot.field is not None:
            shot.field.add(shot.portraits, face.square, dequantize(stored, self._units))
            shot.field.keep([number for number, _ in shot.looks])
        shot.shown, shot.regret, shot.newest = shot.portraits, 0.0, (face, stored)
        shot.portraits += 1
        self.portraits += 1

    def _group(self) -> list[Item]:
        shot, group = self._shot, self._waiting
        assert shot is not None
        self._waiting = group.next()
        if not group.ticks:
            return []
        if self._held is None:
            self._held = next((f for f in group.features if f is not None), shot.base)
        rows = []
        for features in group.features:
            self._held = self._held if features is None else features
            rows.append(self._held)
        tokens = to_indices(
            choose(np.stack(rows) - shot.base, self._units, self._layout, self._setting.rdo)
        )
        shown = np.array(group.shown, np.int64)
        motion = MotionGroup(
            group.indices[0],
            np.array(group.ticks, np.int64),
            np.array([f is None for f in group.features]),
            tokens,
            shot.number,
            runs_of(shown, group.before),
        )
        return [*group.units, motion]
