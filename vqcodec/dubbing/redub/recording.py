"""A .vqt stream as its re-dubbing needs it: shots with their frames, portraits, pictures of the scene, and the old sound.

Kept is what the file holds, and a row of numbers a frame: an hour takes about 30 MB.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from vqcodec.container import Reader
from vqcodec.decoding.heard import SoundWindow
from vqcodec.errors import NoFaceError
from vqcodec.format import AUDIO_RATE_HZ
from vqcodec.media.items import AudioBlock
from vqcodec.stream.portraits import Portrait, StreamPortrait
from vqcodec.stream.walk import PosedGroup, Walk
from vqcodec.types import AudioGroup, Head, KeyFrame, MotionGroup, PortraitUnit, ScenePicture

Features = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class RecordedShot:
    """The frames between two portraits that set a base.

    Attributes:
        first_frame: frames in the stream before it.
        portraits: by number; a key frame is alone.
        ticks: (T,) int64 when frames are shown.
        features: (T, D) float32, f_t.
        held: (T,) bool, frames that show no face.
        shown: (T,) int64, the number of the portrait that shows most of a frame.
        groups: the motion groups as they were, T frames in all.
        scenes: pictures of what is around the square.
    """

    first_frame: int
    portraits: tuple[Portrait, ...]
    ticks: NDArray[np.int64]
    features: Features
    held: NDArray[np.bool_]
    shown: NDArray[np.int64]
    groups: tuple[MotionGroup, ...]
    scenes: tuple[ScenePicture, ...] = ()

    def __len__(self) -> int:
        return len(self.ticks)

    @property
    def stored(self) -> NDArray[np.int16]:
        """(D,) whole units: what the shot's tokens are relative to."""
        return self.portraits[0].features

    @property
    def continues(self) -> bool:
        """Whether the shot before shows the same scene."""
        first = self.portraits[0]
        return isinstance(first, StreamPortrait) and first.path[0].continues


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """All of a stream.

    Attributes:
        name: for messages.
        head: of the stream.
        units: (D,) float32 of its motion space.
        shots: at least one.
        end_tick: when the last frame ends.
        sound: the old sound as it was coded.
    """

    name: str
    head: Head
    units: Features
    shots: tuple[RecordedShot, ...]
    end_tick: int
    sound: tuple[AudioGroup, ...]

    @property
    def end_s(self) -> Fraction:
        """How long it lasts."""
        return self.end_tick * self.head.time_base_s

    @property
    def step_ticks(self) -> int:
        """From one frame to the next, at the nominal rate."""
        return max(round(1 / (self.head.frame_rate_hz * self.head.time_base_s)), 1)

    def blocks(self) -> Iterator[AudioBlock]:
        """The old sound from the stream's time 0 on, (n, 1) at 48 kHz; none where there is no sound.

        Raises:
            BitstreamError: a packet is damaged.
        """
        if self.head.audio is None:
            return
        window, at = SoundWindow(self.head.audio, Fraction(0), None), 0
        for group in self.sound:
            for heard in window.push(group):
                mono = np.rint(heard.pcm.mean(1, keepdims=True)).astype(np.int16)
                yield AudioBlock(mono, at)
                at += len(mono)

    @property
    def sound_s(self) -> Fraction:
        """About how long the old sound is: its packets' last place."""
        last = self.sound[-1].first_sample if self.sound else 0
        return Fraction(last, AUDIO_RATE_HZ)


@dataclass(slots=True)
class _Open:
    """A shot that is being read."""

    portraits: list[Portrait]
    groups: list[MotionGroup] = field(default_factory=list)
    posed: list[PosedGroup] = field(default_factory=list)
    scenes: list[ScenePicture] = field(default_factory=list)

    def closed(self) -> RecordedShot | None:
        """None without frames."""
        if not self.posed:
            return None
        shown = [
            next(n for n, portrait in enumerate(self.portraits) if portrait is one.nearer)
            for group in self.posed
            for one in group.shown
        ]
        return RecordedShot(
            self.groups[0].first_frame,
            tuple(self.portraits),
            np.concatenate([group.ticks for group in self.posed]),
            np.concatenate([group.features for group in self.posed]),
            np.concatenate([group.low_confidence for group in self.groups]),
            np.array(shown, np.int64),
            tuple(self.groups),
            tuple(self.scenes),
        )


def read_recording(reader: Reader, units: Features, name: str) -> Recording:
    """Read the rest of a stream.

    Args:
        reader: has read its HEAD, and gives scenes.
        units: (D,) of its motion space.
        name: for messages.

    Raises:
        BitstreamError: it is damaged.
        NoFaceError: no frame shows a face.
    """
    walk, shots, sound = Walk(units), list[RecordedShot](), list[AudioGroup]()
    now: _Open | None = None
    for item in reader:
        if isinstance(item, AudioGroup):
            sound.append(item)
        begins = isinstance(item, KeyFrame) or (isinstance(item, PortraitUnit) and not item.number)
        if begins and now is not None:
            shots += [shot for shot in (now.closed(),) if shot is not None]
        group = walk.push(item)
        if begins:
            assert walk.portrait is not None  # this item
            now = _Open([walk.portrait])
        elif now is not None and isinstance(item, PortraitUnit):
            now.portraits.append(walk.newest())
        elif now is not None and isinstance(item, ScenePicture):
            now.scenes.append(item)
        elif now is not None and isinstance(item, MotionGroup) and group is not None:
            now.groups.append(item)
            now.posed.append(group)
    last = None if now is None else now.closed()
    shots += [] if last is None else [last]
    if all(shot.held.all() for shot in shots):
        raise NoFaceError(
            f"no face in {name}", hint="Give a recording of one person, seen from the front."
        )
    end = reader.end_tick
    end = int(shots[-1].ticks[-1]) + 1 if end is None else end
    return Recording(name, reader.head, units, tuple(shots), end, tuple(sound))
