"""Which portraits of a damaged stream can be used, and what the groups that name others show instead.

    PORT 0   PORT 1   PORT ?   PORT 3 (on 2)   MOTN from 3   PORT 4 (on 1)   MOTN from 4
    given    given    lost     can't be used   from 1        given           as it is

In major version 1 every key frame can be used; in major version 2 only a portrait whose path is whole.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

from vqcodec.container.faults import Fault, stream_error
from vqcodec.container.ledger import Ledger
from vqcodec.container.order import KeyFrameQueue
from vqcodec.container.outlines import PortraitOutline
from vqcodec.container.portraits import RelativePortrait, absolute
from vqcodec.container.runs import Runs, highest
from vqcodec.errors import BitstreamError
from vqcodec.format import MAX_PATH_UNITS
from vqcodec.late import np
from vqcodec.types import Head, KeyFrame, MotionGroup, PortraitRun, PortraitUnit

if TYPE_CHECKING:
    pass


MAX_WAITING_BYTES = 1 << 25
"""Memory for portraits kept while their group hasn't come."""
_OWN_BYTES = 1024
"""Of a portrait, about, without its unit."""
Portrait = KeyFrame | PortraitUnit


class Portraits(Protocol):
    """The portraits of a stream on their way from where they were found to the groups they are for."""

    def add(self, value: KeyFrame | RelativePortrait) -> bool:
        """Take a portrait as it is found; false when it has no place."""

    def due(self, first_frame: int, *, any_at_all: bool) -> Sequence[list[Portrait]]:
        """Those to give before the group that starts at a frame; `any_at_all`: a later one, too, where there is none."""

    def late(self) -> list[Portrait]:
        """What can be shown at the end, when no portrait has come before a group."""

    def shown(self, group: MotionGroup) -> MotionGroup:
        """A group as it can be shown."""

    def rest(self) -> list[Portrait]:
        """Those that no group came for."""


def portraits_of(head: Head, ledger: Ledger) -> Portraits:
    """What a stream of this version needs."""
    return _KeyFrames(ledger) if head.version[0] == 1 else _Units(ledger)


def stand_in(head: Head) -> Portrait:
    """In the place of all portraits of a stream, for a caller who has a picture."""
    features = np.zeros(head.dims, np.int16)
    if head.version[0] == 1:
        return KeyFrame(0, b"", features)
    return PortraitUnit(0, 0, 0, None, features, b"")


def no_portrait() -> BitstreamError:
    """The error when there is none."""
    error = stream_error("bad-order", "no portrait of the stream can be read", 0)
    error.hint = "give a picture of the person with --portrait"
    assert isinstance(error, BitstreamError)
    return error


def no_motion() -> BitstreamError:
    """The error when nothing moves."""
    error = stream_error("bad-order", "not one motion group can be read", 0)
    error.hint = "nothing of it can be shown: fetch or copy the file again"
    assert isinstance(error, BitstreamError)
    return error


class _KeyFrames:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._queue = ledger, KeyFrameQueue()

    def add(self, value: KeyFrame | RelativePortrait) -> bool:
        return isinstance(value, KeyFrame) and self._queue.add(value)

    def due(self, first_frame: int, *, any_at_all: bool) -> Sequence[list[Portrait]]:
        return [[key] for key in self._noted(self._queue.due(first_frame, least=any_at_all))]

    def late(self) -> list[Portrait]:
        return [*self._noted(self._queue.due(0, least=1)[:1])]

    def _noted(self, given: Sequence[KeyFrame]) -> Sequence[KeyFrame]:
        for key_frame in given:
            self._ledger.portrait(key_frame.first_frame)
        return given

    def shown(self, group: MotionGroup) -> MotionGroup:
        return group

    def rest(self) -> list[Portrait]:
        return []


class _Units:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: list[RelativePortrait] = []  # in the order of the stream
        self._waiting_bytes = 0
        self._known: set[tuple[int, int]] = set()  # shot and number of what came
        self._shot: int | None = None  # the last one that has a portrait to show
        self._base: tuple[int, ...] | None = None
        self._paths: dict[int, int] = {}  # units on the path of each of its usable portraits

    def add(self, value: KeyFrame | RelativePortrait) -> bool:
        if isinstance(value, KeyFrame) or _name(value) in self._known:
            return False
        self._known.add(_name(value))
        insort(self._waiting, value, key=_place)
        self._waiting_bytes += _size(value)
        full = self._waiting_bytes > MAX_WAITING_BYTES
        if full:
            farthest = self._waiting.pop()
            self._waiting_bytes -= _size(farthest)
            self._known.discard(_name(farthest))
        return not full

    def due(self, first_frame: int, *, any_at_all: bool) -> Sequence[list[Portrait]]:
        count = bisect_right(self._waiting, first_frame, key=lambda w: w.outline.first_frame)
        given = self._given(count)
        if any_at_all and not given:
            begins = [n for n, w in enumerate(self._waiting) if w.outline.number == 0]
            given = self._given(begins[0] + 1) if begins else []
        return [given] if given else []

    def late(self) -> list[Portrait]:
        return [unit for units in self.due(0, any_at_all=True) for unit in units]

    def shown(self, group: MotionGroup) -> MotionGroup:
        self._ledger.named(group.shot, highest(group.runs))
        count = len(group.ticks)
        if self._shot is None or group.shot != self._shot:
            self._ledger.damage.frames_other_portrait += count
            alone = _joined([PortraitRun(count, max(self._paths, default=0))])
            return replace(group, shot=self._shot or 0, runs=alone)
        newest = max(self._paths)
        runs = group.runs or (PortraitRun(count, 0),)
        lost = [run for run in runs if not {run.portrait, run.other} <= {None, *self._paths}]
        if not lost:
            return group
        self._ledger.damage.frames_other_portrait += sum(run.frames for run in lost)
        kept = [PortraitRun(run.frames, newest) if run in lost else run for run in runs]
        return replace(group, runs=_joined(kept))

    def rest(self) -> list[Portrait]:
        return self._given(len(self._waiting)) if self._shot is not None else []

    def _given(self, count: int) -> list[Portrait]:
        """Take the next so many; returns those that can be used."""
        due, self._waiting[:count] = self._waiting[:count], []
        self._waiting_bytes -= sum(map(_size, due))
        found = [self._unit(waiting) for waiting in due]
        return [unit for unit in found if unit is not None]

    def _unit(self, portrait: RelativePortrait) -> PortraitUnit | None:
        outline = portrait.outline
        if self._shot is not None and outline.shot < self._shot:
            self._ledger.drop()
            return None
        self._ledger.unit(outline.shot, outline.number)
        features = self._features(outline)
        if features is None:
            self._ledger.damage.portraits_unusable += 1
            return None
        if outline.number == 0:
            self._shot, self._base, self._paths = outline.shot, features, {}
        self._paths[outline.number] = self._path(outline)
        return PortraitUnit(
            outline.first_frame,
            outline.shot,
            outline.number,
            outline.depends_on,
            np.array(features, np.int16),
            portrait.unit,
            outline.continues,
        )

    def _features(self, outline: PortraitOutline) -> tuple[int, ...] | None:
        """Those of a portrait; None where it can't be used."""
        known = outline.shot == self._shot and outline.depends_on in self._paths
        if outline.number and (not known or self._path(outline) > MAX_PATH_UNITS):
            return None
        try:
            return absolute(outline.elements, self._base if outline.number else None)
        except Fault:
            return None

    def _path(self, outline: PortraitOutline) -> int:
        return 1 if outline.depends_on is None else self._paths[outline.depends_on] + 1


def _name(portrait: RelativePortrait) -> tuple[int, int]:
    return portrait.outline.shot, portrait.outline.number


def _size(portrait: RelativePortrait) -> int:
    return len(portrait.unit) + _OWN_BYTES


def _place(portrait: RelativePortrait) -> tuple[int, int, int]:
    return portrait.outline.first_frame, *_name(portrait)


def _joined(runs: Sequence[PortraitRun]) -> Runs:
    """The same with neighbours of one portrait alone made one run; () for portrait 0 alone."""
    joined: list[PortraitRun] = []
    for (portrait, other, weight, number), same in groupby(
        enumerate(runs), lambda pair: _key(*pair)
    ):
        del number
        joined.append(PortraitRun(sum(run.frames for _, run in same), portrait, other, weight))
    if len(joined) == 1 and joined[0].other is None and not joined[0].portrait:
        return ()
    return tuple(joined)


def _key(number: int, run: PortraitRun) -> tuple[int, int | None, int, int]:
    """Equal for neighbours that may be joined: a passage from one portrait to another stands for itself."""
    return run.portrait, run.other, run.weight, -1 if run.other is None else number
