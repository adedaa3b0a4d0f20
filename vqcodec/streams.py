"""Opening .vqt streams: paths, standard input, file objects. Imports no model and no media library."""
from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from vqcodec.errors import MediaError, UsageError

Stream = str | os.PathLike[str] | BinaryIO
"""A path, "-" for standard input, or a binary file object (which needn't be seekable)."""


def _standard_input() -> BinaryIO:
    """A reader of its own: a thread left waiting in that of sys.stdin makes an interrupted program abort."""
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("standard input is a terminal", hint="Pipe a .vqt file into it, or give a file name.")
    return open(sys.stdin.fileno(), "rb", closefd=False)


@contextmanager
def open_stream(source: Stream) -> Iterator[BinaryIO]:
    """Open a .vqt file for reading; what the caller opened stays open.

    Raises:
        MediaError: the file is missing or can't be read.
        UsageError: `source` is a text file object.
    """
    if isinstance(source, str) and source == "-":
        with _standard_input() as handle:
            yield handle
    elif isinstance(source, (str, os.PathLike)):
        try:
            handle = open(source, "rb")  # noqa: SIM115 - closed by the with below
        except OSError as error:
            raise MediaError(f"can't read {os.fspath(source)}: {error.strerror or error}") from error
        with handle:
            yield handle
    elif isinstance(source, io.TextIOBase):
        raise UsageError("a .vqt stream must be opened in binary mode", hint='Use open(path, "rb").')
    else:
        yield source
