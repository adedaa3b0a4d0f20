"""Pictures and sound that a program has in memory, read as a file is.

    Frames(array or iterator, rate) --open_video--> FrameSource --items--> VideoFrame, AudioBlock

The same rules as for files: above 30 frames per second every second picture is taken unless a rate is asked for, times begin
at 0, sound is resampled to 48 kHz mono.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import Any, TypeAlias

import av
import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import UsageError
from vqcodec.format import AUDIO_RATE_HZ, MAX_FRAME_RATE_HZ
from vqcodec.media.items import AudioBlock, AudioPacket
from vqcodec.media.picture.colour import MAX_SIDE_PX
from vqcodec.media.picture.probe import MediaInfo
from vqcodec.media.picture.source import Sound, VideoSource
from vqcodec.media.picture.thinning import Nearest, Thin, Thinning, default_thinning
from vqcodec.types import FileLike, VideoFrame

FRAME_TICK_S = Fraction(1, 90_000)
"""Tick of VideoFrames' times: MPEG's, a divisor of every usual frame interval."""
_SOUND_AHEAD_S = Fraction(1, 2)
_BLOCK_SAMPLES = 4800
_NAME = "the frames"

Picture: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Pictures to encode, with or without sound.

    Attributes:
        pictures: (N, H, W, 3) uint8 RGB, or an iterable of (H, W, 3) pictures or of VideoFrames; all of one size. An
            iterable is used once, in another thread.
        rate_hz: frames per second: of pictures, exactly; of VideoFrames, which bring their own times, nominally. Those
            times count from the first and are rounded to 1/90000 s.
        sound: (n,) or (n, channels) samples, int16 or float in -1..1; sample 0 is heard with the first picture.
        sound_hz: their rate.
    """

    pictures: Picture | Iterable[Picture | VideoFrame]
    rate_hz: Fraction | int = Fraction(25)
    sound: NDArray[Any] | None = None
    sound_hz: int = AUDIO_RATE_HZ

    def __post_init__(self) -> None:
        if not 1 <= self.rate_hz <= MAX_FRAME_RATE_HZ:
            raise UsageError(
                f"{self.rate_hz} frames per second",
                hint=f"Give a Fraction in 1..{MAX_FRAME_RATE_HZ}.",
            )
        if isinstance(self.pictures, np.ndarray) and self.pictures.ndim != 4:
            raise UsageError(
                f"pictures of shape {self.pictures.shape}", hint="Give (N, H, W, 3) uint8."
            )
        if self.sound is not None and self.sound.ndim not in (1, 2):
            raise UsageError(
                f"sound of shape {self.sound.shape}", hint="Give (n,) or (n, channels)."
            )
        if not 8_000 <= self.sound_hz <= 192_000:
            raise UsageError(f"sound at {self.sound_hz} Hz", hint="Give 8000..192000 Hz.")


class FrameSource:
    """Frames as a stream, with what VideoSource says about a file; a context manager, single pass."""

    def __init__(self, frames: Frames, *, fps: Fraction | int | None, sound: Sound) -> None:
        """Take the first picture.

        Raises:
            UsageError: there is none, it isn't (H, W, 3) uint8, or sound is to be copied.
        """
        if sound == "copy":
            raise UsageError("samples can't be copied", hint="Choose --audio 6k to 64k, or none.")
        self.scale = Fraction(1)
        self.frames_read = self.corrupt_packets = self.copy_end_trim_samples = 0
        self.truncated, self.audio_head = False, None
        self.remarks: list[str] = []
        self._pictures: Iterator[Picture | VideoFrame] = iter(frames.pictures)
        first = next(self._pictures, None)
        if first is None:
            raise UsageError("there is no picture to encode", hint="Give at least one.")
        self._first = first
        rate_hz = Fraction(frames.rate_hz)
        self._interval_s = 1 / rate_hz
        timed = isinstance(first, VideoFrame)
        self._zero_s = first.time_s if isinstance(first, VideoFrame) else Fraction(0)
        self._shape = checked_picture(first.rgb if isinstance(first, VideoFrame) else first).shape
        self.time_base_s = FRAME_TICK_S if timed else self._interval_s
        self._thinning: Thinning[Picture]
        if fps is None:
            step, gap_s = default_thinning(rate_hz)
            self.frame_rate_hz, self._thinning = rate_hz / step, Thin(gap_s)
        else:
            self.frame_rate_hz, self._thinning = Fraction(fps), Nearest(Fraction(fps))
            self.time_base_s = 1 / self.frame_rate_hz
        counted = isinstance(frames.pictures, np.ndarray)
        self.duration_s = len(frames.pictures) * self._interval_s if counted else None  # type: ignore[arg-type]
        self._samples = None if sound == "none" else frames.sound
        self._sound_hz = frames.sound_hz
        self.has_audio = self._samples is not None
        self.info = self._described(rate_hz)

    def _described(self, rate_hz: Fraction) -> MediaInfo:
        samples = self._samples
        return MediaInfo(
            name=_NAME,
            container="",
            width=self._shape[1],
            height=self._shape[0],
            rotation=0,
            frame_rate_hz=rate_hz,
            time_base_s=self.time_base_s,
            duration_s=self.duration_s,
            video_codec="rawvideo",
            has_video=True,
            is_still=False,
            has_audio=samples is not None,
            audio_codec="" if samples is None else "pcm",
            audio_rate_hz=0 if samples is None else self._sound_hz,
            audio_channels=0 if samples is None else (*samples.shape, 1)[1],
        )

    def items(self) -> Iterator[VideoFrame | AudioBlock | AudioPacket]:
        """Pictures and sound, each in order; sound about half a second ahead."""
        blocks = self._blocks()
        block = next(blocks, None)
        for rgb, time_s in self._kept():
            self.frames_read += 1
            yield VideoFrame(rgb, time_s)
            while (
                block is not None and block.first_sample < (time_s + _SOUND_AHEAD_S) * AUDIO_RATE_HZ
            ):
                yield block
                block = next(blocks, None)
        if block is not None:
            yield block
        yield from blocks

    def _kept(self) -> Iterator[tuple[Picture, Fraction]]:
        last_s = Fraction(-1)
        for number, item in enumerate(self._all()):
            rgb = checked_picture(item.rgb if isinstance(item, VideoFrame) else item)
            if rgb.shape != self._shape:
                raise UsageError(
                    f"picture {number} has shape {rgb.shape}, the first {self._shape}",
                    hint="Scale all to one size.",
                )
            time_s = number * self._interval_s
            if isinstance(item, VideoFrame):
                time_s = round((item.time_s - self._zero_s) / FRAME_TICK_S) * FRAME_TICK_S
            if time_s <= last_s:
                raise UsageError(
                    f"picture {number} is shown at {float(time_s):g} s, not after the one before"
                )
            last_s = time_s
            yield from self._thinning.push(rgb, time_s)
        yield from self._thinning.finish(last_s + self._interval_s)

    def _all(self) -> Iterator[Picture | VideoFrame]:
        yield self._first
        yield from self._pictures

    def _blocks(self) -> Iterator[AudioBlock]:
        """The sound at 48 kHz, mono, in pieces."""
        if self._samples is None or len(self._samples) == 0:
            return
        resampler = av.AudioResampler(format="s16", layout="mono", rate=AUDIO_RATE_HZ)
        given = 0
        for at in range(0, len(self._samples) + _BLOCK_SAMPLES, _BLOCK_SAMPLES):
            piece = self._samples[at : at + _BLOCK_SAMPLES]
            frame = _audio_frame(piece, self._sound_hz) if len(piece) else None
            for out in resampler.resample(frame):
                samples = np.asarray(out.to_ndarray(), np.int16).reshape(-1, 1)
                if len(samples):
                    yield AudioBlock(samples, given)
                given += len(samples)
            if frame is None:
                return

    def close(self) -> None:
        """Nothing is open."""

    def __enter__(self) -> FrameSource:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


VideoInput: TypeAlias = VideoSource | FrameSource


def open_video(
    source: FileLike | Frames,
    *,
    fps: Fraction | int | None = None,
    sound: Sound = "none",
    **of_a_file: Any,
) -> VideoInput:
    """A file or frames in memory as a stream of pictures and sound; see VideoSource, which takes what is of a file.

    Raises:
        MediaError, UsageError: as VideoSource and FrameSource.
    """
    if isinstance(source, Frames):
        return FrameSource(source, fps=fps, sound=sound)
    return VideoSource(source, fps=fps, sound=sound, **of_a_file)


def checked_picture(rgb: Picture) -> Picture:
    """It, if it is (H, W, 3) uint8 of one pixel to what a file may have; UsageError otherwise."""
    if not isinstance(rgb, np.ndarray):
        raise UsageError(
            f"a picture that is a {type(rgb).__name__}", hint="Give (H, W, 3) uint8 arrays."
        )
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or 0 in rgb.shape:
        raise UsageError(
            f"a picture of shape {rgb.shape}, {rgb.dtype}", hint="Give (H, W, 3) uint8 RGB."
        )
    if max(rgb.shape) > MAX_SIDE_PX:
        raise UsageError(
            f"a picture of {rgb.shape[1]}x{rgb.shape[0]} pixels; at most {MAX_SIDE_PX} a side are taken",
            hint="Scale it down.",
        )
    return rgb


def _audio_frame(samples: NDArray[Any], rate_hz: int) -> av.AudioFrame:
    """(n,) or (n, channels) samples as PyAV's packed frame."""
    table = samples.reshape(len(samples), -1)
    if table.dtype != np.int16:
        table = np.rint(np.clip(table.astype(np.float64), -1, 1) * 32767).astype(np.int16)
    mono = table if table.shape[1] == 1 else np.rint(table.mean(1, keepdims=True)).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(
        np.ascontiguousarray(mono).reshape(1, -1), format="s16", layout="mono"
    )
    frame.sample_rate = rate_hz
    return frame
