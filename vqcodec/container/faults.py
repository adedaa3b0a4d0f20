"""The error codes of bitstream_spec/vqt.md ("Errors") and how they become exceptions.

The rules of the format raise a `Fault`, which knows its code but not where it stands. The reader adds the
byte offset and turns it into a `BitstreamError`; the writer turns it into a `UsageError`.
"""

from __future__ import annotations

from vqcodec.errors import (
    BitstreamError,
    TruncatedError,
    UnsupportedError,
    UsageError,
    VqcodecError,
)

TRUNCATED = "truncated"

_RESCUE = "fetch or copy it again, or show what is left of it with vqcodec decode --recover"
_DAMAGED = f"the file is damaged: {_RESCUE}"
_INCOMPLETE = f"a chunk of the file is missing or doubled: {_RESCUE}"
_WRONG_WRITER = "the program that wrote the file broke the format: report it to its makers"

HINTS: dict[str, str] = {
    "bad-signature": "this is not a .vqt file, or it was copied in text mode",
    TRUNCATED: f"the file is cut off: {_RESCUE}",
    "bad-type": _DAMAGED,
    "bad-length": _DAMAGED,
    "bad-crc": _DAMAGED,
    "bad-order": _WRONG_WRITER,
    "bad-layout": _WRONG_WRITER,
    "bad-varint": _WRONG_WRITER,
    "bad-value": _WRONG_WRITER,
    "bad-text": _WRONG_WRITER,
    "bad-frame": _INCOMPLETE,
    "bad-time": _WRONG_WRITER,
    "bad-layers": _WRONG_WRITER,
    "bad-audio": _WRONG_WRITER,
    "bad-portrait": _WRONG_WRITER,
    "bad-unit": _WRONG_WRITER,
    "bad-payload": _WRONG_WRITER,
    "bad-index": _WRONG_WRITER,
    "bad-total": _INCOMPLETE,
    "too-many": "split the stream into several files",
    "trailing-data": "something was appended to the file: cut it off after its IEND chunk",
}
"""Code of every `BitstreamError` this package raises, and the hint it carries."""

UNSUPPORTED_HINTS: dict[str, str] = {
    "unsupported-version": "install a newer vqcodec",
    "unsupported-chunk": "install a newer vqcodec",
    "unsupported-layout": "install a newer vqcodec",
}
"""Code of every `UnsupportedStreamError`, and the hint it carries."""


class Fault(Exception):
    """A rule of the format is broken; where is not known yet.

    Attributes:
        code: the specification's error name.
        message: what is wrong, in words.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class UnsupportedStreamError(UnsupportedError):
    """The stream is intact but needs a newer decoder (vqt.md, "Versions").

    Attributes:
        code: the specification's error name, for example "unsupported-version".
        offset: byte offset of the chunk that can't be used.
    """

    def __init__(self, message: str, *, code: str, offset: int, hint: str = "") -> None:
        super().__init__(f"{message} at byte {offset} [{code}]", hint=hint)
        self.code = code
        self.offset = offset

    __reduce__ = BitstreamError.__reduce__


def stream_error(code: str, message: str, offset: int) -> VqcodecError:
    """The exception for a fault seen in a file.

    Args:
        code: a key of `HINTS` or `UNSUPPORTED_HINTS`.
        message: what is wrong.
        offset: byte offset in the file that the specification gives for this code.

    Returns:
        A `TruncatedError`, `UnsupportedStreamError` or `BitstreamError`, to be raised by the caller.
    """
    if code in UNSUPPORTED_HINTS:
        return UnsupportedStreamError(
            message, code=code, offset=offset, hint=UNSUPPORTED_HINTS[code]
        )
    kind = TruncatedError if code == TRUNCATED else BitstreamError
    return kind(message, code=code, offset=offset, hint=HINTS[code])


def usage_error(fault: Fault) -> UsageError:
    """The exception for a fault in what a caller asked a writer to write."""
    return UsageError(
        f"can't write this: {fault.message} [{fault.code}]",
        hint="bitstream_spec/vqt.md states the rule",
    )
