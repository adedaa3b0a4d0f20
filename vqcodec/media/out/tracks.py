"""The sound track of a file that is being written: encoded from samples, or made of Opus packets as they are."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Protocol, cast

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from numpy.typing import NDArray

from vqcodec.errors import UsageError
from vqcodec.format import AUDIO_RATE_HZ
from vqcodec.media.out.video_track import MuxedPacket
from vqcodec.media.sound.opus_bytes import opus_head_bytes, packet_samples
from vqcodec.types import AudioHead

_LAYOUTS = {1: "mono", 2: "stereo"}


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
