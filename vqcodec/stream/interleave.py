"""The order of a file: HEAD with the first portrait, then each motion group followed by the sound heard with it."""

from __future__ import annotations

from dataclasses import replace
from typing import BinaryIO

from vqcodec.container.writer import Writer
from vqcodec.stream.sound import SoundPiece, SoundQueue
from vqcodec.types import (
    Crop,
    Head,
    KeyFrame,
    MotionGroup,
    PortraitUnit,
    ScenePicture,
    StreamSizes,
)


class Interleaver:
    """Writes portraits, groups and sound, given in the order they were made; nothing before the first portrait.

    Attributes:
        head: what HEAD says, or will say: the crop comes with the first portrait.
    """

    def __init__(self, sink: BinaryIO, head: Head) -> None:
        self.head = head
        self._sink = sink
        self._writer: Writer | None = None
        self._sound = SoundQueue(head.audio)
        self._end_tick = 0

    @property
    def sizes(self) -> StreamSizes:
        """Bytes written so far."""
        return StreamSizes() if self._writer is None else self._writer.sizes

    def key_frame(self, key_frame: KeyFrame, crop: Crop | None) -> None:
        """Write a key frame cut from `crop`; the first one opens the file, and its crop goes into HEAD."""
        self._opened(crop).key_frame(key_frame)

    def portrait(self, unit: PortraitUnit, crop: Crop | None) -> None:
        """The same with a portrait of major version 2, which HEAD must say."""
        self._opened(crop).portrait(unit)

    def scene(self, scene: ScenePicture) -> None:
        """Write a picture of what is around the square."""
        assert self._writer is not None
        self._writer.scene(scene)

    def motion(self, group: MotionGroup) -> None:
        """Write a group with as many layers as HEAD says, and the sound that begins before its end."""
        assert self._writer is not None
        frame_ticks = max(round(1 / (self.head.frame_rate_hz * self.head.time_base_s)), 1)
        self._end_tick = int(group.ticks[-1]) + frame_ticks
        self._writer.motion(replace(group, indices=group.indices[..., : self.head.layers]))
        for sound in self._sound.until(self._end_tick * self.head.time_base_s):
            self._writer.audio(sound)

    def sound(self, piece: SoundPiece) -> None:
        """Take the next packet; it is written with its motion group."""
        self._sound.add(piece)

    def close(self) -> StreamSizes:
        """Write what is left, and the index; returns the sizes of the whole file."""
        assert self._writer is not None
        for sound in self._sound.until(None):
            self._writer.audio(sound)
        self._writer.close(end_tick=self._end_tick)
        return self._writer.sizes

    def _opened(self, crop: Crop | None) -> Writer:
        if self._writer is None:
            self.head = replace(self.head, crop=crop)
            self._writer = Writer(self._sink, self.head)
        return self._writer
