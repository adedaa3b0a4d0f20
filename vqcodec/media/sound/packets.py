"""The sound half of a VideoSource: packets in, decoded blocks or copied packets out."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Protocol

import av.error
from av.audio.stream import AudioStream

from vqcodec.errors import BitstreamError, UsageError
from vqcodec.format import AUDIO_RATE_HZ
from vqcodec.media.items import AudioBlock, AudioPacket
from vqcodec.media.picture.packets import PacketReader, SoundPacket
from vqcodec.media.picture.rates import seconds, tick_s
from vqcodec.media.picture.selection import is_sound_rate
from vqcodec.media.sound.clock import ClockedSound
from vqcodec.media.sound.mixing import TOLD_CORRELATION
from vqcodec.media.sound.opus_bytes import packet_samples
from vqcodec.media.sound.opus_copy import OpusCopier
from vqcodec.types import AudioHead

_SILENT_PEAK = 4
"""Of 32767: what dither and coders leave of digital silence."""
_TOLD_SAMPLES = AUDIO_RATE_HZ // 2
"""A shorter sound may well be what comes before the first word."""


class Listener(Protocol):
    """What a VideoSource does with its sound packets."""

    @property
    def head(self) -> AudioHead | None:
        """Of copied packets; None when decoding."""

    @property
    def corrupt_packets(self) -> int:
        """Packets that could not be decoded."""

    @property
    def end_trim_samples(self) -> int:
        """Of the last copied packet."""

    def remarks(self, name: str) -> list[str]:
        """At the end: sentences that a person should read about the sound of a file of that name."""

    def begin(self, zero_s: Fraction) -> None:
        """Time zero is known, in the file's time."""

    def hear(self, packet: SoundPacket) -> Iterator[AudioBlock | AudioPacket]:
        """Take a PyAV packet."""

    def finish(self) -> Iterator[AudioBlock | AudioPacket]:
        """The file ended."""


def make_listener(reader: PacketReader, sound: str, channels: int) -> Listener | None:
    """The listener for "decode" or "copy"; None for "none" or a file without sound.

    Raises:
        UsageError: "copy" of sound that isn't Opus.
    """
    if sound == "none" or reader.audio is None:
        return None
    return Decoding(channels) if sound == "decode" else Copying(reader, reader.audio)


class Decoding:
    """Decodes packets to blocks of 48 kHz int16."""

    head = None
    end_trim_samples = 0

    def __init__(self, channels: int) -> None:
        self.corrupt_packets = 0
        self._track = ClockedSound(channels)
        self._zero_s: Fraction | None = Fraction(0)

    def begin(self, zero_s: Fraction | None) -> None:
        """Time zero, in the file's time; None: where the sound itself begins."""
        self._zero_s = zero_s

    def hear(self, packet: SoundPacket) -> Iterator[AudioBlock]:
        """Decode one packet; a damaged one becomes a hole, which the timestamps fill with silence."""
        try:
            frames = list(packet.decode())
        except av.error.EOFError:
            return
        except (av.error.FFmpegError, ValueError):
            self.corrupt_packets += 1
            return
        for frame in frames:
            if not is_sound_rate(frame.sample_rate):
                self.corrupt_packets += 1
                continue
            at_s = seconds(frame.pts, frame.time_base or packet.stream.time_base)
            if at_s is not None:
                self._zero_s = at_s if self._zero_s is None else self._zero_s
                at_s -= self._zero_s
                # Timestamps in milliseconds (Matroska) can't say "together with the first picture" better than this.
                if self._track.position == 0 and abs(at_s) <= tick_s(packet.stream.time_base):
                    at_s = Fraction(0)
            yield from self._track.push(frame, at_s)

    def finish(self) -> Iterator[AudioBlock]:
        """What is left in the resampler."""
        return self._track.finish()

    def remarks(self, name: str) -> list[str]:
        """About sound that is silent, can't be decoded, or whose channels cancel each other."""
        track, told = self._track, []
        if not track.position and self.corrupt_packets:
            told.append(f"the sound of {name} can't be decoded: the result is silent")
        elif track.peak <= _SILENT_PEAK and track.position >= _TOLD_SAMPLES:
            told.append(f"the sound of {name} is silent all along")
        if track.mixer.correlation < TOLD_CORRELATION or track.mixer.turned:
            turned = ": the right one was turned over" if track.mixer.turned else ""
            told.append(f"left and right channel of {name} are in opposite phase{turned}")
        return told


class Copying:
    """Copies Opus packets."""

    def __init__(self, reader: PacketReader, stream: AudioStream) -> None:
        codec = stream.codec_context
        name = str(getattr(codec.codec, "canonical_name", "") or codec.name)
        if "opus" not in name:
            raise UsageError(
                f"the sound of {reader.name} is {name}, which can't be copied: only Opus can",
                hint="let it be coded anew, for example --audio 12k",
            )
        self.corrupt_packets = 0
        self.head: AudioHead | None = None
        self._copier = OpusCopier(codec.extradata, reader.name)
        self._first = reader.first_audio()
        self._zero_s = Fraction(0)

    @property
    def end_trim_samples(self) -> int:
        """Of the last packet."""
        return self._copier.end_trim_samples

    def begin(self, zero_s: Fraction) -> None:
        """Time zero, in the file's time; fixes the head."""
        self._zero_s = zero_s
        first = self._first
        if first is None:
            self._copier.begin(None, None, Fraction(0))
        else:
            self._copier.begin(bytes(first), self._at(first), tick_s(first.stream.time_base))
        self.head, self._first = self._copier.head, None

    def hear(self, packet: SoundPacket) -> Iterator[AudioPacket]:
        """Copy one packet."""
        data = bytes(packet)
        if data:
            yield from self._copier.push(data, self._at(packet), _end_trim(packet, data))

    def finish(self) -> Iterator[AudioPacket]:
        """Nothing is held back."""
        return iter(())

    def remarks(self, name: str) -> list[str]:
        """Nothing is known of what isn't decoded."""
        return []

    def _at(self, packet: SoundPacket) -> Fraction | None:
        at_s = seconds(packet.pts, packet.stream.time_base)
        return None if at_s is None else at_s - self._zero_s


def _end_trim(packet: SoundPacket, data: bytes) -> int:
    """Samples of a packet that aren't heard: by its side data (Matroska, Ogg) or a shorter duration (MP4)."""
    if packet.has_sidedata("skip_samples"):
        side = bytes(packet.get_sidedata("skip_samples"))
        if len(side) >= 8:
            return int.from_bytes(side[4:8], "little")
    length_s = seconds(packet.duration or None, packet.stream.time_base)
    try:
        spare = packet_samples(data) - round((length_s or 0) * AUDIO_RATE_HZ)
    except BitstreamError:
        return 0
    # A millisecond is what Matroska's rounding makes; packets without a duration tell nothing.
    return spare if length_s and spare > 48 else 0
