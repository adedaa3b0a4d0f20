"""Stretches with their new lips -> portraits, scene and motion groups, in a file's order.

What didn't change is written as it was read, token by token: a frame that keeps its lips keeps all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vqcodec.dubbing.redub.motion import Redubbed
from vqcodec.dubbing.redub.recording import Recording
from vqcodec.dubbing.redub.timeline import Played
from vqcodec.encoding.runs import runs_of
from vqcodec.format import MAX_GROUP_FRAMES, MAX_GROUP_SPAN_S, to_indices
from vqcodec.geometry.layout import Layout
from vqcodec.quantize.grfsq import dequantize
from vqcodec.quantize.rdo import choose
from vqcodec.stream.interleave import Interleaver
from vqcodec.stream.portraits import StreamPortrait
from vqcodec.types import MotionGroup, ScenePicture


class RedubbedFile:
    """Writes stretches, one after the other.

    Args:
        file: where they go.
        recording: where they come from.
        layout: what its motion's dimensions mean.
        rdo: price of a bit of the motion (quantize.rdo).
    """

    def __init__(self, file: Interleaver, recording: Recording, layout: Layout, rdo: float) -> None:
        self._file, self._recording, self._layout, self._rdo = file, recording, layout, rdo
        self._shots = self._frames = 0

    def put(self, piece: Played, made: Redubbed) -> Iterator[int]:
        """Write a stretch; gives the number of frames written so far after each group."""
        portraits, scenes = _Portraits(self, piece), _Scenes(piece)
        for first, stop in self._spans(piece):
            portraits.until(0, first)  # the first picture of a scene stands directly behind it
            for at, scene in scenes.before(stop):
                first_frame = self._frames + at
                self._file.scene(replace(scene, first_frame=first_frame, shot=self._shots))
            group = self._group(piece, made, first, stop)
            named = max((max(run.portrait, run.other or 0) for run in group.runs), default=0)
            portraits.until(named, first)
            self._file.motion(group)
            yield self._frames + stop
        self._frames, self._shots = self._frames + len(piece), self._shots + 1

    def _spans(self, piece: Played) -> Iterator[tuple[int, int]]:
        """First and stop of each group: as they were recorded, as long as frames come so."""
        first, most = 0, int(MAX_GROUP_SPAN_S / self._recording.head.time_base_s)
        plain = piece.plain
        for group in piece.shot.groups:
            if first + len(group.ticks) > plain:
                break
            yield first, first + len(group.ticks)
            first += len(group.ticks)
        while first < len(piece):
            stop = int(np.searchsorted(piece.ticks, piece.ticks[first] + most))
            stop = max(min(stop, first + MAX_GROUP_FRAMES, len(piece)), first + 1)
            yield first, stop
            first = stop

    def _copied(self, piece: Played, made: Redubbed, first: int, stop: int) -> MotionGroup | None:
        """The group as it was, if nothing in it has changed, and nothing before it that shows there."""
        if stop > piece.plain or made.changed[max(first - 1, 0) : stop].any():
            return None
        place = 0
        for group in piece.shot.groups:
            if place == first and len(group.ticks) == stop - first:
                return group
            place += len(group.ticks)
        return None

    def _group(self, piece: Played, made: Redubbed, first: int, stop: int) -> MotionGroup:
        shots = self._recording.head.version[0] > 1
        at, shot = self._frames + first, self._shots if shots else 0
        known = self._copied(piece, made, first, stop)
        if known is not None:
            return replace(known, first_frame=at, shot=shot)
        units = self._recording.units
        delta = made.features[first:stop] - dequantize(piece.shot.stored, units)
        before = int(made.shown[first - 1]) if first else None
        return MotionGroup(
            first_frame=at,
            shot=shot,
            ticks=piece.ticks[first:stop],
            low_confidence=piece.shot.held[piece.nearest[first:stop]],
            indices=to_indices(choose(delta, units, self._layout, self._rdo)),
            runs=runs_of(made.shown[first:stop], before) if shots else (),
        )


class _Portraits:
    """Writes a stretch's portraits, each before the first group that names it."""

    def __init__(self, to: RedubbedFile, piece: Played) -> None:
        self._to, self._piece, self._due = to, piece, 0

    def until(self, number: int, frame: int) -> None:
        """All up to a number that weren't written yet, before a frame of the stretch."""
        to, file = self._to, self._to._file
        at = to._frames + frame
        while self._due <= number:
            portrait = self._piece.shot.portraits[self._due]
            if isinstance(portrait, StreamPortrait):
                continues = not self._due and self._piece.continues and to._shots > 0
                unit = portrait.path[-1]
                unit = replace(unit, shot=to._shots, continues=continues, first_frame=at)
                file.portrait(unit, to._recording.head.crop)
            else:
                file.key_frame(replace(portrait, first_frame=at), to._recording.head.crop)
            self._due += 1


class _Scenes:
    """The pictures of what is around, each with the first frame of a stretch that shows it."""

    def __init__(self, piece: Played) -> None:
        self._piece, self._sent = piece, set[int]()
        scenes = piece.shot.scenes
        begins = np.array([s.first_frame - piece.shot.first_frame for s in scenes], np.int64)
        self._now: NDArray[np.int64] = np.searchsorted(begins, piece.nearest, side="right") - 1
        self._next = 0

    def before(self, stop: int) -> Iterator[tuple[int, ScenePicture]]:
        """Frame and picture of those that come before a frame of the stretch."""
        for frame in range(self._next, stop):
            number = int(self._now[frame])
            if number >= 0 and (frame == 0 or number != self._now[frame - 1]):
                for place in self._path(number):
                    self._sent.add(place)
                    yield frame, self._piece.shot.scenes[place]
        self._next = stop

    def _path(self, number: int) -> list[int]:
        """Places of the pictures that one is decoded from, itself the last, but for those that were written."""
        scenes = self._piece.shot.scenes
        places = {scene.number: place for place, scene in enumerate(scenes)}
        path, wanted = [number], scenes[number].depends_on
        while wanted is not None and wanted in places and len(path) < len(scenes):
            path.append(places[wanted])
            wanted = scenes[places[wanted]].depends_on
        if not self._sent and 0 not in path:
            path.append(0)  # says where the square lies
        return [place for place in reversed(path) if place == number or place not in self._sent]
