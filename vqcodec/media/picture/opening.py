"""A media file opened: from a path, standard input or a file object to libav's container and the streams to read.

source --> what libav reads (a name, or a GuardedReader) --> container --> picture stream, sound stream
"""

from __future__ import annotations

import os
from pathlib import Path

import av
import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Stream
from av.video.stream import VideoStream

from vqcodec.errors import MediaError, UsageError
from vqcodec.media.faults import media_faults
from vqcodec.media.picture.colour import MAX_SIDE_PX
from vqcodec.media.pipes import GuardedReader, standard_input
from vqcodec.types import FileLike

_MAX_THREADS = 8
_DEFAULT, _ATTACHED_PICTURE = 1, 0x400  # AV_DISPOSITION_*; the latter is the cover of a sound file


class OpenedFile:
    """A media file that libav has opened.

    Attributes:
        name: for messages.
        container: libav's.
        video: its first real picture stream, or None.
        audio: its best sound stream, or None.
    """

    def __init__(self, source: FileLike) -> None:
        """Open `source`.

        Raises:
            MediaError: missing, unreadable, empty or not a media file, or standard input is a terminal.
            UsageError: `source` is no file.
        """
        self._guard: GuardedReader | None = None
        try:
            self.container = self._open(self._file(source))
        except BaseException:
            self._release()
            raise
        self.video = _choose_video(self.container)
        self.audio = _choose_audio(self.container)

    def _file(self, source: FileLike) -> str | GuardedReader:
        if isinstance(source, str | os.PathLike) and source != "-":
            self.name = os.fspath(source)
            _check_path(self.name)
            # The prefix keeps a name like "concat:x" or "http://..." from being taken as a protocol.
            return "file:" + self.name
        if isinstance(source, str | os.PathLike):
            self.name = "<stdin>"
            with media_faults(self.name, "read"):
                self._guard = GuardedReader(standard_input())
        elif hasattr(source, "read"):
            self.name = str(getattr(source, "name", "<stream>"))
            with media_faults(self.name, "read"):
                self._guard = GuardedReader(source)
        else:
            raise UsageError(
                f"not a file: {source!r}", hint="give a path, '-' or a binary file object"
            )
        return self._guard

    def _open(self, file: str | GuardedReader) -> InputContainer:
        # A playlist must not make us read other files or the network; "%d" in a name isn't a sequence of pictures.
        limits = {
            "protocol_whitelist": "file" if isinstance(file, str) else "none",
            "pattern_type": "none",
        }
        try:
            with media_faults(self.name, "open"):
                return av.open(file, mode="r", container_options=limits, metadata_errors="replace")
        except MediaError:
            self.check()
            raise

    def check(self) -> None:
        """Raise what reading met inside libav, if anything."""
        if self._guard is not None:
            with media_faults(self.name, "read"):
                self._guard.check()

    def close(self) -> None:
        """Close the file; one that was given as an object stays open."""
        self.container.close()
        self._release()

    def _release(self) -> None:
        if self._guard is not None:
            self._guard.close()


def _check_path(name: str) -> None:
    with media_faults(name, "open"):
        if Path(name).is_dir():
            raise IsADirectoryError(21, "it is a folder")
        if Path(name).stat().st_size == 0 and Path(name).is_file():
            raise MediaError(
                f"cannot open {name}: the file is empty", hint="record or download it again"
            )


def _choose_video(container: InputContainer) -> VideoStream | None:
    for stream in container.streams.video:
        # libav gives no decoder for a stream of a codec that it doesn't know
        if _flags(stream) & _ATTACHED_PICTURE or not has_decoder(stream):
            continue
        if not (0 < stream.width <= MAX_SIDE_PX and 0 < stream.height <= MAX_SIDE_PX):
            continue
        context = stream.codec_context
        context.thread_type = "AUTO"
        context.thread_count = min(_MAX_THREADS, os.cpu_count() or 1)
        return stream
    return None


def _choose_audio(container: InputContainer) -> AudioStream | None:
    usable = [stream for stream in container.streams.audio if has_decoder(stream)]
    flagged = [stream for stream in usable if _flags(stream) & _DEFAULT]
    return next(iter(flagged or usable), None)


def has_decoder(stream: Stream) -> bool:
    """Whether libav can decode a stream: PyAV's types don't tell that a stream may lack its context."""
    context: object = stream.codec_context
    return context is not None


def _flags(stream: Stream) -> int:
    """A stream's disposition bits: an IntFlag from PyAV 18 on, a Flag before."""
    return int(getattr(stream.disposition, "value", stream.disposition))
