"""The system's errors as `MediaError`, with a hint. Needs no media library.

A file object can fail in every call. Whoever opens one hands on a `NamedFile` of it, so that no OSError without the file's
name leaves a stage: `MediaError` is what callers are promised.
"""

from __future__ import annotations

import errno
import functools
import io
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, BinaryIO, cast

from vqcodec.errors import MediaError, VqcodecError

NO_SPACE_HINT = "free some space on the disk"
_HINTS = {
    errno.ENOSPC: NO_SPACE_HINT,
    errno.EDQUOT: f"{NO_SPACE_HINT}: what you may use of it is spent",
    errno.EFBIG: "the disk, or a limit set for this program, allows no file so large",
    errno.EIO: "the disk, or the way to it, fails: copy the file to another one",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ENOENT: "check the path",
    errno.EISDIR: "give a file, not a folder",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.EACCES: "check the permissions of the file and its folder",
    errno.EPERM: "check the permissions of the file and its folder",
    errno.EROFS: "the disk is read-only: choose another folder",
    errno.ELOOP: "the link leads in a circle",
    errno.EMFILE: "this program has too many files open: `ulimit -n` allows more",
    errno.EPIPE: "the program that reads the output has ended",
}


def system_error(error: OSError, name: object, doing: str) -> MediaError:
    """The MediaError for `error`: "cannot read x.vqt: reason", with a hint that fits."""
    reason = error.strerror or str(error) or type(error).__name__
    return MediaError(f"cannot {doing} {name}: {reason}", hint=_HINTS.get(error.errno or 0, ""))


@contextmanager
def system_faults(name: object, doing: str) -> Iterator[None]:
    """Turn the system's errors inside the block into MediaError. Typed errors pass unchanged."""
    try:
        yield
    except OSError as error:
        if isinstance(error, VqcodecError):
            raise
        raise system_error(error, name, doing) from error


class NamedFile:
    """A file object whose methods raise MediaError where the system refuses; all else is as in the object.

    Args:
        file: the object.
        name: what it is called in messages.
        doing: what is done with it: "read" or "write".
    """

    def __init__(self, file: IO[bytes], name: object, doing: str) -> None:
        self._file, self._name, self._doing = file, name, doing

    def __getattr__(self, attribute: str) -> Any:
        value = getattr(self._file, attribute)
        if not callable(value):
            return value
        told = self._told(value)
        setattr(self, attribute, told)  # the next call finds it at once
        return told

    def _told(self, method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def call(*arguments: Any, **named: Any) -> Any:
            try:
                return method(*arguments, **named)
            except OSError as error:
                if isinstance(error, VqcodecError):
                    raise
                raise system_error(error, self._name, self._doing) from error

        return call


def named_file(file: IO[bytes], doing: str, name: object = None) -> BinaryIO:
    """A NamedFile; bytes in memory, which can't fail, are given back as they are.

    Args:
        file: a binary file object.
        doing: "read" or "write".
        name: what to call it; None for its own name.
    """
    if isinstance(file, io.BytesIO | NamedFile):
        return cast(BinaryIO, file)
    own = getattr(file, "name", None)
    called = name or (own if isinstance(own, str) else "<stream>")
    return cast(BinaryIO, NamedFile(file, called, doing))


def temporary_file(in_memory_bytes: int = 0) -> BinaryIO:
    """A temporary file that has no name and goes when it is closed; small ones may stay in memory.

    Raises:
        MediaError: there is no folder for it; later, by its methods, that the disk is full.
    """
    with system_faults(_TEMPORARY, "write"):
        file = tempfile.SpooledTemporaryFile(in_memory_bytes, prefix="vqcodec-")  # noqa: SIM115
        if not in_memory_bytes:
            file.rollover()
    return cast(BinaryIO, NamedFile(cast(IO[bytes], file), _TEMPORARY, "write"))


_TEMPORARY = "a temporary file (TMPDIR names the folder for it)"
