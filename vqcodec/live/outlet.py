"""Gives a viewer's frames and sound as the items of a stream of its own: numbers and times count from what was given first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Literal

import numpy as np

from vqcodec.container.faults import Fault
from vqcodec.container.payloads import CodedGroup
from vqcodec.container.reader import Item
from vqcodec.entropy import decode_layers
from vqcodec.errors import BitstreamError
from vqcodec.format import AUDIO_RATE_HZ, CODES
from vqcodec.live.thinning import among
from vqcodec.media.sound.opus_bytes import packet_samples
from vqcodec.types import AudioGroup, Head, MotionGroup, PortraitUnit, ScenePicture

ZERO_INDEX = CODES // 2
"""The index whose digits are all zero."""

State = Literal["waits", "ready", "useless"]


class Outlet:
    """Takes portraits in order, and groups and sound when they are due.

    Attributes:
        head: of the stream.
        origin_tick: the tick that became 0; None before the first frame.
    """

    def __init__(self) -> None:
        self.head: Head | None = None
        self.origin_tick: int | None = None
        self._units: dict[int, list[PortraitUnit]] = {}  # by the sender's shot
        self._scenes: list[ScenePicture] = []
        self._shot: int | None = None  # the sender's number of the one at hand
        self._shots = self._frames = 0
        self._given = 0  # portraits of the shot at hand
        self._last_tick = -1
        self._next_frame: int | None = None  # the sender's
        self._next_sample = 0

    def portrait(self, unit: PortraitUnit) -> None:
        """Take the next portrait."""
        self._units.setdefault(unit.shot, []).append(unit)

    def scene(self, scene: ScenePicture) -> None:
        """Take the next picture of what is around the square."""
        self._scenes.append(scene)

    def state(self, group: CodedGroup, own: bool, position_s: Fraction) -> State:
        """Whether a group may be given at a time of the stream, has to wait, or comes too late."""
        assert self.head is not None
        first_s = int(group.ticks[0]) * self.head.time_base_s
        if int(group.ticks[0]) <= self._last_tick or group.shot < (self._shot or 0):
            return "useless"
        follows = own and group.first_frame == self._next_frame
        if group.shot not in self._units:
            last_s = int(group.ticks[-1]) * self.head.time_base_s
            return "useless" if last_s < position_s else "waits"
        return "ready" if follows or first_s <= position_s else "waits"

    def give(self, group: CodedGroup, own: bool) -> list[Item]:
        """A group that is ready, behind the portraits that it needs; nothing where it can't be decoded."""
        assert self.head is not None
        try:
            motion = self._decoded(among(group, len(self._units[group.shot]) - 1), self.head)
        except (BitstreamError, Fault):
            return []
        if self.origin_tick is None:
            self.origin_tick = int(group.ticks[0])
        if group.shot != self._shot:
            self._begin(group.shot)
        units, scenes = list(self._new_units()), list(self._due_scenes(group.first_frame))
        motion = replace(
            motion,
            first_frame=self._frames,
            ticks=group.ticks - self.origin_tick,
            shot=self._shots - 1,
        )
        self._frames += len(group.ticks)
        self._last_tick = int(group.ticks[-1])
        self._next_frame = group.first_frame + len(group.ticks)
        # a shot's first scene stands directly behind its first portrait
        return [*units[:1], *scenes, *units[1:], motion]

    def hears(self, sample: int, position_s: Fraction) -> bool:
        """Whether sound may be given at a time of the stream: it follows what was given, or is due."""
        assert self.head is not None
        if self.origin_tick is None:
            return False
        pre_skip = 0 if self.head.audio is None else self.head.audio.pre_skip_samples
        return sample == self._next_sample or (sample - pre_skip) <= position_s * AUDIO_RATE_HZ

    def sound(self, group: AudioGroup) -> list[Item]:
        """Packets that are ready; nothing where they come too late, or belong before the first frame."""
        assert self.head is not None and self.origin_tick is not None
        start = int(self.origin_tick * self.head.time_base_s * AUDIO_RATE_HZ)
        if group.first_sample < max(self._next_sample, start) or self.head.audio is None:
            return []
        try:
            self._next_sample = group.first_sample + sum(map(packet_samples, group.packets))
        except BitstreamError:
            return []
        return [replace(group, first_sample=group.first_sample - start)]

    def _decoded(self, group: CodedGroup, head: Head) -> MotionGroup:
        """With as many layers as HEAD says: digits of those that didn't come are zero."""
        payloads = group.payloads[: head.layers]
        tokens = decode_layers(payloads, len(group.ticks), head.groups)
        indices = np.full((*tokens.shape[:2], head.layers), ZERO_INDEX, np.uint16)
        indices[..., : tokens.shape[2]] = tokens
        return group.decoded(indices)

    def _begin(self, shot: int) -> None:
        self._units = {number: units for number, units in self._units.items() if number >= shot}
        self._scenes = [scene for scene in self._scenes if scene.shot >= shot]
        first = self._units[shot][0]
        follows = self._shot is not None and shot == self._shot + 1
        self._units[shot][0] = replace(first, continues=first.continues and follows)
        self._shot, self._given = shot, 0
        self._shots += 1

    def _new_units(self) -> Iterator[PortraitUnit]:
        assert self._shot is not None
        units = self._units[self._shot]
        for unit in units[self._given :]:
            yield replace(unit, shot=self._shots - 1, first_frame=self._frames)
        self._given = len(units)

    def _due_scenes(self, frame: int) -> Iterator[ScenePicture]:
        """Those of the shot at hand up to a frame of the sender's."""
        due = [s for s in self._scenes if s.shot == self._shot and s.first_frame <= frame]
        self._scenes = [scene for scene in self._scenes if scene not in due]
        for scene in due:
            yield replace(scene, shot=self._shots - 1, first_frame=self._frames)
