"""Items of streams of major version 2: portraits without or with flat pictures, groups; a renderer that shows which."""

from __future__ import annotations

import io
import weakref
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.support.pipeline import RENDERER_ID, SPACE_ID, FakeRenderer
from tests.support.recover import tone_packets
from vqcodec.container import Writer
from vqcodec.format import DIMS, GROUPS, LAYERS
from vqcodec.media.still.portrait_coder import CodedUnit, PortraitCoder
from vqcodec.stream.sound import SoundPiece, SoundQueue
from vqcodec.types import Head, MotionGroup, PortraitRun, PortraitUnit


def unit(
    shot: int,
    number: int,
    depends_on: int | None = None,
    *,
    first_frame: int = 0,
    value: int = 0,
    data: bytes = b"",
    continues: bool = False,
) -> PortraitUnit:
    """A portrait all of whose features have one value."""
    features = np.full(DIMS, value, np.int16)
    return PortraitUnit(first_frame, shot, number, depends_on, features, data, continues)


def group(
    first_frame: int,
    frames: int,
    *,
    shot: int = 0,
    runs: tuple[PortraitRun, ...] = (),
    tick: int | None = None,
) -> MotionGroup:
    """A group whose tokens depend on the frame's number alone; a tick is a frame."""
    numbers = np.arange(first_frame, first_frame + frames)
    tokens = np.random.default_rng(1).integers(0, 625, (1000, GROUPS, LAYERS), dtype=np.uint16)
    ticks = numbers - first_frame + (first_frame if tick is None else tick)
    return MotionGroup(
        first_frame, ticks.astype(np.int64), np.zeros(frames, np.bool_), tokens[numbers], shot, runs
    )


@cache
def coded_levels(levels: tuple[int, ...], branch_units: int = 2) -> tuple[CodedUnit, ...]:
    """Flat grey pictures, 512 pixels square, as the portraits of one shot."""
    coder = PortraitCoder(20, preset=12, branch_units=branch_units)
    units = tuple(coder.add(np.full((512, 512, 3), level, np.uint8)) for level in levels)
    coder.close()
    return units


def flat_portraits(
    *levels: int, shot: int = 0, first_frame: int = 0, value: int = 0, continues: bool = False
) -> list[PortraitUnit]:
    """The portraits of a shot; branches of two begin at number 0; the features of number n are all `value` + n."""
    return [
        unit(
            shot,
            number,
            coded.depends_on,
            first_frame=first_frame,
            value=value + number,
            data=coded.unit,
            continues=continues and number == 0,
        )
        for number, coded in enumerate(coded_levels(levels))
    ]


@dataclass
class Painting(FakeRenderer):
    """Paints the level of the portrait, and for two together the mean of both in the left half only.

    Attributes:
        most_portraits: as of the real one; 1 for a renderer that can't fuse.
        calls: for each call the levels of its portraits, and how many frames there were.
        alive: portraits that were in memory at each call.
    """

    most_portraits: int = 2
    calls: list[tuple[tuple[int, ...], int]] = field(default_factory=list)
    alive: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._states: list[weakref.ref[Any]] = []

    def prepare(self, portrait: NDArray[np.uint8], features: NDArray[np.float32]) -> Any:
        state = np.array(super().prepare(portrait, features))
        self._states.append(weakref.ref(state))
        return state

    def render(
        self, state: Any, features: NDArray[np.float32], size_px: int = 512
    ) -> NDArray[np.uint8]:
        states = [state] if isinstance(state, np.ndarray) else list(state)
        assert len(states) <= self.most_portraits
        levels = [level(picture) for picture in states]
        self.calls.append((tuple(levels), len(features)))
        self.alive.append(sum(reference() is not None for reference in self._states))
        pictures = super().render(states[0], features, size_px).copy()
        if len(states) == 2:
            pictures[:, :, : size_px // 2] = round(sum(levels) / 2)
        return pictures


def level(picture: NDArray[np.uint8]) -> int:
    """What the right half is painted with."""
    return round(float(picture[:, picture.shape[1] // 2 :].mean()))


@cache
def shot_stream(*, sound: bool = False) -> bytes:
    """Two shots of 20 and 15 frames at 25 Hz, the second of which continues the first; the other two follow later.

    Levels 60 (frames 0..9), to 120 (10..13), 120 (14, 15), 180 (16..19); 200 (20..29), 230 (30..34).
    """
    encoder, packets = tone_packets(70)
    head = Head(
        Fraction(1, 25),
        Fraction(25),
        LAYERS,
        SPACE_ID,
        RENDERER_ID,
        encoder.head if sound else None,
        version=(2, 0),
    )
    first = flat_portraits(60, 120, 180, value=20)
    second = flat_portraits(200, 230, shot=1, first_frame=20, value=-40, continues=True)
    passing = (PortraitRun(4, 0, other=1), PortraitRun(2, 1), PortraitRun(4, 2))
    items: list[PortraitUnit | MotionGroup] = [
        first[0],
        group(0, 10),
        replace(first[1], first_frame=10),
        replace(first[2], first_frame=10),
        group(10, 10, runs=passing),
        second[0],
        group(20, 10, shot=1),
        replace(second[1], first_frame=30),
        group(30, 5, shot=1, runs=(PortraitRun(5, 1),)),
    ]
    queue, sink = SoundQueue(head.audio), io.BytesIO()
    for number, data in enumerate(packets):
        queue.add(SoundPiece(0, data, number * 960))
    with Writer(sink, head) as writer:
        for item in items:
            if isinstance(item, PortraitUnit):
                writer.portrait(item)
                continue
            writer.motion(item)
            for heard in queue.until(Fraction(int(item.ticks[-1]) + 1, 25)):
                writer.audio(heard)
    return sink.getvalue()
