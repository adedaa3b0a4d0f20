"""The old sound beside the new one: followed sample by sample, mixed under it, compared with it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from vqcodec.dubbing.redub.recording import Recording
from vqcodec.dubbing.redub.segments import Segment
from vqcodec.errors import UsageError
from vqcodec.format import AUDIO_RATE_HZ, SPEECH_TOKEN_HZ
from vqcodec.media.items import AudioBlock
from vqcodec.media.sound.source import SoundSource, SpeechResampler
from vqcodec.speech.energy import EnergyMeter
from vqcodec.speech.likeness import SoundPrint

EDGE_SAMPLES = 480
"""10 ms: where a sound gives way to another, nothing clicks."""

Pcm = NDArray[np.int16]


class Follower:
    """Gives a sound in pieces of any length, and silence after its end."""

    def __init__(self, blocks: Iterator[AudioBlock]) -> None:
        self._blocks, self._waiting = blocks, np.zeros((0, 1), np.int16)

    def take(self, count: int) -> Pcm:
        """The next (count, 1) samples."""
        parts, have = [self._waiting], len(self._waiting)
        while have < count:
            block = next(self._blocks, None)
            if block is None:
                parts.append(np.zeros((count - have, 1), np.int16))
                break
            parts.append(block.samples)
            have += len(block.samples)
        whole = np.concatenate(parts)
        self._waiting = whole[count:]
        return whole[:count]


class Mixer:
    """Lays the old sound under the new one.

    Args:
        old: blocks of it, from the same time on.
        level_db: how loud it is beside itself.
    """

    def __init__(self, old: Iterator[AudioBlock], level_db: float) -> None:
        self._old, self._gain = Follower(old), 10 ** (level_db / 20)

    def __call__(self, block: AudioBlock) -> AudioBlock:
        """The next block of the new sound, with the old one."""
        under = self._old.take(len(block.samples)) * self._gain
        both = np.clip(np.rint(block.samples + under), -32768, 32767)
        return AudioBlock(both.astype(np.int16), block.first_sample)


class OldSound:
    """What is known of the old sound, frame by frame of 40 ms.

    Attributes:
        bands: (T, 16) of `SoundPrint`.
        silent: (T,) bool, frames without a voice.

    Args:
        recording: whose.
    """

    def __init__(self, recording: Recording) -> None:
        resampler, heard, meter = SpeechResampler(), SoundPrint(), EnergyMeter()

        def take(samples: NDArray[np.float32]) -> None:
            heard.push(samples)
            meter.push(samples)

        for block in recording.blocks():
            take(resampler.push(block.samples))
        take(resampler.flush())
        self.bands, self.silent = heard.bands(), meter.silent()


class SegmentedSound:
    """The old sound with others in some spans: a sound to be heard (vqcodec.dubbing.listen.Speech).

    Args:
        recording: whose sound it is, and how long.
        segments: the spans, by time.
        speech: what is heard in spans that name no file.
        level_db: how loud the old sound stays in the spans; None: not at all.
    """

    corrupt_packets = 0
    truncated = False

    def __init__(
        self,
        recording: Recording,
        segments: Sequence[Segment],
        speech: SoundSource,
        level_db: float | None,
    ) -> None:
        self.name, self.remarks = recording.name, list[str]()
        self._recording, self._segments, self._speech = recording, segments, speech
        self._level_db = level_db
        self.inside = spans_of(segments, recording.end_s)

    def blocks(self) -> Iterator[AudioBlock]:
        """What is heard, without the old sound in the spans: that is `mixed`'s to add."""
        old, new = Follower(self._recording.blocks()), Follower(iter(self._speech.blocks()))
        for start, stop in _pieces(round(self._recording.end_s * AUDIO_RATE_HZ)):
            out, spoken = old.take(stop - start), new.take(stop - start)
            for segment in self._segments:
                self._lay(segment, out, spoken, start)
            yield AudioBlock(out, start)

    def mixer(self) -> Mixer | None:
        """What lays the old sound under the spans."""
        if self._level_db is None:
            return None
        return Mixer(self._inside_only(), self._level_db)

    def _inside_only(self) -> Iterator[AudioBlock]:
        old = Follower(self._recording.blocks())
        for start, stop in _pieces(round(self._recording.end_s * AUDIO_RATE_HZ)):
            piece = old.take(stop - start)
            share = np.zeros((stop - start, 1))
            for segment in self._segments:
                share = np.maximum(share, _share(segment, start, stop))
            yield AudioBlock(np.rint(piece * share).astype(np.int16), start)

    def _lay(self, segment: Segment, out: Pcm, spoken: Pcm, start: int) -> None:
        """Put a segment's part into a piece of the sound that begins with a sample."""
        share = _share(segment, start, start + len(out))
        if not share.any():
            return
        if segment.sound is not None:
            first = round(segment.start_s * AUDIO_RATE_HZ)
            spoken = np.zeros_like(out)
            own = self._sound(segment)[max(start - first, 0) :]
            at = max(first - start, 0)
            own = own[: len(out) - at]
            spoken[at : at + len(own)] = own
        out[:] = np.rint(out * (1 - share) + spoken * share).astype(np.int16)

    def _sound(self, segment: Segment) -> Pcm:
        """All of a segment's own sound, as far as its span goes; the one used last is kept."""
        if self._kept is None or self._kept[0] is not segment:
            wanted = round((segment.end_s - segment.start_s) * AUDIO_RATE_HZ)
            with SoundSource(segment.sound or "") as source:
                taken = Follower(source.blocks()).take(wanted + AUDIO_RATE_HZ // 25)
                self.remarks += source.remarks
            if taken[wanted:].any():
                self.remarks.append(f"{segment.sound} is longer than its span: it is cut there")
            self._kept = segment, taken[:wanted]
        return self._kept[1]

    _kept: tuple[Segment, Pcm] | None = None


def spans_of(segments: Sequence[Segment], end_s: Fraction) -> NDArray[np.bool_]:
    """(T,) frames of 40 ms in which lips follow.

    Raises:
        UsageError: a span begins after the recording's end.
    """
    inside = np.zeros(math.ceil(end_s * SPEECH_TOKEN_HZ), bool)
    for segment in segments:
        if segment.start_s >= end_s:
            raise UsageError(
                f"a span begins at {float(segment.start_s):g} s, the recording ends at {float(end_s):g} s"
            )
        first = int(segment.start_s * SPEECH_TOKEN_HZ)
        inside[first : math.ceil(segment.end_s * SPEECH_TOKEN_HZ)] = True
    return inside


def _pieces(samples: int) -> Iterator[tuple[int, int]]:
    for start in range(0, samples, AUDIO_RATE_HZ):
        yield start, min(start + AUDIO_RATE_HZ, samples)


def _share(segment: Segment, start: int, stop: int) -> NDArray[np.float64]:
    """(n, 1) how much of samples start .. stop - 1 is a segment's, with soft edges inside it."""
    first, last = (round(time_s * AUDIO_RATE_HZ) for time_s in (segment.start_s, segment.end_s))
    at = np.arange(start, stop)
    edge = np.minimum(at - first + 1, last - at) / EDGE_SAMPLES
    return np.clip(edge, 0, 1)[:, None]
