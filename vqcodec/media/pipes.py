"""Byte streams for PyAV: file objects, standard input and output, with interrupts that get through.

libav calls `read` and `write` from C, where PyAV stores an `Exception` but loses a KeyboardInterrupt. The wrappers here
keep whatever was raised, tell libav that input or output failed, and `check()` raises it again outside.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
from typing import IO, BinaryIO, cast

from vqcodec.errors import MediaError
from vqcodec.media.system import temporary_file

_PEEK_BYTES = 1 << 20


class GuardedReader:
    """A binary file object as PyAV wants it; seekable only if the object is. Never closes it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream: IO[bytes] = stream
        self._head = b""
        self._error: BaseException | None = None
        self._spool: IO[bytes] | None = None
        if _can_seek(stream):
            self.seek = self._seek
            self.tell = stream.tell
        else:
            self._peek()

    def seekable(self) -> bool:
        """Whether libav may seek."""
        return hasattr(self, "seek")

    def readable(self) -> bool:
        """Always."""
        return True

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, b"" at the end."""
        try:
            if self._head:
                data, self._head = self._head[:size], self._head[size:]
                return data
            return self._some(size)
        except BaseException as error:
            self._error = error
            raise OSError("input failed") from None

    def check(self) -> None:
        """Raise what `read` or `seek` met inside libav, if anything."""
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def close(self) -> None:
        """Drop the temporary copy, if one was made. The file object given stays open."""
        if self._spool is not None:
            self._spool.close()

    def _some(self, size: int) -> bytes:
        # read1 gives what a pipe has now, instead of waiting until `size` bytes are there.
        reader = getattr(self._stream, "read1", None) or self._stream.read
        return bytes(reader(size) or b"")

    def _seek(self, offset: int, whence: int = 0) -> int:
        try:
            return self._stream.seek(offset, whence)
        except BaseException as error:
            self._error = error
            raise OSError("input failed") from None

    def _peek(self) -> None:
        """Read the first boxes; an MP4 whose index comes last is copied to a temporary file, as it needs seeking."""
        while len(self._head) < _PEEK_BYTES:
            verdict = _index_is_last(self._head)
            if verdict is False:
                return
            if verdict:
                self._copy_to_disk()
                return
            data = self._some(65536)
            if not data:
                return
            self._head += data

    def _copy_to_disk(self) -> None:
        spool = temporary_file()
        self._spool = spool
        spool.write(self._head)
        shutil.copyfileobj(self._stream, spool, 1 << 20)
        spool.seek(0)
        self._head, self._stream = b"", spool
        self.seek, self.tell = self._seek, spool.tell


class GuardedWriter:
    """A binary file object that libav writes to in order, without seeking. Never closes it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._error: BaseException | None = None

    def writable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Never: the same bytes come out wherever they go."""
        return False

    def write(self, data: bytes) -> int:
        """Write all of `data`."""
        try:
            view = memoryview(data)
            while view:
                view = view[self._stream.write(view) or len(view) :]
            return len(data)
        except BaseException as error:
            self._error = error
            raise OSError("output failed") from None

    def check(self) -> None:
        """Raise what `write` met inside libav, if anything."""
        if self._error is not None:
            error, self._error = self._error, None
            raise error


class FileWriter(GuardedWriter):
    """A file of our own that libav may write to anywhere.

    Args:
        file: open for reading and writing, unbuffered.
    """

    def __init__(self, file: io.FileIO) -> None:
        super().__init__(cast(BinaryIO, file))
        self._file = file

    def seekable(self) -> bool:
        """Always."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a byte."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """The byte that comes next."""
        return self._file.tell()

    def reader(self, url: str, flags: int, options: dict[str, str]) -> FileReader:
        """What libav reads again to put an index before what is written; for `io_open` of av.open."""
        return FileReader(self._file)


class FileReader:
    """What is in a file that is being written, read from its start without touching the writer's position."""

    def __init__(self, file: io.FileIO) -> None:
        self._file, self._at = file, 0

    def read(self, size: int) -> bytes:
        """Up to `size` bytes."""
        written_to = self._file.tell()
        self._file.seek(self._at)
        data = self._file.read(size) or b""
        self._file.seek(written_to)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a byte; from the start, from here, or from the end."""
        start = {0: 0, 1: self._at, 2: os.fstat(self._file.fileno()).st_size}[whence]
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        """The byte that comes next."""
        return self._at


def standard_input() -> BinaryIO:
    """Standard input as bytes. Raises MediaError on a terminal, or where it is closed."""
    if sys.stdin is None:
        raise MediaError(
            "cannot read standard input: it is closed", hint="Pipe a file into it, or give a path."
        )
    if sys.stdin.isatty():
        raise MediaError(
            "cannot read standard input: it is a terminal",
            hint="Pipe a file into it, or give a path.",
        )
    try:
        # a reader of our own: at exit the interpreter locks sys.stdin, which a thread that waits for input holds
        return open(sys.stdin.fileno(), "rb", closefd=False)
    except (OSError, AttributeError):  # a stand-in without a descriptor
        return sys.stdin.buffer


def standard_output() -> BinaryIO:
    """Standard output as bytes. Raises MediaError on a terminal, or where it is closed."""
    if sys.stdout is None:
        raise MediaError(
            "cannot write to standard output: it is closed",
            hint="Redirect it to a file or a pipe, or give a path.",
        )
    if sys.stdout.isatty():
        raise MediaError(
            "cannot write to standard output: it is a terminal",
            hint="Redirect it to a file or a pipe, or give a path.",
        )
    return sys.stdout.buffer


def _can_seek(stream: BinaryIO) -> bool:
    seekable = getattr(stream, "seekable", None)
    return bool(seekable()) if seekable else hasattr(stream, "seek") and hasattr(stream, "tell")


def _index_is_last(head: bytes) -> bool | None:
    """Whether these first bytes are of an MP4 with its data before its index; None if more bytes are needed."""
    if len(head) < 16:
        return None
    if head[4:8] not in (b"ftyp", b"wide", b"free", b"skip", b"mdat"):
        return False
    at = 0
    while at + 16 <= len(head):
        size, kind = int.from_bytes(head[at : at + 4], "big"), head[at + 4 : at + 8]
        if kind in (b"moov", b"moof", b"sidx", b"meta"):
            return False
        if kind == b"mdat":
            return True
        if size == 1:
            size = int.from_bytes(head[at + 8 : at + 16], "big")
        if size < 8:
            return False
        at += size
    return None
