"""Typed errors. Each says what went wrong, where, and what to do about it.

Every class also inherits the builtin exception a caller would expect (`ValueError`, `OSError`, ...),
so `except ValueError` keeps working, and carries the exit code the command line returns for it.
"""

from __future__ import annotations

import copyreg
from typing import Any


class VqcodecError(Exception):
    """Base of every error this package raises on purpose.

    Attributes:
        exit_code: what the command line exits with.
        hint: one sentence on what to do, or "".
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(VqcodecError, ValueError):
    """An argument is outside what the call takes."""

    exit_code = 2


class UnknownLengthError(UsageError, TypeError):
    """A stream's length can't be told; a TypeError, so that `list(stream)` does without."""


class BitstreamError(VqcodecError, ValueError):
    """The bytes are not a valid .vqt stream (bitstream_spec/vqt.md, "Errors").

    Attributes:
        code: the specification's error name, for example "bad-crc".
        offset: byte offset in the file where the fault was seen, or None.
    """

    exit_code = 3

    def __init__(
        self, message: str, *, code: str, offset: int | None = None, hint: str = ""
    ) -> None:
        where = "" if offset is None else f" at byte {offset}"
        super().__init__(f"{message}{where} [{code}]", hint=hint)
        self.code = code
        self.offset = offset

    def __reduce__(self) -> tuple[Any, ...]:
        """To another process as it is: the text has the place and code in it already."""
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class TruncatedError(BitstreamError, EOFError):
    """The stream ends before the chunk or the END chunk that was announced."""


class UnsupportedError(VqcodecError, ValueError):
    """A valid stream of a newer major version, or with a critical chunk or model this decoder lacks."""

    exit_code = 4


class NoFaceError(VqcodecError, ValueError):
    """No face was found in any frame of the input."""

    exit_code = 5


class ModelError(VqcodecError, OSError):
    """A model file is missing or its sha256 differs from the expected one."""

    exit_code = 6


class OutputExistsError(VqcodecError, FileExistsError):
    """The output file exists and overwriting was not asked for."""

    exit_code = 7


class MediaError(VqcodecError, OSError):
    """A media file can't be read or written."""

    exit_code = 8


class BrokenInstallError(VqcodecError, ImportError):
    """A package that this one requires is missing, or installed in part only."""

    exit_code = 9
