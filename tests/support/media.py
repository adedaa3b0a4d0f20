"""Small media files for the media tests, made with PyAV alone: what the code under test reads is not what it wrote."""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

HZ = 48000


def level(index: int) -> int:
    """Grey of frame `index`: neighbours differ by much, so that a frame can be recognised."""
    return 20 + (index * 37) % 200


def picture(index: int, width: int = 64, height: int = 48) -> np.ndarray:
    return np.full((height, width, 3), level(index), np.uint8)


def times_at(rate: Fraction | int, count: int) -> list[Fraction]:
    return [Fraction(index) / rate for index in range(count)]


def clicks(seconds: float, rate: int = HZ, seed: int = 3, channels: int = 1) -> np.ndarray:
    """(n, channels) int16: short chirps at irregular places, which correlate with themselves at lag 0 only."""
    rng = np.random.default_rng(seed)
    out = np.zeros(int(seconds * rate), np.float64)
    length = rate // 100
    chirp = (
        18000
        * np.hanning(length)
        * np.sin(2 * np.pi * np.cumsum(np.linspace(300, 1500, length)) / rate)
    )
    at = int(rate * 0.05)
    while at + length < len(out):
        out[at : at + length] = chirp
        at += int(rng.integers(rate // 16, rate // 4))
    return np.repeat(out.astype(np.int16)[:, None], channels, axis=1)


def lag(got: np.ndarray, wanted: np.ndarray) -> int:
    """By how many samples `got` is late."""
    size = 1 << (len(got) + len(wanted)).bit_length()
    spectrum = np.fft.rfft(got.astype(float), size) * np.conj(
        np.fft.rfft(wanted.astype(float), size)
    )
    best = int(np.fft.irfft(spectrum, size).argmax())
    return best if best < size // 2 else best - size


def make_clip(
    target: Any,
    times: Sequence[Fraction],
    *,
    size: tuple[int, int] = (64, 48),
    base: Fraction | None = None,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    rate: Fraction | int = 25,
    sound: np.ndarray | None = None,
    sound_hz: int = HZ,
    sound_start_s: Fraction = Fraction(0),
    sound_codec: str = "aac",
    form: str | None = None,
    options: dict[str, str] | None = None,
    aspect: Fraction | None = None,
    holes: Sequence[tuple[float, float]] = (),
    video_options: dict[str, str] | None = None,
) -> Any:
    """Write a clip whose frame i is grey `level(i)`; `holes` are stretches of sound left out (seconds)."""
    base = base or Fraction(1, 90000)
    with av.open(
        target if hasattr(target, "write") else str(target), "w", format=form, options=options or {}
    ) as container:
        video: Any = container.add_stream(codec, rate=Fraction(rate))
        video.width, video.height, video.pix_fmt = *size, pix_fmt
        video.codec_context.time_base = base
        if codec == "libx264":
            video.options = {"crf": "8", "preset": "ultrafast"}
        video.options = {**video.options, **(video_options or {})}
        if aspect is not None:
            video.codec_context.sample_aspect_ratio = aspect
        audio: Any = None
        if sound is not None:
            audio = container.add_stream(sound_codec, rate=sound_hz)
            audio.codec_context.layout = {1: "mono", 2: "stereo"}[sound.shape[1]]
            audio.codec_context.bit_rate = 96000
        for index, time_s in enumerate(times):
            frame = av.VideoFrame.from_ndarray(picture(index, *size), format="rgb24").reformat(
                format=pix_fmt
            )
            frame.pts, frame.time_base = int(time_s / base), base
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None:
            _write_sound(container, audio, sound, sound_hz, sound_start_s, holes)
    return target


def _write_sound(
    container: Any, audio: Any, sound: Any, hz: int, start_s: Fraction, holes: Any
) -> None:
    """Encode everything and leave out the packets that lie in holes."""
    step = 960 if "opus" in audio.codec_context.name else 1024
    for begin in range(0, len(sound), step):
        part = np.ascontiguousarray(sound[begin : begin + step]).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(
            part, format="s16", layout=audio.codec_context.layout.name
        )
        frame.sample_rate, frame.time_base = hz, Fraction(1, hz)
        frame.pts = begin + round(start_s * hz)
        _mux_outside(container, audio.encode(frame), holes)
    _mux_outside(container, audio.encode(None), holes)


def _mux_outside(container: Any, packets: Any, holes: Any) -> None:
    for packet in packets:
        at = packet.pts * float(packet.time_base.numerator) / packet.time_base.denominator
        if not any(begin <= at < end for begin, end in holes):
            container.mux(packet)


class Pipe(io.RawIOBase):
    """Bytes that can be read once, in small pieces, as from a pipe."""

    def __init__(self, data: bytes) -> None:
        self._rest = memoryview(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = min(len(buffer), 1000, len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def set_matrix(path: Path, matrix: Sequence[int]) -> None:
    """Write a display matrix (a b c d) into the first track header of an MP4 (ISO 14496-12 section 8.3.2)."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    a, b, c, d = matrix
    data[at : at + 36] = b"".join(
        int(v).to_bytes(4, "big", signed=True)
        for v in (a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    )
    path.write_bytes(data)
