"""The sound's way through an encode: blocks of samples -> Opus pieces -> AUDO groups beside their motion groups."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from vqcodec.media.items import AudioBlock, AudioPacket
from vqcodec.media.sound.opus_codec import AudioEncoder
from vqcodec.types import AudioGroup, AudioHead

MAX_GROUP_PACKETS = 400


@dataclass(frozen=True, slots=True)
class SoundPiece:
    """One Opus packet on its way to the file.

    Attributes:
        rung: which of several bit rates it was coded at, 0 with one rate only.
        data: the packet.
        first_sample: as in AudioGroup.
        end_trim_samples: not 0 only with the last packet.
    """

    rung: int
    data: bytes
    first_sample: int
    end_trim_samples: int = 0


class SoundCoder:
    """Codes the same samples at one or more bit rates. The last packet of each is held back until its trim is known.

    Args:
        rates_bps: one encoder each.
        channels: 1 or 2.
        prompt: nothing is held back: a packet sooner, and at the very end some milliseconds of silence.

    Attributes:
        heads: one AudioHead per bit rate.
    """

    def __init__(
        self, rates_bps: Sequence[int], *, channels: int = 1, prompt: bool = False
    ) -> None:
        self._prompt = prompt
        self._encoders = [AudioEncoder(rate, channels=channels) for rate in rates_bps]
        self._counts = [0] * len(self._encoders)
        self._last: list[SoundPiece | None] = [None] * len(self._encoders)
        self.heads = tuple(encoder.head for encoder in self._encoders)

    def push(self, block: AudioBlock) -> list[SoundPiece]:
        """Take the next block; returns pieces that are complete."""
        return [
            piece
            for rung, encoder in enumerate(self._encoders)
            for piece in self._add(rung, encoder.encode(block.samples))
        ]

    def flush(self) -> list[SoundPiece]:
        """The pieces still held, at the end."""
        pieces = []
        for rung, encoder in enumerate(self._encoders):
            pieces += self._add(rung, encoder.flush())
            last = self._last[rung]
            if last is not None:
                pieces.append(
                    SoundPiece(rung, last.data, last.first_sample, encoder.end_trim_samples)
                )
        return pieces

    def _add(self, rung: int, packets: Sequence[bytes]) -> list[SoundPiece]:
        ready = []
        for packet in packets:
            last = self._last[rung]
            if last is not None:
                ready.append(last)
            start = self._counts[rung] * self._encoders[rung].packet_samples
            piece = self._last[rung] = SoundPiece(rung, packet, start)
            self._counts[rung] += 1
            if self._prompt:
                ready.append(piece)
                self._last[rung] = None
        return ready


class SoundCopier:
    """The same for packets that are copied."""

    def __init__(self) -> None:
        self._last: SoundPiece | None = None

    def push(self, packet: AudioPacket) -> list[SoundPiece]:
        """Take the next packet; returns the one before it."""
        last, self._last = self._last, SoundPiece(0, packet.data, packet.first_sample)
        return [] if last is None else [last]

    def flush(self, end_trim_samples: int) -> list[SoundPiece]:
        """The last packet, with the samples of it that aren't heard."""
        last = self._last
        return (
            [] if last is None else [SoundPiece(0, last.data, last.first_sample, end_trim_samples)]
        )


class SoundQueue:
    """Pieces that wait for the motion group they are heard with."""

    def __init__(self, head: AudioHead | None) -> None:
        self._head = head
        self._pieces: deque[SoundPiece] = deque()

    def add(self, piece: SoundPiece) -> None:
        """Take the next piece."""
        self._pieces.append(piece)

    def until(self, end_s: Fraction | None) -> list[AudioGroup]:
        """Groups of the packets that begin before a time; None takes all that is there."""
        if self._head is None:
            return []
        ready = []
        while self._pieces:
            start = self._pieces[0].first_sample - self._head.pre_skip_samples
            if end_s is not None and start >= end_s * self._head.sample_rate_hz:
                break
            ready.append(self._pieces.popleft())
        runs = [ready[i : i + MAX_GROUP_PACKETS] for i in range(0, len(ready), MAX_GROUP_PACKETS)]
        return [
            AudioGroup(
                run[0].first_sample, tuple(piece.data for piece in run), run[-1].end_trim_samples
            )
            for run in runs
        ]
