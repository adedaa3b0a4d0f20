"""Opening .vqt streams: paths, standard input, file objects. Imports no model and no media library."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from vqcodec.errors import UsageError
from vqcodec.media.pipes import standard_input
from vqcodec.media.system import named_file, system_faults
from vqcodec.types import FileLike

_POLL_S = 0.05


@contextmanager
def open_stream(source: FileLike) -> Iterator[BinaryIO]:
    """Open a .vqt file for reading; what the caller opened stays open.

    Raises:
        MediaError: the file is missing or can't be read, or standard input is a terminal.
        UsageError: `source` is a text file object.
    """
    if isinstance(source, str) and source == "-":
        yield named_file(standard_input(), "read", "standard input")
    elif isinstance(source, (str, os.PathLike)):
        with system_faults(os.fspath(source), "read"):
            handle = open(source, "rb")  # noqa: SIM115 - closed by the with below
        with handle:
            yield named_file(handle, "read")
    elif isinstance(source, io.TextIOBase):
        raise UsageError(
            "a .vqt stream must be opened in binary mode", hint='Use open(path, "rb").'
        )
    else:
        yield named_file(source, "read")


class GrowingFile:
    """A file that is still being written, read like a pipe: at the end of what is there, reading waits for more.

    Attributes:
        timed_out: nothing came for so long that the present end was taken for the end.

    Args:
        file: a binary file object; a seekable one is read from where it stands.
        patience_s: how long to wait for the next byte.
    """

    def __init__(self, file: BinaryIO, patience_s: float) -> None:
        self.timed_out = False
        self._file, self._patience_s = file, patience_s
        self._stopped = threading.Event()

    def read(self, size: int = -1, /) -> bytes:
        """Exactly `size` bytes, or those before the end."""
        data = b""
        while size < 0 or len(data) < size:
            piece = self.read1(size - len(data) if size >= 0 else 1 << 16)
            if not piece:
                break
            data += piece
        return data

    def read1(self, size: int = -1, /) -> bytes:
        """What is there, at least one byte; b"" at the end."""
        until_s = time.monotonic() + self._patience_s
        while not self.timed_out:
            data = (
                self._file.read(size)
                if self._file.seekable()
                else getattr(self._file, "read1", self._file.read)(size)
            )
            if data or self._stopped.is_set():
                return bytes(data or b"")
            self.timed_out = time.monotonic() >= until_s
            self._stopped.wait(_POLL_S)
        return b""

    def stop(self) -> None:
        """Let a read that waits in another thread return."""
        self._stopped.set()

    def seekable(self) -> bool:
        """Never: the end isn't known."""
        return False


def followed(file: BinaryIO, patience_s: float | None) -> BinaryIO:
    """The file, or a GrowingFile of it when it is to be followed."""
    return file if patience_s is None else cast(BinaryIO, GrowingFile(file, patience_s))


@contextmanager
def released(file: BinaryIO) -> Iterator[None]:
    """When the block ends, a thread that still waits for the file to grow is let go."""
    try:
        yield
    finally:
        if isinstance(file, GrowingFile):
            file.stop()
