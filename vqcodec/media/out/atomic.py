"""Files that appear whole or not at all."""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from vqcodec.errors import MediaError, OutputExistsError, UsageError
from vqcodec.media.pipes import standard_output
from vqcodec.types import FileLike

if TYPE_CHECKING:
    from typing_extensions import Buffer


class PendingFile:
    """A file under construction: written as a hidden neighbour of its target, renamed by commit().

    Attributes:
        target: the name it will take.
        path: the name it has now; exists, empty, once the constructor returns.
    """

    def __init__(self, target: str | os.PathLike[str], *, force: bool = False) -> None:
        """Raises what `check_output` raises."""
        check_output(target, force=force)
        self.target = Path(os.path.realpath(target))  # a link stays a link to the new file
        self._force = force
        self._open = True
        # The extension stays last: some programs, and people, go by it.
        name = f".{self.target.stem[:100]}-{secrets.token_hex(4)}.part{self.target.suffix}"
        self.path = self.target.with_name(name)
        with _writing(self.target):
            os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))

    def commit(self) -> None:
        """Give the file its name. On any error it is removed."""
        if not self._open:
            return
        try:
            check_output(self.target, force=self._force)
            with _writing(self.target):
                os.replace(self.path, self.target)
            self._open = False
        finally:
            self.discard()

    def discard(self) -> None:
        """Remove the file if it hasn't got its name yet. Never raises."""
        if self._open:
            self._open = False
            with suppress(OSError):
                self.path.unlink()


@contextmanager
def atomic_output(target: FileLike, *, force: bool = False) -> Iterator[BinaryIO]:
    """Open `target` for writing bytes; it takes its name only when the block ends without an exception.

        with atomic_output("out.vqt") as sink:
            sink.write(...)

    A path is written to a temporary file in the same folder and renamed; on any exception (KeyboardInterrupt too) that
    file is removed. "-" is standard output (binary, flushed, left open, nothing to take back); a file object is used as
    it is.

    Raises:
        OutputExistsError: the file exists and `force` is false (checked at the start, and again before renaming).
        MediaError: the folder is missing or can't be written, or `target` is a folder.
    """
    check_output(target, force=force)
    if not is_file_name(target):
        with open_pipe(target) as stream:
            yield stream
        return
    pending = PendingFile(target, force=force)  # type: ignore[arg-type]
    try:
        with _writing(pending.target):
            sink = pending.path.open("wb")
        with sink:
            yield sink
            with _writing(pending.target):
                sink.flush()
        pending.commit()
    finally:
        pending.discard()


@contextmanager
def in_place_output(target: FileLike, *, force: bool = False) -> Iterator[BinaryIO]:
    """Open `target` for writing bytes that others read meanwhile: a path has its name from the start.

    What was written stays when the block ends with an exception. Where nothing was, a new file goes again, and one that is to
    be replaced stays as it was.

    Raises:
        OutputExistsError, MediaError, UsageError: as `atomic_output`.
    """
    check_output(target, force=force)
    if not is_file_name(target):
        with open_pipe(target) as stream:
            yield stream
        return
    path = Path(os.path.realpath(target))  # type: ignore[arg-type]
    is_new = not path.exists()
    with _writing(path):
        file = _Replacing(os.open(path, os.O_WRONLY | os.O_CREAT, 0o666), "wb")
    try:
        with io.BufferedWriter(file) as sink:
            yield sink
            with _writing(path):
                sink.flush()
    finally:
        with suppress(OSError):
            if is_new and path.stat().st_size == 0:
                path.unlink()


class _Replacing(io.FileIO):
    """A file whose old bytes go when the first new ones come."""

    def write(self, data: Buffer, /) -> int:
        if self.tell() == 0:
            self.truncate()
        return super().write(data)


def is_file_name(target: FileLike) -> bool:
    """True for the path of a regular file, there or not; false for "-", file objects, devices and named pipes."""
    if not isinstance(target, str | os.PathLike) or target == "-":
        return False
    path = Path(target)
    return path.is_file() or path.is_dir() or not path.exists()


@contextmanager
def open_pipe(target: FileLike) -> Iterator[BinaryIO]:
    """Open what isn't a regular file for writing in order; flushed at the end, closed only if opened here."""
    if isinstance(target, str | os.PathLike) and target != "-":
        with _writing(target):
            device = Path(target).open("wb")  # noqa: SIM115 (closed below; only its opening is inside _writing)
        with device:
            yield device
            with _writing(target):
                device.flush()
        return
    stream: BinaryIO = standard_output() if isinstance(target, str | os.PathLike) else target
    yield stream
    with _writing("standard output"):
        stream.flush()


def check_output(target: FileLike, *, force: bool = False) -> None:
    """Raise what atomic_output would raise at its start: for commands that work long before they write."""
    if not is_file_name(target):
        if not isinstance(target, str | os.PathLike) and not hasattr(target, "write"):
            raise UsageError(
                f"not a file: {type(target).__name__}",
                hint="give a path, '-' or a binary file object",
            )
        if not isinstance(target, str | os.PathLike):
            _check_open(target)
        return
    path = Path(target)  # type: ignore[arg-type]
    if path.is_dir():
        raise MediaError(f"cannot write {path}: it is a folder", hint="give a file name in it")
    if not path.parent.is_dir():
        raise MediaError(
            f"cannot write {path}: there is no folder {path.parent}", hint="make the folder first"
        )
    if not force and os.path.lexists(path):
        raise OutputExistsError(
            f"{path} exists", hint="choose another name, or replace it with --force"
        )


def _check_open(target: BinaryIO) -> None:
    """Raise where a file object can't be written to; what says nothing about itself is believed."""
    if getattr(target, "closed", False):
        raise UsageError("the output is a file object that is closed", hint="close it afterwards")
    writable = getattr(target, "writable", None)
    if isinstance(target, io.TextIOBase) or (writable is not None and not writable()):
        raise UsageError(
            "the output is a file object that takes no bytes", hint='use open(path, "wb")'
        )


@contextmanager
def _writing(name: object) -> Iterator[None]:
    """The system's errors as MediaError."""
    try:
        yield
    except OSError as error:
        if isinstance(error, MediaError | OutputExistsError):
            raise
        hint = (
            "free some space on the disk"
            if error.errno == 28
            else "check the folder and its permissions"
        )
        raise MediaError(f"cannot write {name}: {error.strerror or error}", hint=hint) from error
