"""Opus packets from samples and back, exact to the sample (RFC 6716, RFC 7845)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import av
import av.error
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from numpy.typing import NDArray

from vqcodec.errors import BitstreamError, UnsupportedError, UsageError
from vqcodec.format import AUDIO_RATE_HZ
from vqcodec.media.faults import media_faults
from vqcodec.media.sound.opus_bytes import opus_head, opus_head_bytes, packet_samples
from vqcodec.types import AudioHead

__all__ = ["MAX_BITRATE_BPS", "MIN_BITRATE_BPS", "AudioDecoder", "AudioEncoder", "packet_samples"]

MIN_BITRATE_BPS, MAX_BITRATE_BPS = 6000, 510000
_LAYOUTS = {1: "mono", 2: "stereo"}


class AudioEncoder:
    """int16 samples at 48 kHz -> Opus packets of one fixed length.

        encoder = AudioEncoder(12000)
        packets = encoder.encode(block.samples)         # list[bytes], maybe empty
        packets += encoder.flush()                      # the last ones; then encoder.end_trim_samples

    60 ms packets are the default: at 12 kbit/s three times fewer headers, and lip sync doesn't depend on packet length.

    Attributes:
        head: AudioHead with pre_skip_samples and the OpusHead; known from the start.
        packet_samples: decoded samples per packet (2880 for 60 ms); packet k starts at k * packet_samples, pre-skip
            included.
        end_trim_samples: after flush(): samples of the last packet to drop (less than packet_samples).
    """

    head: AudioHead
    packet_samples: int
    end_trim_samples: int

    def __init__(self, bitrate_bps: int, *, channels: int = 1, frame_ms: int = 60) -> None:
        """Raises UsageError: bitrate not in 6000..510000, channels not 1 or 2, frame_ms not 10, 20, 40 or 60."""
        if not MIN_BITRATE_BPS <= bitrate_bps <= MAX_BITRATE_BPS:
            raise UsageError(
                f"audio bit rate of {bitrate_bps} bit/s",
                hint="Opus takes 6k to 510k; 12k suits speech",
            )
        if channels not in _LAYOUTS:
            raise UsageError(f"{channels} audio channels", hint="use 1 or 2")
        if frame_ms not in (10, 20, 40, 60):
            raise UsageError(f"Opus packets of {frame_ms} ms", hint="use 10, 20, 40 or 60")
        self._channels = channels
        self._codec = self._open(bitrate_bps, frame_ms)
        _, pre_skip = opus_head(bytes(self._codec.extradata or b""))
        self.head = AudioHead(
            AUDIO_RATE_HZ, channels, pre_skip, opus_head_bytes(channels, pre_skip)
        )
        self.packet_samples = AUDIO_RATE_HZ * frame_ms // 1000
        self.end_trim_samples = 0
        self._pending = np.zeros((0, channels), np.int16)
        self._taken = self._coded = 0
        self._flushed = False

    def _open(self, bitrate_bps: int, frame_ms: int) -> AudioCodecContext:
        with media_faults("Opus sound", "encode"):
            codec = av.CodecContext.create("libopus", "w")
            codec.sample_rate, codec.format, codec.layout = (
                AUDIO_RATE_HZ,
                "s16",
                _LAYOUTS[self._channels],
            )
            codec.bit_rate, codec.time_base = bitrate_bps, Fraction(1, AUDIO_RATE_HZ)
            codec.options = {"application": "voip", "vbr": "on", "frame_duration": str(frame_ms)}
            codec.open()
        return codec

    def encode(self, samples: NDArray[np.int16]) -> list[bytes]:
        """Take (n, channels) or, for mono, (n,) samples of any n; give the packets that are complete."""
        if self._flushed:
            raise UsageError("encode() after flush()", hint="make a new AudioEncoder")
        block = np.asarray(samples)
        if block.dtype != np.int16 or block.size % self._channels or block.ndim not in (1, 2):
            raise UsageError(
                f"samples of shape {block.shape}, {block.dtype}", hint="give (n, channels) int16"
            )
        block = block.reshape(-1, self._channels)
        self._taken += len(block)
        self._pending = (
            np.concatenate([self._pending, block]) if len(self._pending) else block.copy()
        )
        whole = len(self._pending) // self.packet_samples * self.packet_samples
        ready, self._pending = self._pending[:whole], self._pending[whole:]
        return self._code(ready)

    def flush(self) -> list[bytes]:
        """Give the last packets. Decoding all packets, less pre-skip and end trim, gives exactly the samples put in.

        Without any sample put in, there is no packet.
        """
        if self._flushed or not self._taken:
            self._flushed = True
            return []
        self._flushed = True
        total = self._taken + self.head.pre_skip_samples
        packets = -(-total // self.packet_samples)
        missing = packets * self.packet_samples - self._taken
        self.end_trim_samples = packets * self.packet_samples - total
        # libopus gives one packet for each frame at once, so libav's own flush, which adds padding, isn't wanted.
        tail = np.concatenate([self._pending, np.zeros((missing, self._channels), np.int16)])
        return self._code(tail)

    def _code(self, samples: NDArray[np.int16]) -> list[bytes]:
        packets: list[bytes] = []
        for start in range(0, len(samples), self.packet_samples):
            part = np.ascontiguousarray(samples[start : start + self.packet_samples]).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(part, format="s16", layout=_LAYOUTS[self._channels])
            frame.sample_rate, frame.time_base = AUDIO_RATE_HZ, Fraction(1, AUDIO_RATE_HZ)
            frame.pts = self._coded
            self._coded += self.packet_samples
            with media_faults("Opus sound", "encode"):
                packets += [bytes(packet) for packet in self._codec.encode(frame)]
        return packets


class AudioDecoder:
    """Opus packets -> int16 samples at 48 kHz, pre-skip and end trim applied.

        decoder = AudioDecoder(head)
        samples = decoder.decode(group.packets, group.end_trim_samples)

    To begin in the middle, give the `first_sample` of the first packet that will be fed: begin 80 ms (RFC 7845 section
    4.6) before the sample that is wanted, and drop what comes before it.

    Attributes:
        position: place of the next sample that decode() will give; 0 is at the first video frame.
    """

    position: int

    def __init__(self, head: AudioHead, *, first_sample: int = 0) -> None:
        """Raises UnsupportedError: not 48 kHz mono or stereo."""
        if head.sample_rate_hz != AUDIO_RATE_HZ or head.channels not in _LAYOUTS:
            raise UnsupportedError(
                f"sound of {head.channels} channels at {head.sample_rate_hz} Hz",
                hint="this version plays Opus, mono or stereo, 48 kHz",
            )
        self._channels = head.channels
        self._skip = max(0, head.pre_skip_samples - first_sample)
        self.position = max(0, first_sample - head.pre_skip_samples)
        with media_faults("Opus sound", "decode"):
            self._codec = av.CodecContext.create("libopus", "r")
            # Pre-skip is ours to apply: libav versions differ in whether a bare decoder does it.
            self._codec.extradata = opus_head_bytes(head.channels, 0)
            self._codec.sample_rate, self._codec.layout = AUDIO_RATE_HZ, _LAYOUTS[head.channels]
            self._codec.open()

    def decode(self, packets: Sequence[bytes], end_trim_samples: int = 0) -> NDArray[np.int16]:
        """Decode packets in order to (n, channels) int16; n may be 0 while pre-skip is dropped.

        Args:
            packets: Opus packets that follow those of the last call.
            end_trim_samples: samples to drop at the end of these packets.

        Raises:
            BitstreamError: code "bad-audio", a packet that isn't Opus.
        """
        parts = [self._packet(packet) for packet in packets]
        samples = np.concatenate(parts) if parts else np.zeros((0, self._channels), np.int16)
        skipped = min(self._skip, len(samples))
        self._skip -= skipped
        samples = samples[skipped : max(skipped, len(samples) - end_trim_samples)]
        self.position += len(samples)
        return samples

    def _packet(self, packet: bytes) -> NDArray[np.int16]:
        expected = packet_samples(packet)
        try:
            frames = self._codec.decode(av.Packet(packet))
        except (av.error.FFmpegError, ValueError) as error:
            raise BitstreamError("an Opus packet can't be decoded", code="bad-audio") from error
        parts = [_int16(frame, self._channels) for frame in frames]
        samples = np.concatenate(parts) if parts else np.zeros((0, self._channels), np.int16)
        if len(samples) != expected:
            raise BitstreamError(
                f"an Opus packet gave {len(samples)} samples instead of {expected}",
                code="bad-audio",
            )
        return samples


def _int16(frame: av.AudioFrame, channels: int) -> NDArray[np.int16]:
    samples = np.asarray(frame.to_ndarray())
    if frame.format.is_planar:
        samples = samples.T
    samples = samples.reshape(-1, channels)
    if samples.dtype.kind == "f":
        samples = np.clip(np.rint(samples * 32768), -32768, 32767)
    return samples.astype(np.int16, copy=False)
