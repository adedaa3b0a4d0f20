"""Portraits and runs of a sequence of frames of major version 2: read, cut, put into groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from vqcodec.codec.portraits import CodedPortrait
from vqcodec.stream.portraits import Shot, StreamPortrait
from vqcodec.types import KeyFrame, MotionGroup, PortraitRun, PortraitUnit


@dataclass(slots=True)
class PortraitList:
    """Takes the items of a stream and lists its portraits.

    Attributes:
        portraits: of either major version, in the order of the stream.
        portrait_of: for each frame so far, which of them its tokens are relative to.
        runs: of major version 2, as many frames as there were.
    """

    portraits: list[CodedPortrait | StreamPortrait] = field(default_factory=list)
    portrait_of: list[int] = field(default_factory=list)
    runs: list[PortraitRun] = field(default_factory=list)
    _base: int = 0
    _shot: Shot | None = None

    def portrait(self, item: KeyFrame | PortraitUnit) -> None:
        """Take a portrait."""
        if isinstance(item, KeyFrame) or item.number == 0:
            self._base = len(self.portraits)
        if isinstance(item, KeyFrame):
            self.portraits.append(CodedPortrait(item.still, item.features))
            return
        if item.number == 0 or self._shot is None:
            self._shot = Shot(item)
            self.portraits.append(StreamPortrait((item,)))
        else:
            self.portraits.append(self._shot.add(item))

    def motion(self, group: MotionGroup) -> None:
        """Take a group."""
        frames = len(group.ticks)
        self.portrait_of += [self._base] * frames
        if self._shot is not None:
            self.runs += group.runs or (PortraitRun(frames, 0),)


def runs_between(runs: Iterable[PortraitRun], first: int, stop: int) -> Iterator[PortraitRun]:
    """Runs of frames first..stop - 1, as long as these; one that passes and is cut passes in the frames that are left."""
    start = 0
    for run in runs:
        frames = min(start + run.frames, stop) - max(start, first)
        start += run.frames
        if frames > 0:
            yield replace(run, frames=frames)


def group_runs(runs: Iterable[PortraitRun], first: int, stop: int) -> tuple[PortraitRun, ...]:
    """The runs of a group as MOTN holds them: neighbours of one portrait alone are one run; () for portrait 0 only."""
    joined: list[PortraitRun] = []
    for run in runs_between(runs, first, stop):
        before = joined[-1] if joined else None
        alone = run.other is None and before is not None and before.other is None
        if alone and before is not None and before.portrait == run.portrait:
            joined[-1] = replace(before, frames=before.frames + run.frames)
        else:
            joined.append(run)
    only_first = len(joined) == 1 and joined[0].other is None and joined[0].portrait == 0
    return () if only_first else tuple(joined)


def cut_portraits(
    portraits: Sequence[StreamPortrait], portrait_of: NDArray[np.int64], first: int, stop: int
) -> tuple[tuple[StreamPortrait, ...], NDArray[np.int64]]:
    """The portraits of the shots of frames first..stop - 1, as those of a stream that begins there.

    Args:
        portraits: of the whole sequence.
        portrait_of: (T,) which of them is number 0 of each frame's shot.
        first: number of the first frame wanted.
        stop: number of the one after the last.

    Returns:
        Those that come before the last frame, shots numbered from 0; and portrait_of of the frames.
    """
    bases = list(dict.fromkeys(portrait_of[first:stop].tolist()))
    shots = {portraits[base].path[0].shot: number for number, base in enumerate(bases)}
    listed = PortraitList()
    numbers: dict[int, int] = {}
    for number, portrait in enumerate(portraits):
        unit = portrait.path[-1]
        shot = shots.get(unit.shot)
        if shot is None or unit.first_frame >= stop:
            continue
        numbers[number] = len(numbers)
        begins = max(unit.first_frame - first, 0)
        listed.portrait(
            replace(unit, first_frame=begins, shot=shot, continues=unit.continues and shot > 0)
        )
    kept = tuple(p for p in listed.portraits if isinstance(p, StreamPortrait))
    owners = [numbers[owner] for owner in portrait_of[first:stop].tolist()]
    return kept, np.array(owners, np.int64)
