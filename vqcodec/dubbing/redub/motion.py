r"""New lips for stretches of a recording: from what was heard to features, portraits and fields.

controls of the recording --\
speech tokens ----------------> generator --> made landmarks --NewLips--> landmarks --> features, re-fitted
its most shut frame ---------/                                              |           field without the mouth
                                                                 portraits whose mouth is like that
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vqcodec.config import DubOptions
from vqcodec.dubbing.listen import Heard
from vqcodec.dubbing.parts import DubParts, RecordedSpace
from vqcodec.dubbing.poses import DUB_HZ
from vqcodec.dubbing.redub.field import MouthlessField
from vqcodec.dubbing.redub.gaze import turned_to_camera
from vqcodec.dubbing.redub.lips import NewLips
from vqcodec.dubbing.redub.recording import RecordedShot, Recording
from vqcodec.dubbing.redub.serving import portrait_costs, served, setting_costs
from vqcodec.dubbing.redub.timeline import Played
from vqcodec.format import DIMS
from vqcodec.geometry.controls import Controls, read_controls
from vqcodec.geometry.openings import lip_gap_per_eye_distance
from vqcodec.geometry.portrait import PortraitFacts
from vqcodec.quantize.grfsq import dequantize
from vqcodec.speech.rest import runs
from vqcodec.stream.portraits import Portrait

BESIDE_S = 1
"""Sound before and after a stretch that the generator hears, too."""
SAME_TIME_S = 0.1
"""A frame that is shown so near to its own time may keep its own lips."""
HELD_FADE_S = 0.2
"""Before and after frames without a face, lips go back to the recorded ones."""
LEAST_SAME_FRAMES = 10
"""Of 40 ms: a shorter agreement of two sounds is chance."""
EDGE_FRAMES = 2
"""Of 40 ms: lips begin to follow so long before a new sound."""
_TURNED_WEIGHT = 0.1

Floats = NDArray[np.float32]
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Redubbed:
    """A stretch with its new lips.

    Attributes:
        features: (T, D) float32.
        shown: (T,) int64, the portrait that shows each frame.
        changed: (T,) bool, frames whose lips are not the recorded ones.
    """

    features: Floats
    shown: NDArray[np.int64]
    changed: NDArray[np.bool_]


class Redubber:
    """Gives stretches of a recording their new lips.

    Args:
        recording: what is shown.
        heard: the new sound.
        new: (T,) float32 at 25 Hz in 0..1, where lips follow it.
        parts: the models.
        options: of the generator.
    """

    def __init__(
        self,
        recording: Recording,
        heard: Heard,
        new: Floats,
        parts: DubParts,
        options: DubOptions,
        seed: int,
    ) -> None:
        self._recording, self._heard, self._new = recording, heard, new
        self._parts, self._options, self._seed = parts, options, seed
        self._space: RecordedSpace = parts.landmarks_of(recording.head.motion_space)
        self._lips = NewLips(parts.shape)
        field = self._space.field
        self._mouthless = None if field is None else MouthlessField(field)
        self._settings: dict[int, Array] = {}

    def __call__(self, piece: Played) -> Redubbed:
        """New lips where they are wanted."""
        shot, features = piece.shot, piece.of(piece.shot.features)
        share = self._share(piece)
        recorded = shot.shown[piece.nearest]
        to_camera = self._options.gaze == "camera"
        changed = ~shot.held[piece.nearest] if to_camera else share > 0
        if not changed.any():
            return Redubbed(features, recorded, changed)
        points = self._space.landmarks(features)
        times_s = self._times_s(piece)
        moved = points
        if share.any():
            made = self._made(shot, points, times_s)
            shut = np.maximum(self._heard.rest, self._heard.shut)
            moved = self._lips(points, made, times_s, self._at(shut, times_s))
        moved = points + share[:, None, None] * (moved - points)
        if to_camera:
            moved = turned_to_camera(moved, self._usual(shot), self._parts.shape)
        shown = self._shown(shot, moved, recorded, share > 0)
        features = self._fitted(shot, features, points, moved, shown, changed)
        return Redubbed(features, shown, changed)

    def _share(self, piece: Played) -> Floats:
        """(T,) how much of the new lips each frame has."""
        times_s = self._times_s(piece)
        recorded = np.interp(piece.places, np.arange(len(piece.shot)), piece.shot.ticks)
        apart_s = np.abs(recorded - piece.ticks) * float(self._recording.head.time_base_s)
        elsewhere = apart_s > SAME_TIME_S
        share = np.where(elsewhere, np.float32(1), self._at(self._new, times_s))
        held = piece.shot.held[piece.nearest]
        if held.any():
            away = np.abs(times_s[:, None] - times_s[held]).min(1)
            share = share * np.clip(away / HELD_FADE_S, 0, 1)
        return np.asarray(share, np.float32)

    def _made(self, shot: RecordedShot, points: Floats, times_s: Array) -> Floats:
        """(T, 478, 2) landmarks of the shot's person, made to speak; what shuts lips comes later, once (NewLips)."""
        first = max(int(times_s[0] * DUB_HZ) - BESIDE_S * DUB_HZ, 0)
        stop = min(int(times_s[-1] * DUB_HZ) + 2 + BESIDE_S * DUB_HZ, len(self._heard))
        at_s = np.arange(first, stop) / DUB_HZ
        facts = self._facts(shot)
        windows = self._parts.generator.generate(
            self._heard.tokens[first:stop],
            at_times(read_controls(points, self._parts.shape), times_s, at_s),
            facts,
            rest=self._heard.rest[first:stop],
            temperature=self._options.temperature,
            argmax=self._options.argmax,
            seed=self._seed,
        )
        values = np.concatenate(list(windows)).astype(np.float32)
        rows = np.stack([np.interp(times_s, at_s, column) for column in values.T], 1)
        units = self._parts.space.units
        return self._parts.space.landmarks((facts.features + rows * units).astype(np.float32))

    def _facts(self, shot: RecordedShot) -> PortraitFacts:
        """The shot's frame with the most shut mouth, seen from the front, as the generator's portrait."""
        features = shot.features[~shot.held]
        points = self._space.landmarks(features)
        controls = read_controls(points, self._parts.shape)
        turned = np.abs(controls.pose[:, :3]).sum(1)
        best = int((lip_gap_per_eye_distance(points) + _TURNED_WEIGHT * turned).argmin())
        own = np.zeros(DIMS, np.float32)
        known = self._space.units[:DIMS], self._parts.space.units[:DIMS]
        if np.array_equal(*known):
            own[:] = features[best, :DIMS]
        else:
            projected = self._parts.space.project(points[best : best + 1])[0]
            own[: len(projected)] = projected
        return PortraitFacts(own, controls[best : best + 1], points[best])

    def _usual(self, shot: RecordedShot) -> Controls:
        """How the shot's person looks."""
        return read_controls(self._space.landmarks(shot.features[~shot.held]), self._parts.shape)

    def _shown(
        self,
        shot: RecordedShot,
        moved: Floats,
        recorded: NDArray[np.int64],
        changed: NDArray[np.bool_],
    ) -> NDArray[np.int64]:
        """(T,) the portrait of each frame."""
        if len(shot.portraits) == 1:
            return recorded
        own = self._space.landmarks(np.stack([self._own(p) for p in shot.portraits]))
        setting = self._settings.get(shot.first_frame)
        if setting is None:
            size_px = self._recording.head.coded_size_px
            setting = setting_costs(shot.portraits, own, size_px)
            self._settings = {shot.first_frame: setting}
        costs = portrait_costs(moved, own, self._parts.shape) + setting[recorded]
        frame_s = float(1 / self._recording.head.frame_rate_hz)
        return served(costs, recorded, changed, frame_s)

    def _own(self, portrait: Portrait) -> Floats:
        return dequantize(portrait.features, self._space.units)

    def _fitted(
        self,
        shot: RecordedShot,
        features: Floats,
        points: Floats,
        moved: Floats,
        shown: NDArray[np.int64],
        changed: NDArray[np.bool_],
    ) -> Floats:
        """(T, D) features of the moved landmarks, shown from these portraits."""
        out = features.copy()
        way = self._space.project(moved[changed]) - self._space.project(points[changed])
        out[changed, : way.shape[1]] += way
        if self._mouthless is not None:
            span = self._space.layout.field_span
            own = np.stack([self._own(p)[span] for p in shot.portraits])[shown[changed]]
            told = features[changed, span] - own
            out[changed, span] = own + self._mouthless(told, moved[changed])
        return out

    def _times_s(self, piece: Played) -> Array:
        """(T,) when frames are shown."""
        return np.asarray(piece.ticks * float(self._recording.head.time_base_s), np.float64)

    def _at(self, rows: Floats, times_s: Array) -> Floats:
        """(T,) of numbers at 25 Hz."""
        return np.asarray(np.interp(times_s, np.arange(len(rows)) / DUB_HZ, rows), np.float32)


def at_times(controls: Controls, times_s: Array, wanted_s: Array) -> Controls:
    """Controls of frames at some times, as they are at others."""
    table = np.concatenate([controls.pose, controls.gaze, controls.blink[:, None]], 1)
    even = np.stack([np.interp(wanted_s, times_s, column) for column in table.T], 1)
    even = even.astype(np.float32)
    return Controls(even[:, :6], even[:, 6:8], even[:, 8])


def lips_follow(
    same: NDArray[np.bool_], inside: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """Where lips follow a new sound.

    Args:
        same: (T,) frames at 25 Hz in which it is the recording's own sound.
        inside: (T,) frames that are to be dubbed; None: all.

    Returns:
        (T,) float32: 1 where they do, 0 where they stay as recorded, with soft edges.
    """
    kept = np.zeros(len(same), bool)
    for start, stop in runs(same):
        if stop - start >= LEAST_SAME_FRAMES or stop - start == len(same):
            kept[start:stop] = True
    wanted = np.ones(len(same), bool)
    if inside is not None:
        wanted[:] = False
        wanted[: len(inside)] = inside[: len(same)]
    new = wanted & ~kept
    if new.all() or not new.any():
        return new.astype(np.float32)
    wide = np.convolve(np.pad(new, EDGE_FRAMES, mode="edge"), np.ones(2 * EDGE_FRAMES + 1), "valid")
    soft = np.pad((wide > 0.5).astype(float), EDGE_FRAMES, mode="edge")
    return np.convolve(
        soft, np.full(2 * EDGE_FRAMES + 1, 1 / (2 * EDGE_FRAMES + 1)), "valid"
    ).astype(np.float32)
