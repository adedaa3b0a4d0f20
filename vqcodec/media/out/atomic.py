"""Files that appear whole or not at all."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from vqcodec.media.out.pending import NO_LINK, PendingFile
from vqcodec.media.out.targets import check_output, is_file_name
from vqcodec.media.pipes import standard_output
from vqcodec.media.system import named_file, system_faults
from vqcodec.types import FileLike

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = [
    "PendingFile",
    "atomic_output",
    "check_output",
    "in_place_output",
    "is_file_name",
    "open_pipe",
]


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
    sink = named_file(io.BufferedWriter(pending.file), "write", pending.target)
    try:
        yield sink
        sink.flush()
        pending.commit()
    finally:
        pending.discard()
        _let_go(sink)


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
    # what is there only now is another program's, or a link that would lead to somebody else's file
    flags = os.O_WRONLY | os.O_CREAT | NO_LINK | (os.O_EXCL if is_new else 0)
    with system_faults(path, "write"):
        file = _Replacing(os.open(path, flags, 0o666), "wb")
    sink = named_file(io.BufferedWriter(file), "write", path)
    try:
        yield sink
        sink.flush()
    finally:
        _let_go(sink)
        with suppress(OSError):
            if is_new and path.stat().st_size == 0:
                path.unlink()


class _Replacing(io.FileIO):
    """A file whose old bytes go when the first new ones come."""

    def write(self, data: Buffer, /) -> int:
        if self.tell() == 0:
            self.truncate()
        return super().write(data)


@contextmanager
def open_pipe(target: FileLike) -> Iterator[BinaryIO]:
    """Open what isn't a regular file for writing in order; flushed at the end, closed only if opened here."""
    if not isinstance(target, str | os.PathLike):
        stream = named_file(target, "write")
        yield stream
        stream.flush()
    elif target == "-":
        stream = named_file(standard_output(), "write", "standard output")
        yield stream
        stream.flush()
    else:
        with system_faults(target, "write"):
            device = Path(target).open("wb")  # noqa: SIM115 (closed below)
        stream = named_file(device, "write", target)
        try:
            yield stream
            stream.flush()
        finally:
            _let_go(stream)


def _let_go(sink: BinaryIO) -> None:
    """Close what was flushed, or has failed already: what is still in its buffer then can't be written either."""
    with suppress(OSError, ValueError):
        sink.close()
