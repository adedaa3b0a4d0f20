"""Sound groups of a stream -> the samples of a span of time, exact to the sample."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from vqcodec.decoding.gaps import SoundGaps
from vqcodec.errors import BitstreamError
from vqcodec.format import AUDIO_RATE_HZ
from vqcodec.media.sound.opus_codec import AudioDecoder, packet_samples
from vqcodec.types import AudioGroup, AudioHead

TOLD_HOLE_S = 60
"""Silence so long that a person should know it isn't the recording's."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Sound to play: (n, channels) int16 at 48 kHz, each block right after the one before, the first at time zero."""

    pcm: NDArray[np.int16]


class SoundWindow:
    """Decodes sound groups and cuts the samples of [start_s, end_s) out of them.

    Args:
        head: of the stream's sound.
        start_s: where the window begins, in the stream's time.
        end_s: where it ends; None for the end of the stream.
        gaps: what is done about holes.

    Attributes:
        holes_s: begin and end of those that are long, in the stream's time.
    """

    def __init__(
        self,
        head: AudioHead,
        start_s: Fraction,
        end_s: Fraction | None,
        gaps: SoundGaps | None = None,
    ) -> None:
        self.holes_s: list[tuple[int, int]] = []
        self._head = head
        self._gaps = gaps or SoundGaps()
        self._decoder: AudioDecoder | None = None
        self._next_packet = 0  # first_sample of the group that continues this one
        self._next = round(start_s * AUDIO_RATE_HZ)  # position of the next sample to give
        self._stop = None if end_s is None else round(end_s * AUDIO_RATE_HZ)

    @property
    def complete(self) -> bool:
        """Nothing more will be given, whatever comes."""
        return self._stop is not None and self._next >= self._stop

    @property
    def end_s(self) -> Fraction:
        """Where the sound given so far ends, in the stream's time."""
        return Fraction(self._next, AUDIO_RATE_HZ)

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
        yield from self._silence(max(position - self._next, 0))
        self._next += len(pcm)
        yield Samples(self._gaps.heard(pcm))

    def fill(self, end_s: Fraction) -> Iterator[Samples]:
        """Silence up to a time of the stream, within the window."""
        end = round(end_s * AUDIO_RATE_HZ)
        end = end if self._stop is None else min(end, self._stop)
        yield from self._silence(max(end - self._next, 0))

    def _decoded(self, decoder: AudioDecoder, group: AudioGroup) -> NDArray[np.int16]:
        try:
            self._next_packet = group.first_sample + sum(map(packet_samples, group.packets))
            return decoder.decode(group.packets, group.end_trim_samples)
        except BitstreamError as error:
            self._gaps.unreadable(error)
            self._decoder = None
            return np.zeros((0, self._head.channels), np.int16)

    def _silence(self, count: int) -> Iterator[Samples]:
        """So many samples, in pieces: a hole may be long."""
        if count >= TOLD_HOLE_S * AUDIO_RATE_HZ:
            span = self._next // AUDIO_RATE_HZ, (self._next + count) // AUDIO_RATE_HZ
            self.holes_s.append(span)
        self._next += count
        for start in range(0, count, AUDIO_RATE_HZ):
            length = min(AUDIO_RATE_HZ, count - start)
            yield Samples(self._gaps.silence(np.zeros((length, self._head.channels), np.int16)))
