"""Poses -> pictures: poses of a shot are collected, and those of the same portraits rendered together.

    poses           a a a>b a>b b b+c a          a>b: a passes to b; b+c: each place from the one that suits it
    draws    a:     x x x   x         x
             b:         x   x   x                a pose that is drawn twice is the mean of both, by its share
             b+c:                 x

Pictures come out in the order of the poses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vqcodec.decoding.fade import cross_faded, mixed
from vqcodec.decoding.heard import Samples
from vqcodec.decoding.parts import FrameRenderer
from vqcodec.decoding.portraits import PortraitStates
from vqcodec.decoding.window import Held, Pose, Result
from vqcodec.stream.portraits import Portrait, shot_of
from vqcodec.types import KeyFrame, ScenePicture, VideoFrame

Pixels = NDArray[np.uint8]


def rendered(
    items: Iterable[Result],
    portraits: PortraitStates,
    renderer: FrameRenderer,
    size_px: int,
    batch_frames: int,
) -> Iterator[VideoFrame | Samples | Held | ScenePicture]:
    """Pictures (size_px, size_px, 3) of the poses; sound passes ahead of poses that wait.

    A pose that is held is drawn once.

    Args:
        items: poses in order, sound, and the scene's pictures, each before the poses that it is shown with.
        portraits: renderer states of their portraits.
        renderer: draws them.
        size_px: side of the pictures.
        batch_frames: frames that wait to be drawn at once, at most.
    """
    painter = Painter(portraits, renderer, size_px)
    batch: list[Pose] = []
    for item in items:
        if isinstance(item, Samples):
            yield item
            continue
        if isinstance(item, (Held, ScenePicture)):
            yield from painter.frames(batch)
            batch = []
            yield item
            continue
        if len(batch) == batch_frames or (batch and _home(item) is not _home(batch[0])):
            yield from painter.frames(batch)
            batch = []
        batch.append(item)
    if batch:
        yield from painter.frames(batch)


def _same(one: Pose, other: Pose) -> bool:
    """Whether they are one pose that is held: the same array and the same portraits, not equal ones."""
    return (
        one.features is other.features
        and one.shown is other.shown
        and one.faded_from is None
        and other.faded_from is None
    )


def _home(pose: Pose) -> object:
    return shot_of(pose.shown.portrait)


@dataclass(slots=True)
class _Draw:
    """Poses that are rendered from the same portraits.

    Attributes:
        portraits: one, or two to be fused.
        fading: it is for the fade of another shot, and may be left out.
        numbers: of the poses.
        pictures: by these numbers, once they are rendered.
    """

    portraits: tuple[Portrait, ...]
    fading: bool
    numbers: list[int] = field(default_factory=list)
    pictures: dict[int, Pixels] = field(default_factory=dict)


class Painter:
    """Draws poses.

    Args:
        portraits: renderer states of their portraits.
        renderer: draws them.
        size_px: side of the pictures.
    """

    def __init__(self, portraits: PortraitStates, renderer: FrameRenderer, size_px: int) -> None:
        self._portraits, self._renderer, self._size_px = portraits, renderer, size_px
        self._fuses = getattr(renderer, "most_portraits", 1) > 1
        self._draws: dict[tuple[int, ...], _Draw] = {}
        self._latest: tuple[Pose, Pixels] | None = None

    def frames(self, poses: Sequence[Pose]) -> Iterator[VideoFrame]:
        """The pictures of poses, which are drawn at once; one that is held is the picture before."""
        before = None if self._latest is None else self._latest[0]
        firsts = [
            pose
            for last, pose in zip([before, *poses], poses, strict=False)
            if last is None or not _same(last, pose)
        ]
        fresh = iter(self.pictures(firsts) if firsts else ())
        for pose in poses:
            if self._latest is None or not _same(self._latest[0], pose):
                self._latest = pose, next(fresh)
            yield VideoFrame(self._latest[1], pose.time_s)

    def pictures(self, poses: Sequence[Pose]) -> list[Pixels]:
        """The same without times: (size_px, size_px, 3) each."""
        self._draws = {}
        layers = [self._layers(number, pose) for number, pose in enumerate(poses)]
        draws = self._draws.values()
        self._portraits.keep([portrait for draw in draws for portrait in draw.portraits])
        features = np.stack([pose.features for pose in poses])
        for draw in draws:
            self._render(draw, features)
        return [
            self._composed(number, pose, *drawn)
            for number, (pose, drawn) in enumerate(zip(poses, layers, strict=True))
        ]

    def _layers(self, number: int, pose: Pose) -> tuple[_Draw, _Draw | None, _Draw | None]:
        """What a pose is made of: its portrait, or both fused; the other one to be mixed with; the one that fades away."""
        shown, fading = pose.shown, pose.faded_from
        first, other = shown.portrait, shown.other
        if self._portraits.replaced:
            return self._draw(number, first), None, None
        fused = other is not None and self._fuses and not shown.passing
        own = self._draw(number, first, *((other,) if fused and other is not None else ()))
        passed = None if fused or other is None else self._draw(number, other)
        old = None if fading is None else self._draw(number, fading, fading=True)
        return own, passed, old

    def _draw(self, number: int, *portraits: Portrait, fading: bool = False) -> _Draw:
        """What a pose is drawn with, together with others that are."""
        key = (fading, *map(id, portraits))
        draw = self._draws.setdefault(key, _Draw(portraits, fading))
        draw.numbers.append(number)
        return draw

    def _render(self, draw: _Draw, features: NDArray[np.float32]) -> None:
        ready = self._portraits.fading if draw.fading else self._portraits.state
        states = [ready(portrait) for portrait in draw.portraits]
        if states[0] is None:
            return
        alike = all(state is states[0] for state in states)  # one may stand in for the other
        driven = self._portraits.drive(features[draw.numbers])
        pictures = self._renderer.render(states[0] if alike else states, driven, self._size_px)
        draw.pictures = dict(zip(draw.numbers, pictures, strict=True))

    def _composed(
        self, number: int, pose: Pose, own: _Draw, passed: _Draw | None, old: _Draw | None
    ) -> Pixels:
        picture = own.pictures[number]
        if passed is not None:
            picture = mixed(picture, passed.pictures[number], float(pose.shown.share))
        before = None if old is None else old.pictures.get(number)
        if before is None:
            return picture
        blend = cross_faded if isinstance(pose.faded_from, KeyFrame) else mixed
        return blend(before, picture, pose.share)
