"""Decoded sound on the picture's clock: 48 kHz int16 blocks that follow each other without a hole from sample 0."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

from vqcodec.format import AUDIO_RATE_HZ
from vqcodec.media.items import AudioBlock
from vqcodec.media.picture.stamps import MAX_JUMP_S, MAX_STEP_BACK_S
from vqcodec.media.sound.mixing import LAYOUTS, PhaseMixer, named

# A difference between timestamps and samples of this size is a hole (or an overlap) in the recording; smaller ones are
# rounding, jitter, or a sound card's clock that runs at 47,995 Hz, which adds up to a visible lip-sync error in an hour.
_GAP = AUDIO_RATE_HZ * 3 // 100
_DRIFT_BEGIN, _DRIFT_END = AUDIO_RATE_HZ // 100, AUDIO_RATE_HZ // 500
_SMOOTHING = 16
_STRETCH = 256  # while correcting, one sample in 256 is added or taken: 7 cents of pitch, which nobody hears
_SILENCE_BLOCK = AUDIO_RATE_HZ // 2


class ClockedSound:
    """PyAV sound frames in, `AudioBlock`s out.

    Nothing that lies after time zero is dropped. Holes longer than 30 ms become silence. Smaller differences between
    timestamps and sample count, and overlaps, are evened out by stretching the sound by 0.4 % until they are gone.

    Attributes:
        position: samples given so far, which is where the next one goes.
        mixer: what makes mono of stereo.
        peak: the largest sample given.
    """

    def __init__(self, channels: int, rate_hz: int = AUDIO_RATE_HZ) -> None:
        """Sound of 1 or 2 channels at `rate_hz`."""
        self.mixer = PhaseMixer()
        self.peak = 0
        self.position = 0
        self._channels = channels
        self._rate_hz = rate_hz
        self._clock: _Segment | None = None
        self._offset_s = Fraction(0)
        self._error = 0.0
        self._correcting = 0

    def push(self, frame: av.AudioFrame, time_s: Fraction | None) -> Iterator[AudioBlock]:
        """Add a decoded frame; `time_s` is when it begins on the picture's clock, None if it isn't known."""
        if not frame.samples or not frame.sample_rate:
            return
        frame = named(frame)
        if self._clock is not None and not self._clock.fits(frame):
            yield from self._end_segment()
        begin = self._place(time_s)
        if self._clock is not None and begin is not None and begin - self._clock.end > _GAP:
            yield from self._end_segment()
        if self._clock is None:
            start = self.position if begin is None else round(begin)
            # A new segment can't begin inside what was given already, except before time zero, where it is cut.
            start = start if self.position == 0 else max(start, self.position)
            yield from self._silence(start)
            self._clock = _Segment(frame, start, self._channels, self._rate_hz, self.mixer)
            self._error = 0.0
        elif begin is not None:
            self._watch(float(begin - self._clock.end))
        yield from self._give(self._clock.convert(frame))

    def finish(self) -> Iterator[AudioBlock]:
        """Give what is left."""
        yield from self._end_segment()

    def _place(self, time_s: Fraction | None) -> Fraction | None:
        """Where a frame should begin, in samples; broken jumps of the clock are taken out."""
        if time_s is None:
            return None
        begin_s = time_s + self._offset_s
        now_s = (
            self._clock.end if self._clock is not None else Fraction(self.position)
        ) / self._rate_hz
        begun = self._clock is not None or self.position > 0
        if begin_s - now_s > MAX_JUMP_S or (begun and now_s - begin_s > MAX_STEP_BACK_S):
            self._offset_s += now_s - begin_s
            begin_s = now_s
        return begin_s * self._rate_hz

    def _watch(self, error: float) -> None:
        """Follow the difference of timestamps and samples; begin and end corrections."""
        self._error += (error - self._error) / _SMOOTHING
        if abs(self._error) > _DRIFT_BEGIN:
            self._correcting = 1 if self._error > 0 else -1
        elif abs(self._error) < _DRIFT_END:
            self._correcting = 0

    def _give(self, samples: NDArray[np.int16]) -> Iterator[AudioBlock]:
        assert self._clock is not None
        if self._correcting and len(samples) > 1:
            changed = _stretched(samples, self._correcting * max(1, len(samples) // _STRETCH))
            self._clock.end += len(changed) - len(samples)
            self._clock.written += len(changed) - len(samples)
            self._error -= len(changed) - len(samples)
            samples = changed
        start = self._clock.written - len(samples)
        if start < 0:
            samples = samples[min(-start, len(samples)) :]
        if len(samples):
            self.peak = max(self.peak, int(samples.max()), -int(samples.min()))
            yield AudioBlock(np.ascontiguousarray(samples), self.position)
            self.position += len(samples)

    def _end_segment(self) -> Iterator[AudioBlock]:
        if self._clock is not None:
            yield from self._give(self._clock.rest())
            self._clock = None

    def _silence(self, until: int) -> Iterator[AudioBlock]:
        while self.position < until:
            size = min(_SILENCE_BLOCK, until - self.position)
            yield AudioBlock(np.zeros((size, self._channels), np.int16), self.position)
            self.position += size


class _Segment:
    """A stretch of sound without holes, through one resampler.

    Attributes:
        end: where the next frame put in will begin, in output samples, exact.
        written: where the next sample that comes out goes.
    """

    def __init__(
        self,
        first: av.AudioFrame,
        start: int,
        channels: int,
        rate_hz: int,
        mixer: PhaseMixer,
    ) -> None:
        # more than two become two first: their left and right may cancel each other as well
        self._mixer = mixer if channels == 1 and len(first.layout.channels) > 1 else None
        layout = LAYOUTS[channels if self._mixer is None else 2]
        self._resampler = av.AudioResampler(format="s16", layout=layout, rate=rate_hz)
        self._kind = (first.format.name, first.layout.name, first.sample_rate)
        self._channels = channels
        self._step = Fraction(rate_hz, first.sample_rate)
        self.end = Fraction(start)
        self.written = start

    def fits(self, frame: av.AudioFrame) -> bool:
        return self._kind == (frame.format.name, frame.layout.name, frame.sample_rate)

    def convert(self, frame: av.AudioFrame) -> NDArray[np.int16]:
        self.end += frame.samples * self._step
        frame.pts = None
        return self._collect(self._resampler.resample(frame))

    def rest(self) -> NDArray[np.int16]:
        samples = self._collect(self._resampler.resample(None))
        # The resampler's tail may be a sample longer or shorter than what went in.
        excess = self.written - round(self.end)
        if 0 < excess <= len(samples):
            samples = samples[:-excess]
            self.written -= excess
        return samples

    def _collect(self, frames: list[av.AudioFrame]) -> NDArray[np.int16]:
        parts = [
            np.asarray(frame.to_ndarray(), np.int16).reshape(
                -1, self._channels if self._mixer is None else 2
            )
            for frame in frames
            if frame is not None
        ]
        if not parts:
            return np.zeros((0, self._channels), np.int16)
        samples = np.concatenate(parts)
        self.written += len(samples)
        return samples if self._mixer is None else self._mixer.mix(samples)


def _stretched(samples: NDArray[np.int16], extra: int) -> NDArray[np.int16]:
    """The same sound in len + extra samples, linearly interpolated."""
    old = np.arange(len(samples))
    new = np.linspace(0, len(samples) - 1, max(1, len(samples) + extra))
    columns = [np.interp(new, old, samples[:, channel]) for channel in range(samples.shape[1])]
    return np.rint(np.stack(columns, axis=1)).astype(np.int16)
