"""The sound of a media file alone, and the same as speech networks want it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from types import TracebackType

import av
import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import MediaError, UsageError
from vqcodec.format import AUDIO_RATE_HZ, SPEECH_RATE_HZ
from vqcodec.media.items import AudioBlock
from vqcodec.media.picture.packets import PacketReader, plausible_duration
from vqcodec.media.picture.rates import seconds
from vqcodec.media.sound.packets import Decoding
from vqcodec.types import FileLike

_RATIO = AUDIO_RATE_HZ // SPEECH_RATE_HZ


class SoundSource:
    """A sound file, or the sound track of a video, as a stream of mono samples. A context manager; single pass.

        with SoundSource("speech.wav") as source:
            for block in source.blocks(): ...           # 48 kHz int16, (n, 1), without a hole from sample 0

    Sample 0 is the sound's own first one: when it begins in its file, or beside a video's pictures, doesn't matter.

    Attributes:
        name: for messages.
        duration_s: declared length or None; for progress bars.
        truncated: set when the file broke off early (damaged or cut): what came before it was given.
        corrupt_packets: packets that could not be decoded; silence stands for them.
        remarks: sentences that a person should read: what of the file was guessed or left out.
    """

    def __init__(self, source: FileLike, *, limit_s: Fraction | None = None) -> None:
        """Open `source`.

        Args:
            source: path, "-" or a binary file object.
            limit_s: refuse more sound than this.

        Raises:
            MediaError: missing, unreadable, empty, not a media file, or without sound.
            UsageError: the file says that it is longer than `limit_s`.
        """
        self.truncated = False
        self.corrupt_packets = 0
        self._limit_s = limit_s
        self._reader = PacketReader(source)
        self.name = self._reader.name
        self.remarks = [*self._reader.remarks]
        try:
            self.duration_s = self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> Fraction | None:
        reader = self._reader
        if reader.audio is None:
            if reader.is_still:
                raise MediaError(
                    f"{self.name} is a picture, not a sound",
                    hint="The sound comes first, the portrait second: vqcodec dub speech.wav portrait.png",
                )
            if reader.remarks:
                raise MediaError(
                    f"{self.name} has no sound that can be decoded",
                    hint="Convert it, for example to WAV or AAC.",
                )
            raise MediaError(
                f"{self.name} has no sound",
                hint="Give a sound file, or a video with a sound track.",
            )
        own_s = seconds(reader.audio.duration, reader.audio.time_base)
        duration_s = plausible_duration(own_s) or reader.duration_s
        if duration_s is not None:
            self._check_length(duration_s)
        return duration_s

    def _check_length(self, length_s: Fraction) -> None:
        if self._limit_s is not None and length_s > self._limit_s:
            raise UsageError(
                f"{self.name} is longer than {float(self._limit_s) / 3600:g} hours",
                hint="Cut it into shorter pieces.",
            )

    def blocks(self) -> Iterator[AudioBlock]:
        """All of the sound.

        Raises:
            MediaError: there is none: no sample, or none that can be decoded.
            UsageError: it is longer than `limit_s`.
        """
        decoding = Decoding(1)
        decoding.begin(None)
        end = 0
        for block in self._decoded(decoding):
            end = block.first_sample + len(block.samples)
            self._check_length(Fraction(end, AUDIO_RATE_HZ))
            yield block
        self.truncated = self._reader.breaks_off
        self.remarks += decoding.remarks(self.name)
        self.corrupt_packets = decoding.corrupt_packets
        if not end:
            raise MediaError(
                f"{self.name} holds no sound that can be decoded",
                hint=self._reader.broken or "The recording is empty or damaged.",
            )

    def _decoded(self, decoding: Decoding) -> Iterator[AudioBlock]:
        for packet in self._reader.packets():
            if self._reader.is_sound(packet):
                yield from decoding.hear(packet)
        yield from decoding.finish()

    def close(self) -> None:
        """Release the file. A file object given by the caller stays open."""
        self._reader.close()

    def __enter__(self) -> SoundSource:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class SpeechResampler:
    """48 kHz int16 -> 16 kHz float32 in -1..1, in any pieces: n samples become exactly ceil(n / 3), in step."""

    def __init__(self) -> None:
        self._resampler = av.AudioResampler(format="flt", layout="mono", rate=SPEECH_RATE_HZ)
        self._taken = self._given = 0

    def push(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """Take (n, 1) or (n,) samples, n >= 1; gives those that are ready, (m,)."""
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples).reshape(1, -1), format="s16", layout="mono"
        )
        frame.sample_rate = AUDIO_RATE_HZ
        self._taken += frame.samples
        return self._collect(self._resampler.resample(frame))

    def flush(self) -> NDArray[np.float32]:
        """The rest, at the end."""
        rest = (
            self._collect(self._resampler.resample(None))
            if self._taken
            else np.zeros(0, np.float32)
        )
        missing = -(-self._taken // _RATIO) - self._given
        # the resampler's tail may be a sample longer or shorter than what went in
        return np.pad(rest, (0, missing)) if missing > 0 else rest[: len(rest) + missing]

    def _collect(self, frames: list[av.AudioFrame]) -> NDArray[np.float32]:
        parts = [
            np.asarray(frame.to_ndarray(), np.float32).reshape(-1)
            for frame in frames
            if frame is not None
        ]
        samples = np.concatenate(parts) if parts else np.zeros(0, np.float32)
        self._given += len(samples)
        return np.clip(samples, -1, 1)
