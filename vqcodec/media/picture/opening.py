"""A media file opened: from a path, standard input or a file object to libav's container and the streams to read.

source --> what libav reads (a name, or a GuardedReader) --> container --> picture stream, sound stream
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

import av
import av.error
from av.container import InputContainer

from vqcodec.errors import MediaError, UsageError
from vqcodec.media.faults import media_faults
from vqcodec.media.picture.formats import opened_formats
from vqcodec.media.picture.selection import Selection, Tracks
from vqcodec.media.pipes import GuardedReader, standard_input
from vqcodec.types import FileLike

_UNWANTED_HINT = (
    "it isn't a recording but a playlist or another format that isn't read: give the recording itself, convert it to MP4, or, "
    "where the playlist is yours, `encode --playlist`"
)


class OpenedFile:
    """A media file that libav has opened.

    Attributes:
        name: for messages.
        container: libav's.
        video: the picture stream that is read, or None.
        audio: the sound stream that is read, or None.
        remarks: sentences about what else could have been read.
        refused: why there is no picture stream although the file has one, in words, or "".
    """

    def __init__(
        self, source: FileLike, tracks: Tracks = (None, None), *, playlist: bool = False
    ) -> None:
        """Open `source`; `tracks` are numbers of its picture and its sound stream that the caller chose.

        Args:
            source: path, "-" or a binary file object.
            tracks: None each for the best one.
            playlist: it may make us open further files of this machine.

        Raises:
            MediaError: missing, unreadable, empty or not a media file, a playlist that isn't wanted, or standard input is
                a terminal.
            UsageError: `source` is no file, or has no such track.
        """
        self._formats = opened_formats(playlist=playlist)
        self._guard: GuardedReader | None = None
        self._pipe: BinaryIO | None = None
        try:
            self.container = self._open(self._file(source))
        except BaseException:
            self._release()
            raise
        try:
            chosen = Selection(self.container, self.name, *tracks)
        except BaseException:
            self.close()
            raise
        self.video, self.audio, self.remarks = chosen.video, chosen.audio, chosen.remarks
        self.refused = chosen.refused

    def _file(self, source: FileLike) -> str | GuardedReader:
        if isinstance(source, str | os.PathLike) and source != "-":
            self.name = os.fspath(source)
            _check_path(self.name)
            if is_pipe(self.name):
                return self._piped()
            # The prefix keeps a name like "concat:x" or "http://..." from being taken as a protocol.
            return "file:" + self.name
        if isinstance(source, str | os.PathLike):
            self.name = "<stdin>"
            with media_faults(self.name, "read"):
                self._guard = GuardedReader(standard_input())
        elif hasattr(source, "read"):
            name = getattr(source, "name", None)  # a number, of a file without one
            self.name = name if isinstance(name, str) else "<stream>"
            with media_faults(self.name, "read"):
                self._guard = GuardedReader(source)
        else:
            raise UsageError(
                f"not a file: {source!r}", hint="give a path, '-' or a binary file object"
            )
        return self._guard

    def _piped(self) -> GuardedReader:
        """A named pipe, or a shell's `<(...)`: read as standard input is, which copies to disk what needs seeking."""
        with media_faults(self.name, "open"):
            self._pipe = open(self.name, "rb")  # noqa: SIM115 (lives as long as the file)
            self._guard = GuardedReader(self._pipe)
        return self._guard

    def _open(self, file: str | GuardedReader) -> InputContainer:
        # No file must make us read the network, or others unless asked; "%d" in a name isn't a sequence of pictures.
        limits = {
            "protocol_whitelist": "file" if isinstance(file, str) else "none",
            "format_whitelist": self._formats,
            "pattern_type": "none",
        }
        try:
            with media_faults(self.name, "open"):
                return av.open(file, mode="r", container_options=limits, metadata_errors="replace")
        except MediaError as error:
            self.check()
            if isinstance(error.__cause__, av.error.ArgumentError):
                error.hint = _UNWANTED_HINT
            error.hint = error.hint or "it is damaged, or claims to be larger than can be"
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
        if self._pipe is not None:
            self._pipe.close()


def is_pipe(name: str) -> bool:
    """Whether a path is of bytes that come once, in order."""
    with media_faults(name, "open"):
        mode = Path(name).stat().st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stat.S_ISCHR(mode)


def _check_path(name: str) -> None:
    with media_faults(name, "open"):
        if Path(name).is_dir():
            raise IsADirectoryError(21, "it is a folder")
        if Path(name).stat().st_size == 0 and Path(name).is_file():
            raise MediaError(
                f"cannot open {name}: the file is empty", hint="record or download it again"
            )
