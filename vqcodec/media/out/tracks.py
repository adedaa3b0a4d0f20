"""The streams of a file that is being written: one picture track, at most one sound track."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Protocol, TypeAlias, cast

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream
from numpy.typing import NDArray

from vqcodec.errors import UsageError
from vqcodec.format import AUDIO_RATE_HZ
from vqcodec.media.picture.colour import YuvConverter
from vqcodec.media.sound.opus_bytes import opus_head_bytes, packet_samples
from vqcodec.types import AudioHead

_LAYOUTS = {1: "mono", 2: "stereo"}
_BT709 = 1  # H.273: primaries, transfer and matrix alike
_KEY_INTERVAL_S = 2
_MAX_TICKS_PER_S = 1 << 31
_VP9_MORE_CRF = 13  # VP9's crf runs to 63; 18 of x264 looks like 31 there


MuxedPacket: TypeAlias = "Packet[Stream]"


class VideoTrack:
    """RGB pictures -> H.264 (or VP9) packets with exact times."""

    def __init__(
        self,
        container: OutputContainer,
        codec: str,
        size: tuple[int, int],
        rate_hz: Fraction,
        tick_s: Fraction,
        crf: int,
        preset: str,
        threads: int,
    ) -> None:
        """`size` is of the pictures given; odd sizes grow by a repeated line."""
        self._size = size
        self._converter = YuvConverter()
        self._last = -1
        # Muxers take 1/n as time base; k * 1001/30000 s is a whole number of 1/30000 s.
        self._ticks_per_s = tick_s.denominator
        if self._ticks_per_s >= _MAX_TICKS_PER_S:
            raise UsageError(
                f"a time base of {tick_s} s", hint="use one with a denominator below 2^31"
            )
        self._stream = cast(VideoStream, container.add_stream(codec, rate=rate_hz))
        stream, context = self._stream, self._stream.codec_context
        stream.width, stream.height = (side + side % 2 for side in size)
        stream.pix_fmt = "yuv420p"
        stream.time_base = context.time_base = Fraction(1, self._ticks_per_s)
        context.gop_size = max(1, round(_KEY_INTERVAL_S * rate_hz))
        context.color_primaries = context.color_trc = context.colorspace = _BT709
        context.color_range = ColorRange.MPEG
        context.thread_type, context.thread_count = "FRAME", threads
        if codec == "libx264":
            stream.options = {"preset": preset, "crf": str(crf)}
        else:
            context.bit_rate = 0
            stream.options = {
                "deadline": "realtime",
                "cpu-used": "8",
                "row-mt": "1",
                "crf": str(min(63, crf + _VP9_MORE_CRF)),
            }

    def encode(self, rgb: NDArray[np.uint8], time_s: Fraction) -> list[MuxedPacket]:
        """Packets that are ready. Raises UsageError for a wrong size or time."""
        if rgb.dtype != np.uint8 or rgb.shape != (self._size[1], self._size[0], 3):
            raise UsageError(
                f"a picture of shape {rgb.shape}, {rgb.dtype}",
                hint=f"this file takes ({self._size[1]}, {self._size[0]}, 3) uint8",
            )
        ticks = Fraction(time_s) * self._ticks_per_s
        if ticks.denominator != 1 or ticks <= self._last:
            raise UsageError(
                f"a picture at {time_s} s after one at {Fraction(self._last, self._ticks_per_s)} s",
                hint=f"times are multiples of 1/{self._ticks_per_s} s and increase from 0",
            )
        self._last = int(ticks)
        if self._size[0] % 2 or self._size[1] % 2:
            rgb = np.pad(rgb, ((0, self._size[1] % 2), (0, self._size[0] % 2), (0, 0)), mode="edge")
        frame = self._converter.yuv(rgb)
        frame.pts, frame.time_base = self._last, Fraction(1, self._ticks_per_s)
        return list(self._stream.encode(frame))

    def flush(self) -> list[MuxedPacket]:
        """The packets that were held back."""
        return list(self._stream.encode(None)) if self._last >= 0 else []

    @property
    def empty(self) -> bool:
        """No picture was added."""
        return self._last < 0


class SoundTrack(Protocol):
    """Sound of a file that is being written."""

    def samples(self, samples: NDArray[np.int16]) -> list[MuxedPacket]:
        """Take PCM."""

    def packets(self, packets: Sequence[bytes], end_trim_samples: int) -> list[MuxedPacket]:
        """Take Opus packets."""

    def flush(self) -> list[MuxedPacket]:
        """The packets that were held back."""


class PcmTrack:
    """int16 samples at 48 kHz -> AAC or Opus packets."""

    def __init__(
        self, container: OutputContainer, codec: str, channels: int, bit_rate: int
    ) -> None:
        """`codec` is "aac" or "libopus"."""
        self._channels = channels
        self._stream = cast(AudioStream, container.add_stream(codec, rate=AUDIO_RATE_HZ))
        context = self._stream.codec_context
        context.layout, context.format = _LAYOUTS[channels], "fltp" if codec == "aac" else "s16"
        context.bit_rate, context.time_base = bit_rate, Fraction(1, AUDIO_RATE_HZ)
        self._taken = 0

    def samples(self, samples: NDArray[np.int16]) -> list[MuxedPacket]:
        """Take (n, channels) or (n,) samples."""
        block = np.asarray(samples)
        if block.dtype != np.int16 or block.ndim not in (1, 2) or block.size % self._channels:
            raise UsageError(
                f"samples of shape {block.shape}, {block.dtype}",
                hint=f"this file takes (n, {self._channels}) int16",
            )
        if not block.size:
            return []
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(block).reshape(1, -1),
            format="s16",
            layout=_LAYOUTS[self._channels],
        )
        frame.sample_rate, frame.time_base, frame.pts = (
            AUDIO_RATE_HZ,
            Fraction(1, AUDIO_RATE_HZ),
            self._taken,
        )
        self._taken += frame.samples
        return list(self._stream.encode(frame))

    def packets(self, packets: Sequence[bytes], end_trim_samples: int) -> list[MuxedPacket]:
        """Not for this track."""
        raise UsageError(
            "write_packets() of a file opened for samples", hint="open it with opus=head"
        )

    def flush(self) -> list[MuxedPacket]:
        """The packets that were held back."""
        return list(self._stream.encode(None)) if self._taken else []


class OpusTrack:
    """Opus packets, unchanged."""

    def __init__(self, container: OutputContainer, head: AudioHead) -> None:
        """`head` tells channels and pre-skip."""
        stream = container.add_stream("libopus", rate=AUDIO_RATE_HZ)
        context = stream.codec_context
        context.layout, context.format, context.time_base = (
            _LAYOUTS[head.channels],
            "s16",
            Fraction(1, AUDIO_RATE_HZ),
        )
        # libav takes the stream's parameters from an encoder; this one never encodes, and lends its OpusHead's place.
        context.open()
        context.extradata = head.extradata or opus_head_bytes(head.channels, head.pre_skip_samples)
        self._stream = stream
        self._at = -head.pre_skip_samples

    def samples(self, samples: NDArray[np.int16]) -> list[MuxedPacket]:
        """Not for this track."""
        raise UsageError(
            "write_audio() of a file opened for Opus packets", hint="open it with channels=1"
        )

    def packets(self, packets: Sequence[bytes], end_trim_samples: int) -> list[MuxedPacket]:
        """Take packets in order."""
        given = []
        for index, data in enumerate(packets):
            packet = av.Packet(data)
            length = packet_samples(data)
            packet.stream, packet.time_base = self._stream, Fraction(1, AUDIO_RATE_HZ)
            packet.pts = packet.dts = self._at
            packet.duration = length - (end_trim_samples if index == len(packets) - 1 else 0)
            packet.is_keyframe = True
            self._at += length
            given.append(packet)
        return given

    def flush(self) -> list[MuxedPacket]:
        """Nothing is held back."""
        return []
