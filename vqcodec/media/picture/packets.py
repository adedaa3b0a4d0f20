"""Packets of a media file's picture and sound streams, read ahead far enough to know what the file is."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from math import ceil
from typing import TypeAlias, TypeGuard

import av.error
from av.audio.stream import AudioStream
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from vqcodec.format import AUDIO_RATE_HZ
from vqcodec.media.cut.early import ends_early
from vqcodec.media.faults import media_error
from vqcodec.media.picture.behind import refused_animation, unread_remarks
from vqcodec.media.picture.extent import Extent
from vqcodec.media.picture.joins import JoinedClock
from vqcodec.media.picture.opening import OpenedFile
from vqcodec.media.picture.rates import (
    fraction,
    is_raw,
    nominal_rate,
    raw_rate,
    seconds,
    tick_s,
)
from vqcodec.media.picture.selection import Tracks, refuse_halves
from vqcodec.types import FileLike

_AHEAD_PICTURES = 48
_AHEAD_S = 5
_AHEAD_PACKETS = 2000
_MAX_DURATION_S = 10**7
_SAYS_LENGTH = {"matroska", "flv", "asf"}
_LATE_S = 1
_ONE_LENGTH = "asf"  # libav gives each of its streams the file's
LEAD_MIN_S = Fraction(1, 20)

AnyPacket: TypeAlias = "Packet[Stream]"
PicturePacket: TypeAlias = "Packet[VideoStream]"
SoundPacket: TypeAlias = "Packet[AudioStream]"


class PacketReader:
    """An open media file: what its streams are, and their packets in file order.

    It reads ahead (compressed) far enough to know the frame rate and where the sound begins. Everything that the rest of
    this package asks about the file is read here, once.

    Attributes:
        name: for messages.
        container: libav's container.
        video: its picture stream or None.
        audio: its sound stream or None.
        rate_hz: nominal frame rate; 0 without video.
        tick_s: of the pictures' timestamps; 0 without video.
        is_counted: pictures have no times of their own: they follow each other at rate_hz, one a tick.
        is_rate_guessed: nothing says what rate that is.
        pixel_aspect: width of a pixel over its height.
        is_still: there is one picture and no sound.
        clock: what puts all packets on one clock.
        remarks: sentences about other tracks that could have been read.
        refused: why the file's pictures aren't read, in words, or "".
        broken: why reading stopped early, or "".
    """

    def __init__(
        self,
        source: FileLike,
        *,
        want_audio: bool = True,
        rate_hz: Fraction | None = None,
        tracks: Tracks = (None, None),
        playlist: bool = False,
    ) -> None:
        """Open `source`; `rate_hz` overrules its timestamps, `tracks` which are read. Raises MediaError, UsageError.

        With `playlist` it may lead to further files.
        """
        self.broken = ""
        self._ahead: deque[AnyPacket] = deque()
        self._ready: deque[AnyPacket] = deque()
        self._ended = False
        self._pictures, self._all = Extent(), Extent()
        self._file = OpenedFile(source, tracks, playlist=playlist)
        self._ends_early = ends_early(source)
        self.name, self.container = self._file.name, self._file.container
        self.video, self.audio = self._file.video, self._file.audio
        self.remarks = [*self._file.remarks, *unread_remarks(source, self.name)]
        self.refused = self._file.refused or refused_animation(source)
        try:
            heard = self.audio if want_audio or self.video is None else None
            self._wanted = {s.index for s in (self.video, heard) if s is not None}
            self.clock = JoinedClock(None if heard is None else heard.index, self._latest_s)
            # all streams: how far the file goes is known only by what isn't wanted, too
            self._packets: Iterator[AnyPacket] = (
                iter(self.container.demux()) if self._wanted else iter(())
            )
            ticks = self._read_ahead(want_audio)
            if self.is_still and self.video is not None:
                refuse_halves(self.video)
            self._describe(ticks, rate_hz)
            first = self.first_audio()
            self._heard_s = None if first is None else heard_s(first)
        except BaseException:
            self.close()
            raise

    def _read_ahead(self, want_audio: bool) -> list[int]:
        """Collect packets until the frame rate and the first sound packet are known, within limits.

        Returns:
            The timestamps of the pictures among them.
        """
        ticks: list[int] = []
        pictures, heard = 0, not (want_audio and self.audio is not None and self.video is not None)
        for packet in self._demux():
            self._ahead.append(packet)
            if self.is_picture(packet):
                pictures += packet.size > 0
                if packet.pts is not None:
                    ticks.append(packet.pts)
            elif packet.pts is not None:
                heard = True
            span_s = self._span_s(ticks)
            enough = pictures >= _AHEAD_PICTURES or self.video is None
            if (enough and (heard or span_s >= _AHEAD_S)) or len(self._ahead) >= _AHEAD_PACKETS:
                break
        self.is_still = pictures == 1 and self._ended and self.audio is None
        return ticks

    def _span_s(self, ticks: list[int]) -> Fraction:
        if self.video is None or not ticks:
            return Fraction(0)
        return (max(ticks) - min(ticks)) * tick_s(self.video.time_base)

    def _describe(self, ticks: list[int], rate_hz: Fraction | None) -> None:
        """What the header and the pictures' first timestamps say about the streams."""
        self.rate_hz, self.tick_s, self.pixel_aspect = Fraction(0), Fraction(0), Fraction(1)
        self.is_counted, self.is_rate_guessed = rate_hz is not None, False
        if self.video is None:
            return
        self.tick_s = tick_s(self.video.time_base)
        self.pixel_aspect = fraction(self.video.sample_aspect_ratio) or Fraction(1)
        if self.is_still:
            return
        declared = (self.video.average_rate, self.video.guessed_rate)
        if rate_hz is None and is_raw(self.video.time_base):
            rate_hz, self.is_rate_guessed = raw_rate(self.video)
            self.is_counted = True
        if rate_hz is None:
            self.rate_hz = nominal_rate(declared, ticks, self.video.time_base)
        else:
            self.rate_hz, self.tick_s = rate_hz, 1 / rate_hz

    @property
    def duration_s(self) -> Fraction | None:
        """Declared length of the video (of the sound without video), None if unknown; of fragments, those read so far."""
        own_s = self._own_duration_s
        if own_s is None and self.container.duration is not None:
            own_s = Fraction(self.container.duration, 1_000_000)
        return plausible_duration(own_s)

    @property
    def _own_duration_s(self) -> Fraction | None:
        """What the stream itself says, as MP4's do; Matroska, FLV and ASF know the whole file's length only."""
        stream = self.video or self.audio
        if stream is None or self.container.format.name == _ONE_LENGTH:
            return None
        return seconds(stream.duration, stream.time_base)

    @property
    def latest_tick(self) -> int | None:
        """The last time that a picture can have, by what the file says of its length; None where it doesn't, or was joined.

        MP4 and others don't say it: their length is made of the times themselves.
        """
        latest_s = self._latest_s
        if latest_s is None or self.clock.joins or self.is_counted:
            return None
        return int(latest_s / self.tick_s)

    @property
    def _latest_s(self) -> Fraction | None:
        declared, start = self.container.duration, self.container.start_time or 0
        if declared is None:
            return None
        if not set(self.container.format.name.split(",")) & _SAYS_LENGTH:
            return None
        return Fraction(max(start, 0) + declared, 1_000_000) + _LATE_S

    def lead_s(self, picture_s: Fraction) -> Fraction:
        """How long before the first picture, at `picture_s`, the sound begins to be heard; 0 where it doesn't.

        A whole number of the pictures' ticks. Less than LEAD_MIN_S is a coder's priming, which not all containers tell.
        """
        lead_s = Fraction(0) if self._heard_s is None else picture_s - self._heard_s
        return ceil(lead_s / self.tick_s) * self.tick_s if lead_s > LEAD_MIN_S else Fraction(0)

    def _demux(self) -> Iterator[AnyPacket]:
        """Wanted packets on one clock (a stream's last is empty, to flush the decoder)."""
        while True:
            while self._ready:
                yield self._ready.popleft()
            if self._ended:
                return
            packet = self._read()
            if packet is None:
                self._ended = True
                self._ready.extend(self.clock.flush())
            elif packet.stream.index in self._wanted:
                self._ready.extend(self.clock.push(packet))

    def _read(self) -> AnyPacket | None:
        """The next packet from libav, None at the end; a read error is one, and sets `broken`."""
        try:
            packet = next(self._packets, None)
        except (av.error.FFmpegError, OSError, EOFError) as error:
            packet = None
            self.broken = str(media_error(error, self.name, "read"))
        self._file.check()
        if packet is not None:
            self._note(packet)
        return packet

    def _note(self, packet: AnyPacket) -> None:
        """How far the streams go."""
        self._all.add(packet)
        if self.is_picture(packet):
            self._pictures.add(packet)

    def packets(self) -> Iterator[AnyPacket]:
        """All packets, those read ahead first."""
        while self._ahead:
            yield self._ahead.popleft()
        yield from self._demux()

    def is_picture(self, packet: AnyPacket) -> TypeGuard[PicturePacket]:
        """Whether a packet is of the picture stream."""
        return self.video is not None and packet.stream.index == self.video.index

    def is_sound(self, packet: AnyPacket) -> TypeGuard[SoundPacket]:
        """Whether a packet is of the sound stream."""
        return self.audio is not None and packet.stream.index == self.audio.index

    @property
    def breaks_off(self) -> bool:
        """Once all packets are read: whether reading failed, or the streams end long before their declared length."""
        own_s = self._own_duration_s
        extent = self._all if own_s is None or self.video is None else self._pictures
        declared_s = self.duration_s
        short = declared_s is not None and extent.falls_short(declared_s)
        return bool(self.broken) or self._ends_early or short

    def first_audio(self) -> SoundPacket | None:
        """The first sound packet that was read ahead, or None."""
        return next(
            (packet for packet in self._ahead if self.is_sound(packet) and packet.pts is not None),
            None,
        )

    def close(self) -> None:
        """Close the file; one that was given as an object stays open."""
        self._ahead.clear()
        self._ready.clear()
        self._packets = iter(())
        self._file.close()


def heard_s(packet: SoundPacket) -> Fraction | None:
    """When the first sample of a packet that is meant to be heard is played, in the file's time."""
    at_s = seconds(packet.pts, packet.stream.time_base)
    if at_s is None or not packet.has_sidedata("skip_samples"):
        return at_s
    skipped = int.from_bytes(bytes(packet.get_sidedata("skip_samples"))[:4], "little")
    return at_s + Fraction(skipped, packet.stream.codec_context.sample_rate or AUDIO_RATE_HZ)


def plausible_duration(length_s: Fraction | None) -> Fraction | None:
    """A declared length, None where it is missing or nonsense."""
    return length_s if length_s is not None and 0 < length_s < _MAX_DURATION_S else None
