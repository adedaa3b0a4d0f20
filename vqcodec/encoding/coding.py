"""A recorded shot and a setting -> the portraits and motion groups of a file, in the file's order.

portrait_sets, shown_from    --> numbers, a portrait for each frame
PortraitCoder                --> PortraitUnit, each before the first group that shows it
groups of at most 2 s        --> MotionGroup: tokens relative to portrait 0, runs of frames with their portraits
SceneCoder                   --> ScenePicture, each before the group with its first frame
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.encoding.choice import PortraitSets, Spending, portrait_sets, shown_from
from vqcodec.encoding.field import FieldMeter
from vqcodec.encoding.refining import MotionRefiner, refined
from vqcodec.encoding.runs import runs_of
from vqcodec.encoding.scene_coding import SceneCoder
from vqcodec.encoding.settings import Setting
from vqcodec.encoding.shots import RecordedShot
from vqcodec.format import MAX_GROUP_FRAMES, MAX_GROUP_SPAN_S, to_indices
from vqcodec.geometry.layout import Layout
from vqcodec.media.still.portrait_coder import PRESET, CodedUnit, PortraitCoder
from vqcodec.quantize.grfsq import dequantize, stored_features
from vqcodec.quantize.rdo import choose
from vqcodec.stream.interleave import Interleaver
from vqcodec.types import Crop, MotionGroup, PortraitUnit, ScenePicture

FINE_BELOW = 0.5
"""Price of the motion's bits from which on fine dimensions stay as they are in a shot's portrait 0."""

Features = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PlacedUnit:
    """A portrait, and the square that it was cut from."""

    unit: PortraitUnit
    crop: Crop


def put(file: Interleaver, item: PlacedUnit | MotionGroup | ScenePicture) -> None:
    """Write what a shot gives."""
    if isinstance(item, PlacedUnit):
        file.portrait(item.unit, item.crop)
    elif isinstance(item, ScenePicture):
        file.scene(item)
    else:
        file.motion(item)


class ShotCoder:
    """Codes the shots of one file, one after the other.

    Args:
        units: (D,) of the motion space.
        layout: what its dimensions mean.
        time_base_s: seconds in a tick.
        frame_rate_hz: nominal rate: how long the last frame of a shot lasts.
        spending: limits of the caller's; its price is the setting's.
        refiner: refines the motion before it is quantized; None leaves it.
        progress: told by the refiner how many frames it has refined.
        preset: of the AV1 encoder.
        keep: keep what was coded, since the same shots come again with other settings (`restart`).
        meter: measures the field; None leaves it at zero.

    Attributes:
        portraits: portraits given so far.
    """

    def __init__(
        self,
        units: Features,
        layout: Layout,
        time_base_s: Fraction,
        frame_rate_hz: Fraction,
        spending: Spending,
        refiner: MotionRefiner | None = None,
        progress: Callable[[int], None] = lambda frames: None,
        preset: int = PRESET,
        keep: bool = False,
        meter: FieldMeter[Any] | None = None,
    ) -> None:
        self.portraits = self._shots = 0
        self._keep = keep
        self._kept_units: dict[tuple[object, ...], list[CodedUnit]] = {}
        self._kept_sets: dict[int, PortraitSets] = {}
        self._kept_tokens: dict[tuple[object, ...], NDArray[np.uint16]] = {}
        self._units, self._layout, self._time_base_s = units, layout, time_base_s
        self._frame_s = float(1 / frame_rate_hz)
        self._spending, self._preset = spending, preset
        self._refiner, self._progress, self._meter = refiner, progress, meter
        self._scenes = SceneCoder(keep=keep)

    def restart(self) -> None:
        """The first shot comes again."""
        self.portraits = self._shots = 0

    def chosen(self, shot: RecordedShot, setting: Setting) -> list[int]:
        """Candidates of the next shot that a setting makes portraits, that of number 0 first, the others by time."""
        return self._shown(shot, setting)[0]

    def unit_bytes(self, shot: RecordedShot, setting: Setting) -> list[int]:
        """Bytes of the portraits of the next shot; what was coded is kept until `items` gives it."""
        chosen = self.chosen(shot, setting)
        coded = list(self._coded(shot, chosen, setting, self._shots))
        self._kept_units[(self._shots, setting.crf, setting.boosted, *chosen)] = coded
        return [len(c.unit) for c in coded]

    def items(
        self, shot: RecordedShot, setting: Setting
    ) -> Iterator[PlacedUnit | MotionGroup | ScenePicture]:
        """Everything of the next shot."""
        chosen, shown = self._shown(shot, setting)
        number, self._shots = self._shots, self._shots + 1
        coded = self._coded(shot, chosen, setting, number)
        features, own = self._measured(shot, chosen, shown, setting)
        stored = [stored_features(row, self._units) for row in own]
        features = self._motion(shot, features, shown, stored, chosen)
        due = 0
        for first, stop in self._spans(shot):
            scenes = self._scenes.before(shot, setting, number, (first, stop))
            while due <= shown[first:stop].max():
                unit = _unit(
                    next(coded),
                    shot.frames[first].index,
                    (number, due),
                    stored[due],
                    shot.continues,
                )
                yield PlacedUnit(unit, shot.candidates[chosen[due]].crop)
                due += 1
                yield from scenes  # the first one stands directly behind portrait 0
            yield from scenes
            yield self._group(shot, features, shown, (first, stop), stored[0], setting, number)
        self.portraits += due
        if not self._keep:
            self._kept_units.clear()
            self._kept_sets.clear()
            if self._meter is not None:
                self._meter.forget()

    def _shown(self, shot: RecordedShot, setting: Setting) -> tuple[list[int], NDArray[np.int64]]:
        """Candidates that become portraits of the next shot, and which of them shows each frame."""
        seconds = self.seconds(shot)
        chosen = self._sets(shot, self._shots, seconds).at(setting.price)
        return _only_shown(chosen, shown_from(shot, chosen, seconds))

    def _sets(self, shot: RecordedShot, number: int, seconds: float) -> PortraitSets:
        """What to choose from, the same at every setting."""
        sets = self._kept_sets.get(number)
        if sets is None:
            sets = portrait_sets(shot, self._spending, self._units, seconds)
            self._kept_sets[number] = sets
        return sets

    def _coded(
        self, shot: RecordedShot, chosen: list[int], setting: Setting, number: int
    ) -> Iterator[CodedUnit]:
        """Units of the portraits, each as it is asked for; those kept from before, if they are the same."""
        key = (number, setting.crf, setting.boosted, *chosen)
        known = self._kept_units.get(key)
        if known is not None:
            yield from known
            return
        coder, units = PortraitCoder(setting.crf, preset=self._preset, boosted=setting.boosted), []
        with closing(coder):
            for candidate in chosen:
                units.append(coder.add(shot.candidates[candidate].picture.rgb()))
                if self._keep and len(units) == len(chosen):
                    self._kept_units[key] = units  # before the last yield: nothing runs after it
                yield units[-1]

    def seconds(self, shot: RecordedShot) -> float:
        """How long a shot lasts."""
        span = (shot.frames[-1].tick - shot.frames[0].tick) * self._time_base_s
        return float(span) + self._frame_s

    def _measured(
        self, shot: RecordedShot, chosen: list[int], shown: NDArray[np.int64], setting: Setting
    ) -> tuple[Features, list[Features]]:
        """(T, D) of every frame and (D,) of every portrait as they are to be told, with their field."""
        features, own = shot.features(), [shot.candidates[c].features.copy() for c in chosen]
        if setting.rdo >= FINE_BELOW:  # before a field is measured: it is against what is told
            for row in (features, *own):
                leave_fine(row, own[0], self._layout)
        if self._meter is not None:
            self._meter.add(shot, chosen, shown, features, own)
        return features, own

    def _motion(
        self,
        shot: RecordedShot,
        features: Features,
        shown: NDArray[np.int64],
        stored: list[NDArray[np.int16]],
        chosen: list[int],
    ) -> Features:
        """(T, D) of every frame, refined where that was asked for."""
        if self._refiner is None:
            return features
        own = [dequantize(row, self._units) for row in stored]
        pictures = [shot.candidates[c].picture for c in chosen]
        return refined(self._refiner, shot, features, shown, own, pictures, self._progress)

    def _spans(self, shot: RecordedShot) -> Iterator[tuple[int, int]]:
        """First and stop of each group."""
        first, ticks = 0, [frame.tick for frame in shot.frames]
        for place in range(1, len(ticks) + 1):
            full = place == len(ticks) or place - first == MAX_GROUP_FRAMES
            if full or (ticks[place] - ticks[first]) * self._time_base_s >= MAX_GROUP_SPAN_S:
                yield first, place
                first = place

    def _group(
        self,
        shot: RecordedShot,
        features: Features,
        shown: NDArray[np.int64],
        span: tuple[int, int],
        stored: NDArray[np.int16],
        setting: Setting,
        number: int,
    ) -> MotionGroup:
        first, stop = span
        frames = shot.frames[first:stop]
        delta = features[first:stop] - dequantize(stored, self._units)
        key = (number, first, setting.rdo, blake2b(delta.tobytes()).digest())
        tokens = self._kept_tokens.get(key)
        if tokens is None:
            tokens = to_indices(choose(delta, self._units, self._layout, setting.rdo))
        if self._keep:
            self._kept_tokens[key] = tokens
        return MotionGroup(
            frames[0].index,
            np.array([frame.tick for frame in frames], np.int64),
            np.array([frame.features is None for frame in frames]),
            tokens,
            number,
            runs_of(shown[first:stop], None if first == 0 else int(shown[first - 1])),
        )


def leave_fine(features: Features, base: Features, layout: Layout) -> None:
    """Give features (..., D) the fine dimensions of portrait 0 (D,), in place."""
    fine = list(layout.fine)
    features[..., fine] = base[fine]


def _only_shown(chosen: list[int], shown: NDArray[np.int64]) -> tuple[list[int], NDArray[np.int64]]:
    """Without the portraits that show no frame, but for portrait 0."""
    used = sorted({0, *shown.tolist()})
    return [chosen[n] for n in used], np.searchsorted(used, shown)


def _unit(
    coded: CodedUnit,
    first_frame: int,
    place: tuple[int, int],
    features: NDArray[np.int16],
    continues: bool,
) -> PortraitUnit:
    shot, number = place
    return PortraitUnit(
        first_frame,
        shot,
        number,
        coded.depends_on,
        features,
        coded.unit,
        continues and number == 0,
    )
