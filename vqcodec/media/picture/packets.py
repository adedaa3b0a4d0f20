"""Packets of a media file's picture and sound streams: opening, choosing streams, reading ahead."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error

from vqcodec.errors import MediaError, UsageError
from vqcodec.media.faults import media_error, media_faults
from vqcodec.media.picture.colour import MAX_SIDE_PX
from vqcodec.media.picture.rates import nominal_rate, seconds, tick_s
from vqcodec.media.pipes import GuardedReader, standard_input
from vqcodec.types import FileLike

_AHEAD_PICTURES = 48
_AHEAD_S = 5
_AHEAD_PACKETS = 2000
_MAX_THREADS = 8
_DEFAULT, _ATTACHED_PICTURE = 1, 0x400  # AV_DISPOSITION_*; the latter is the cover of a sound file


class PacketReader:
    """An open media file: its first real video stream, its best sound stream, and their packets in file order.

    It reads ahead (compressed) far enough to know the frame rate and where the sound begins.

    Attributes:
        name: for messages.
        container: the PyAV container.
        video: PyAV stream or None.
        audio: PyAV stream or None.
        rate_hz: nominal frame rate; 0 without video.
        is_still: there is one picture and no sound.
        broken: why reading stopped early, or "".
    """

    def __init__(self, source: FileLike, *, want_audio: bool = True) -> None:
        """Open `source`. Raises MediaError."""
        self.broken = ""
        self._ahead: deque[Any] = deque()
        self._ended = False
        self._guard: GuardedReader | None = None
        file = self._file(source)
        try:
            self.container = self._open(file)
            self.video = self._choose_video()
            self.audio = self._choose_audio()
            wanted = [
                stream
                for stream in (self.video, self.audio if want_audio or self.video is None else None)
                if stream is not None
            ]
            self._packets = iter(self.container.demux(wanted)) if wanted else iter(())
            self._read_ahead(want_audio)
        except BaseException:
            self.close()
            raise

    def _file(self, source: FileLike) -> Any:
        if isinstance(source, str) and source == "-":
            self.name = "<stdin>"
            self._guard = GuardedReader(standard_input())
        elif isinstance(source, str | os.PathLike):
            self.name = os.fspath(source)
            with media_faults(self.name, "open"):
                if Path(source).is_dir():
                    raise IsADirectoryError(21, "it is a folder")
                if Path(source).stat().st_size == 0 and Path(source).is_file():
                    raise MediaError(
                        f"cannot open {self.name}: the file is empty",
                        hint="record or download it again",
                    )
            # The prefix keeps a name like "concat:x" or "http://..." from being taken as a protocol.
            return "file:" + self.name
        elif hasattr(source, "read"):
            self.name = str(getattr(source, "name", "<stream>"))
            with media_faults(self.name, "read"):
                self._guard = GuardedReader(source)
        else:
            raise UsageError(
                f"not a file: {source!r}", hint="give a path, '-' or a binary file object"
            )
        return self._guard

    def _open(self, file: Any) -> Any:
        # A playlist must not make us read other files or the network; "%d" in a name isn't a sequence of pictures.
        limits = {
            "protocol_whitelist": "file" if isinstance(file, str) else "none",
            "pattern_type": "none",
        }
        try:
            with media_faults(self.name, "open"):
                return av.open(file, mode="r", container_options=limits, metadata_errors="replace")
        except MediaError:
            if self._guard is not None:
                self._guard.check()
            raise

    def _choose_video(self) -> Any:
        for stream in self.container.streams.video:
            if _flags(stream) & _ATTACHED_PICTURE or stream.codec_context is None:
                continue
            if not (0 < stream.width <= MAX_SIDE_PX and 0 < stream.height <= MAX_SIDE_PX):
                continue
            stream.thread_type = "AUTO"
            stream.codec_context.thread_count = min(_MAX_THREADS, os.cpu_count() or 1)
            return stream
        return None

    def _choose_audio(self) -> Any:
        usable = [
            stream for stream in self.container.streams.audio if stream.codec_context is not None
        ]
        flagged = [stream for stream in usable if _flags(stream) & _DEFAULT]
        return next(iter(flagged or usable), None)

    def _read_ahead(self, want_audio: bool) -> None:
        """Collect packets until the frame rate and the first sound packet are known, within limits."""
        ticks: list[int] = []
        pictures, heard = 0, not (want_audio and self.audio is not None and self.video is not None)
        for packet in self._demux():
            self._ahead.append(packet)
            if self.video is not None and packet.stream.index == self.video.index:
                pictures += packet.size > 0
                if packet.pts is not None:
                    ticks.append(packet.pts)
            elif packet.pts is not None:
                heard = True
            span = (
                (max(ticks) - min(ticks)) * tick_s(self.video.time_base) if ticks else Fraction(0)
            )
            enough = pictures >= _AHEAD_PICTURES or self.video is None
            if (enough and (heard or span >= _AHEAD_S)) or len(self._ahead) >= _AHEAD_PACKETS:
                break
        self.is_still = pictures == 1 and self._ended and self.audio is None
        self.rate_hz = Fraction(0)
        if self.video is not None and not self.is_still:
            declared = (self.video.average_rate, self.video.guessed_rate)
            self.rate_hz = nominal_rate(declared, ticks, self.video.time_base)

    def _demux(self) -> Iterator[Any]:
        """Packets from libav (the last of each stream is empty, to flush); a read error ends them and sets `broken`."""
        while True:
            try:
                packet = next(self._packets, None)
            except (av.error.FFmpegError, OSError, EOFError) as error:
                packet = None
                self.broken = str(media_error(error, self.name, "read"))
            if self._guard is not None:
                self._guard.check()
            if packet is None:
                self._ended = True
                return
            yield packet

    def packets(self) -> Iterator[Any]:
        """All packets, those read ahead first."""
        while self._ahead:
            yield self._ahead.popleft()
        if not self._ended:
            yield from self._demux()

    def first_audio(self) -> Any:
        """The first sound packet that was read ahead, or None."""
        if self.audio is None:
            return None
        return next(
            (
                packet
                for packet in self._ahead
                if packet.stream.index == self.audio.index and packet.pts is not None
            ),
            None,
        )

    def duration_s(self) -> Fraction | None:
        """Declared length of the video (of the sound without video), None if unknown."""
        stream = self.video or self.audio
        own = seconds(stream.duration, stream.time_base) if stream is not None else None
        if own is None and self.container.duration is not None:
            own = Fraction(self.container.duration, 1_000_000)
        return own if own is not None and 0 < own < 10**7 else None

    def close(self) -> None:
        """Close the file; one that was given as an object stays open."""
        container = getattr(self, "container", None)
        self._ahead.clear()
        self._packets = iter(())
        if container is not None:
            container.close()
        if self._guard is not None:
            self._guard.close()


def _flags(stream: Any) -> int:
    """A stream's disposition bits: an IntFlag from PyAV 18 on, a Flag before."""
    return int(getattr(stream.disposition, "value", stream.disposition))
