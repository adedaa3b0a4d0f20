"""What a decode shows and plays, before anything is rendered: pictures to make, samples to hear, in a span of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from vqcodec.config import DecodeOptions
from vqcodec.decoding.fade import FADE_S, Fade, goes_on
from vqcodec.errors import UsageError
from vqcodec.format import AUDIO_RATE_HZ, from_indices
from vqcodec.media.sound.opus_codec import AudioDecoder, packet_samples
from vqcodec.quantize.grfsq import dequantize
from vqcodec.types import AudioGroup, AudioHead, Head, KeyFrame, MotionGroup

MAX_SOUND_AHEAD_S = Fraction(3600)
"""Sound so far ahead of the pictures waits for them: a position may lie centuries away, and silence up to it never ends."""


@dataclass(frozen=True, slots=True)
class Pose:
    """A picture to make.

    Attributes:
        time_s: when it is shown, from the start of the window.
        key_frame: what it is rendered from.
        features: (48,) float32 motion features.
        faded_from: the portrait before, while it fades away (vqcodec.decoding.fade).
        share: part of key_frame in the picture, 1 outside fades.
    """

    time_s: Fraction
    key_frame: KeyFrame
    features: NDArray[np.float32]
    faded_from: KeyFrame | None = None
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Samples:
    """Sound to play: (n, channels) int16 at 48 kHz, each block right after the one before, the first at time zero."""

    pcm: NDArray[np.int16]


class SoundWindow:
    """Decodes sound groups and cuts the samples of [start_s, end_s) out of them, exact to the sample."""

    def __init__(self, head: AudioHead, start_s: Fraction, end_s: Fraction | None) -> None:
        self._head = head
        self._decoder: AudioDecoder | None = None
        self._next_packet = 0  # first_sample of the group that continues this one
        self._next = round(start_s * AUDIO_RATE_HZ)  # position of the next sample to give
        self._stop = None if end_s is None else round(end_s * AUDIO_RATE_HZ)

    @property
    def complete(self) -> bool:
        """Nothing more will be given, whatever comes."""
        return self._stop is not None and self._next >= self._stop

    def push(self, group: AudioGroup) -> Iterator[Samples]:
        """Take the next group; gives its samples inside the window, after silence for a hole before it."""
        if self._decoder is None or group.first_sample != self._next_packet:
            self._decoder = AudioDecoder(self._head, first_sample=group.first_sample)
        position = self._decoder.position
        pcm = self._decoded(self._decoder, group)
        if self._stop is not None:
            pcm = pcm[: max(self._stop - position, 0)]
        pcm = pcm[max(self._next - position, 0) :]
        if not len(pcm):
            return
        yield from self._hole(max(position - self._next, 0))
        self._next += len(pcm)
        yield self._heard(pcm)

    def _decoded(self, decoder: AudioDecoder, group: AudioGroup) -> NDArray[np.int16]:
        self._next_packet = group.first_sample + sum(map(packet_samples, group.packets))
        return decoder.decode(group.packets, group.end_trim_samples)

    def _hole(self, count: int) -> Iterator[Samples]:
        """Silence, in pieces: a hole may be long."""
        self._next += count
        for start in range(0, count, AUDIO_RATE_HZ):
            yield Samples(
                np.zeros((min(AUDIO_RATE_HZ, count - start), self._head.channels), np.int16)
            )

    def _heard(self, pcm: NDArray[np.int16]) -> Samples:
        return Samples(pcm)


class Window:
    """Follows a stream's items and gives the poses and samples of a span of time, with times from its beginning.

    The span begins with the first frame at or after options.start_s (at the stream's time 0 when that is 0), for the
    sound too, and ends before options.end_s.

    Attributes:
        complete: the end was reached; later items bring nothing.
    """

    def __init__(self, head: Head, units: NDArray[np.float32], options: DecodeOptions) -> None:
        self.complete = False
        self._head = head
        self._units = units
        self._layers = options.layers or head.layers
        self._start_s, self._end_s = options.start_s, options.end_s
        self._origin_s: Fraction | None = Fraction(0) if options.start_s == 0 else None
        self._key_frame: KeyFrame | None = None
        self._base = np.zeros(0, np.float32)
        self._portrait_before: KeyFrame | None = None  # until the first group of the next one
        self._last: tuple[int, NDArray[np.float32]] | None = (
            None  # tick and features of the last frame of a group
        )
        self._fade: Fade | None = None
        self._sound: SoundWindow | None = None
        self._early: list[
            AudioGroup
        ] = []  # sound that comes before the first frame of the window is known, or far ahead
        self._heard_until_s = MAX_SOUND_AHEAD_S
        self._video_over = False

    def push(self, item: KeyFrame | MotionGroup | AudioGroup) -> Iterator[Pose | Samples]:
        """Take the next item of the stream."""
        if isinstance(item, KeyFrame):
            self._portrait_before, self._fade = self._key_frame, None
            self._key_frame, self._base = item, dequantize(item.features, self._units)
        elif isinstance(item, MotionGroup):
            yield from self._poses(item)
        else:
            self._early.append(item)
        yield from self._samples()
        self.complete = self._video_over and (self._sound is None or self._sound.complete)

    def finish(self) -> Iterator[Pose | Samples]:
        """What is still to come when the stream is over: nothing."""
        return iter(())

    def _sound_window(
        self, head: AudioHead, start_s: Fraction, end_s: Fraction | None
    ) -> SoundWindow:
        return SoundWindow(head, start_s, end_s)

    def _features(self, group: MotionGroup) -> NDArray[np.float32]:
        return self._base + dequantize(
            from_indices(group.indices[..., : self._layers]), self._units
        )

    def _poses(self, group: MotionGroup) -> Iterator[Pose]:
        assert self._key_frame is not None  # the reader refuses a group before the first key frame
        ticks, features = group.ticks.tolist(), self._features(group)
        self._begin_fade(ticks[0], features[0])
        self._last = ticks[-1], features[-1]
        yield from self._inside(zip(ticks, features, strict=True), self._key_frame)

    def _begin_fade(self, tick: int, features: NDArray[np.float32]) -> None:
        """Take the first frame of a group: where its portrait is new, but not its shot, the one before fades away."""
        before, self._portrait_before = self._portrait_before, None
        if before is None or self._last is None:
            return
        last_s, first_s = self._last[0] * self._head.time_base_s, tick * self._head.time_base_s
        if first_s - last_s <= FADE_S and goes_on(self._last[1], features, self._units):
            self._fade = Fade(before, last_s, first_s)

    def _inside(
        self, rows: Iterable[tuple[int, NDArray[np.float32]]], key_frame: KeyFrame
    ) -> Iterator[Pose]:
        """Those of the frames (tick, features) that lie in the window."""
        for tick, row in rows:
            time_s = tick * self._head.time_base_s
            self._heard_until_s = time_s + MAX_SOUND_AHEAD_S
            if self._end_s is not None and time_s >= self._end_s:
                self._video_over = True
                return
            if time_s < self._start_s:
                continue
            if self._origin_s is None:
                self._origin_s = time_s
            share = None if self._fade is None else self._fade.share(time_s)
            if self._fade is None or share is None:
                yield Pose(time_s - self._origin_s, key_frame, row)
            else:
                yield Pose(time_s - self._origin_s, key_frame, row, self._fade.key_frame, share)

    def _samples(self) -> Iterator[Samples]:
        if self._origin_s is None or self._head.audio is None:
            return
        if self._sound is None:
            self._sound = self._sound_window(self._head.audio, self._origin_s, self._end_s)
        groups, self._early = self._early, []
        for group in groups:
            if Fraction(group.first_sample, AUDIO_RATE_HZ) > self._heard_until_s:
                self._early.append(group)
            else:
                yield from self._sound.push(group)


def play(
    items: Iterable[KeyFrame | MotionGroup | AudioGroup], window: Window
) -> Iterator[Pose | Samples]:
    """Poses and samples of the items, until the window is complete.

    Raises:
        UsageError: no frame lies in the window.
    """
    empty = True
    for result in _results(items, window):
        empty = empty and not isinstance(result, Pose)
        yield result
    if empty:
        raise UsageError(
            "no frame lies between the start and the end that were asked for",
            hint="`vqcodec info` shows how long the file is.",
        )


def _results(
    items: Iterable[KeyFrame | MotionGroup | AudioGroup], window: Window
) -> Iterator[Pose | Samples]:
    for item in items:
        yield from window.push(item)
        if window.complete:
            return
    yield from window.finish()
