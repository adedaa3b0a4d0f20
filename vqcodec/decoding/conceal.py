"""Playing a damaged stream: pictures and silence for what is missing, so that everything else keeps its time.

    frames   1 2 3 4 5 . . . . . . . . . . 16 17 18         . = missing
    pose     1 2 3 4 5 5 5 5 5 5 ~ ~ ~ ~ ~ 16 17 18         the last one is held, then fades to the next one
    sound    ========~                    ~=========        silence of the exact length, with soft edges

Times of missing frames follow from the frame numbers and times on both sides, in integers. None of this is normative.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from vqcodec.config import DecodeOptions
from vqcodec.container.recover import RecoveringReader
from vqcodec.damage import Damage
from vqcodec.decoding.window import Pose, Samples, SoundWindow, Window
from vqcodec.errors import BitstreamError
from vqcodec.format import AUDIO_RATE_HZ, MAX_FRAME_RATE_HZ
from vqcodec.media.sound.opus_codec import AudioDecoder
from vqcodec.types import AudioGroup, AudioHead, KeyFrame, MotionGroup

FADE_S = Fraction(2, 5)
EDGE_SAMPLES = 240  # 5 ms
_TAIL_S = Fraction(1, 8)
"""Sound that ends so much later than the pictures, or earlier, shows that something is missing at the end."""

Features = NDArray[np.float32]


def hole_ticks(
    before: int | None, after: int, missing: int, time_base_s: Fraction
) -> Iterator[int]:
    """Times of missing frames, evenly spread.

    Args:
        before: tick of the frame before the hole; None at the start of the stream, where the first one gets tick 0.
        after: tick of the frame after the hole, or the end of the last missing frame.
        missing: how many frames there were; fewer are given where so many don't fit.
        time_base_s: seconds in a tick.

    Yields:
        Ticks, strictly increasing, between `before` and `after`.
    """
    start = 0 if before is None else before
    room = after - start - (before is not None)
    most = int((after - start) * time_base_s * MAX_FRAME_RATE_HZ) + 1
    count = max(min(missing, room, most), 0)
    parts, first = (count, 0) if before is None else (count + 1, 1)
    for i in range(first, first + count):
        yield start + (after - start) * i // parts


def faded(before: Features, after: Features, tick: int, span: tuple[int, int]) -> Features:
    """The pose at a tick: `before` until the span begins, `after` where it ends, a smooth way between."""
    first, last = span
    part = min(max((tick - first) / (last - first), 0.0), 1.0) if last > first else 1.0
    weight = np.float32(part * part * (3 - 2 * part))
    return before + weight * (after - before) if weight else before


class RecoveringSound(SoundWindow):
    """The sound of a damaged stream; a group that doesn't decode is a hole, too."""

    def __init__(
        self, head: AudioHead, start_s: Fraction, end_s: Fraction | None, damage: Damage
    ) -> None:
        super().__init__(head, start_s, end_s)
        self._damage = damage
        self._last: NDArray[np.int16] | None = None  # the sample before a hole
        self._after_hole = False

    @property
    def end_s(self) -> Fraction:
        """Where the sound given so far ends, in the stream's time."""
        return Fraction(self._next, AUDIO_RATE_HZ)

    def fill(self, end_s: Fraction) -> Iterator[Samples]:
        """Silence up to a time."""
        end = round(end_s * AUDIO_RATE_HZ)
        yield from self._hole(
            max((end if self._stop is None else min(end, self._stop)) - self._next, 0)
        )

    def _decoded(self, decoder: AudioDecoder, group: AudioGroup) -> NDArray[np.int16]:
        try:
            return super()._decoded(decoder, group)
        except BitstreamError:
            self._damage.dropped_chunks += 1
            self._decoder = None
            return np.zeros((0, self._head.channels), np.int16)

    def _hole(self, count: int) -> Iterator[Samples]:
        self._damage.audio_lost_s += Fraction(count, AUDIO_RATE_HZ)
        for silence in super()._hole(count):
            if self._last is not None:  # no click: the last sample dies away
                ramp = np.linspace(1, 0, EDGE_SAMPLES)[: len(silence.pcm), None]
                silence.pcm[: len(ramp)] = np.rint(ramp * self._last)
                self._last = None
            self._after_hole = True
            yield silence

    def _heard(self, pcm: NDArray[np.int16]) -> Samples:
        if self._after_hole:
            ramp = np.linspace(0, 1, EDGE_SAMPLES)[: len(pcm), None]
            pcm = pcm.copy()
            pcm[: len(ramp)] = np.rint(ramp * pcm[: len(ramp)])
            self._after_hole = False
        self._last = pcm[-1]
        return Samples(pcm)


class RecoveringWindow(Window):
    """A window of what a RecoveringReader gives.

    Args:
        reader: the reader of the items that will be pushed.
        units: (48,) of the motion space.
        options: see DecodeOptions.
    """

    def __init__(
        self, reader: RecoveringReader, units: NDArray[np.float32], options: DecodeOptions
    ) -> None:
        super().__init__(reader.head, units, options)
        self._reader, self._damage = reader, reader.damage
        self._fade_ticks = FADE_S / reader.head.time_base_s
        self._step = max(round(1 / (reader.head.frame_rate_hz * reader.head.time_base_s)), 1)
        self._next_frame = 0
        self._held: tuple[int, KeyFrame, Features] | None = (
            None  # the last frame: tick, portrait, features
        )

    def finish(self) -> Iterator[Pose | Samples]:
        """Frames and silence up to where the stream is known to have gone on."""
        if self._held is not None:
            yield from self._tail(*self._held)
        sound, end = self._sound, self._reader.end
        if self._damage.complete and not self._damage.audio_groups_lost:
            self._damage.audio_lost_s = Fraction(0)  # the gaps were there from the beginning
        elif isinstance(sound, RecoveringSound) and end is not None:
            end_s = end[1] * self._head.time_base_s
            if end_s - sound.end_s > _TAIL_S:
                yield from sound.fill(end_s)

    def _sound_window(
        self, head: AudioHead, start_s: Fraction, end_s: Fraction | None
    ) -> SoundWindow:
        return RecoveringSound(head, start_s, end_s, self._damage)

    def _poses(self, group: MotionGroup) -> Iterator[Pose]:
        assert self._key_frame is not None
        features = self._features(group)
        ticks = group.ticks.tolist()
        missing = group.first_frame - self._next_frame
        if missing > 0:
            self._portrait_before = None
            yield from self._concealed(ticks[0], missing, self._key_frame, features[0])
        self._begin_fade(ticks[0], features[0])
        self._last = ticks[-1], features[-1]
        for pose in self._inside(zip(ticks, features, strict=True), self._key_frame):
            self._damage.frames_intact += 1
            yield pose
        self._next_frame = group.first_frame + len(ticks)
        self._step = ticks[-1] - ticks[-2] if len(ticks) > 1 else self._step
        self._held = ticks[-1], self._key_frame, features[-1]

    def _concealed(
        self, after: int, missing: int, key_frame: KeyFrame, next_pose: Features
    ) -> Iterator[Pose]:
        """Hold the last pose, then fade to the next one; where the portrait changes, hold one, then the other."""
        before, old, pose = self._held or (None, key_frame, next_pose)
        ticks = hole_ticks(before, after, missing, self._head.time_base_s)
        if old is not key_frame:
            own = min(
                max(key_frame.first_frame - self._next_frame, 0), missing
            )  # frames of the old portrait
            all_ticks = list(ticks)
            yield from self._made_up([(tick, pose) for tick in all_ticks[:own]], old, after)
            yield from self._made_up(
                [(tick, next_pose) for tick in all_ticks[own:]], key_frame, after
            )
            return
        start = max(before if before is not None else after, int(after - self._fade_ticks))
        yield from self._made_up(
            ((tick, faded(pose, next_pose, tick, (start, after))) for tick in ticks),
            key_frame,
            after,
        )

    def _tail(self, last: int, key_frame: KeyFrame, pose: Features) -> Iterator[Pose]:
        """Hold the last pose until IEND, or until the sound ends."""
        if self._reader.end is not None:
            frames, end = self._reader.end
            ticks = hole_ticks(last, end, frames - self._next_frame, self._head.time_base_s)
        else:
            end = last + self._step
            sound_end_s = (
                self._sound.end_s if isinstance(self._sound, RecoveringSound) else Fraction(0)
            )
            if sound_end_s - end * self._head.time_base_s > _TAIL_S:
                end = int(sound_end_s / self._head.time_base_s)
            ticks = iter(range(last + self._step, end, self._step))
        yield from self._made_up(((tick, pose) for tick in ticks), key_frame, end)

    def _made_up(
        self,
        rows: Iterator[tuple[int, Features]] | list[tuple[int, Features]],
        key_frame: KeyFrame,
        end: int,
    ) -> Iterator[Pose]:
        """Poses of the window, counted, with their span of time, which lasts until the tick `end` at most."""
        first: Fraction | None = None
        for pose in self._inside(rows, key_frame):
            first = pose.time_s if first is None else first
            self._damage.frames_concealed += 1
            yield pose
        if first is None:
            return
        assert self._origin_s is not None  # a pose was given
        limit_s = end * self._head.time_base_s
        end_s = (limit_s if self._end_s is None else min(limit_s, self._end_s)) - self._origin_s
        spans = self._damage.concealed
        if spans and spans[-1][1] >= first:
            spans[-1] = (spans[-1][0], max(end_s, spans[-1][1]))
        else:
            spans.append((first, end_s))
