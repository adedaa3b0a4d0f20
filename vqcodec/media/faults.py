"""libav's and the system's errors as `MediaError`, with a hint.

libav's log is left as the program has it: PyAV is silent unless somebody sets a level, and who does wants to see it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import av.error

from vqcodec.errors import MediaError, VqcodecError
from vqcodec.media.system import system_error

_HINTS: tuple[tuple[type[BaseException], str], ...] = (
    (
        av.error.InvalidDataError,
        "it isn't a media file, or a recording that was cut off before its index was written",
    ),
    (
        av.error.DecoderNotFoundError,
        "this PyAV has no decoder for it: convert it, for example to H.264 and AAC",
    ),
    (
        av.error.EncoderNotFoundError,
        "this PyAV was built without that encoder: install the wheel from PyPI",
    ),
    (av.error.EOFError, "the file ends too early"),
)


_REFUSED_HINTS = dict.fromkeys(
    ("write", "finish"),
    "this kind of file can't hold it, a hole of days for one: write .mkv, or a part by --start and --end",
)


def media_error(error: BaseException, name: str, doing: str) -> MediaError:
    """The MediaError for `error`: "cannot read x.mp4 (opening): reason", with a hint that fits."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    hint = next((text for kind, text in _HINTS if isinstance(error, kind)), "")
    if isinstance(error, av.error.ArgumentError) and not hint:
        hint = _REFUSED_HINTS.get(doing, "")
    if not hint and isinstance(error, OSError):
        hint = system_error(error, name, doing).hint
    return MediaError(f"cannot {doing} {name}: {reason}", hint=hint)


@contextmanager
def media_faults(name: str, doing: str) -> Iterator[None]:
    """Turn libav's and the system's errors inside the block into MediaError. Typed errors pass unchanged."""
    try:
        yield
    except VqcodecError:
        raise
    except (av.error.FFmpegError, OSError, EOFError) as error:
        raise media_error(error, name, doing) from error
