"""A TokenSequence in the order of a file: portraits before the frames they show, groups, each with the sound heard with it."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, BinaryIO

from vqcodec.codec.grouping import group_spans
from vqcodec.codec.portraits import CodedPortrait
from vqcodec.codec.shots import group_runs
from vqcodec.container import Writer
from vqcodec.errors import UsageError
from vqcodec.format import VERSION, VERSION_2
from vqcodec.stream.portraits import StreamPortrait
from vqcodec.types import AudioGroup, KeyFrame, MotionGroup, StreamSizes

if TYPE_CHECKING:
    from vqcodec.codec.tokens import TokenSequence


class SequenceWriter:
    """Writes a sequence as a .vqt stream.

    Args:
        sequence: what to write.
        sink: a binary file object.
    """

    def __init__(self, sequence: TokenSequence, sink: BinaryIO) -> None:
        self._sequence = sequence
        version = VERSION_2 if sequence.head.version[0] == VERSION_2[0] else VERSION
        self._writer = Writer(sink, replace(sequence.head, version=version))
        self._sound = deque(sequence.sound)
        self._units = deque(
            portrait.path[-1]
            for portrait in sequence.portraits
            if isinstance(portrait, StreamPortrait)
        )
        self._owner = -1  # key frame in force

    def write(self) -> StreamSizes:
        """Write all of it.

        Raises:
            UsageError: it makes no valid stream.
        """
        sequence = self._sequence
        spans = group_spans(
            sequence.ticks, sequence.portrait_of, sequence.head.time_base_s, sequence.groups
        )
        for first, stop in spans:
            self._key_frame(first)
            self._units_until(stop, first)
            self._writer.motion(self._group(first, stop))
            end_s = self._end_tick(stop) * sequence.head.time_base_s
            while self._sound and self._heard_s(self._sound[0]) < end_s:
                self._writer.audio(self._sound.popleft())
        self._units_until(len(sequence) + 1, len(sequence))
        for group in self._sound:
            self._writer.audio(group)
        self._writer.close(end_tick=sequence.end_tick)
        return self._writer.sizes

    def _units_until(self, stop: int, first: int) -> None:
        """Write those that come before frame `stop`, in front of frame `first`: groups may have been cut anew."""
        while self._units and self._units[0].first_frame < stop:
            self._writer.portrait(replace(self._units.popleft(), first_frame=first))

    def _key_frame(self, first: int) -> None:
        owner = int(self._sequence.portrait_of[first])
        portrait = self._sequence.portraits[owner]
        if isinstance(portrait, CodedPortrait) and owner != self._owner:
            self._writer.key_frame(KeyFrame(first, portrait.still, portrait.features))
            self._owner = owner

    def _group(self, first: int, stop: int) -> MotionGroup:
        sequence, span = self._sequence, slice(first, stop)
        base = sequence.portraits[int(sequence.portrait_of[first])]
        return MotionGroup(
            first,
            sequence.ticks[span],
            sequence.low_confidence[span],
            sequence.tokens[span],
            base.path[0].shot if isinstance(base, StreamPortrait) else 0,
            group_runs(sequence.runs, first, stop),
        )

    def _end_tick(self, stop: int) -> int:
        """When a group's last frame ends, at the nominal rate: its sound follows it (stream.interleave)."""
        head = self._sequence.head
        nominal = 1 / (head.frame_rate_hz * head.time_base_s)
        return int(self._sequence.ticks[stop - 1]) + max(round(nominal), 1)

    def _heard_s(self, group: AudioGroup) -> Fraction:
        audio = self._sequence.head.audio
        if audio is None:
            raise UsageError("there is sound, but head.audio doesn't say how it is coded")
        return Fraction(group.first_sample - audio.pre_skip_samples, audio.sample_rate_hz)
