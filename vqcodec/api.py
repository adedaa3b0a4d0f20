"""One call each, over a Codec that is made when first needed and shared: `vqcodec.encode("in.mp4", "out.vqt")`.

Thin: each call loads what it needs, so that looking at a file needs no model. What a program calls often, or on a device of
its choice, it calls on a Codec of its own (vqcodec.codec.codec).
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from vqcodec.codec.codec import Codec
from vqcodec.codec.files import Source
from vqcodec.codec.look import Verified, info, thin, verify
from vqcodec.codec.opened import OpenStream
from vqcodec.codec.thumb import thumb
from vqcodec.config import DEFAULT_CRF, DecodeOptions, DubOptions, EncodeOptions
from vqcodec.progress import Progress, silent
from vqcodec.reports import DecodeReport, DubReport, EncodeReport
from vqcodec.types import FileLike

if TYPE_CHECKING:
    from vqcodec.media.picture.frames import Frames

__all__ = [
    "Codec",
    "OpenStream",
    "Source",
    "Verified",
    "decode",
    "dub",
    "encode",
    "info",
    "open",
    "thin",
    "thumb",
    "verify",
]

_lock = threading.Lock()
_shared: Codec | None = None


def shared() -> Codec:
    """The Codec of the functions here: on the automatic device, made once."""
    global _shared
    with _lock:
        if _shared is None:
            _shared = Codec()
        return _shared


def encode(
    source: Source | Frames,
    target: FileLike | None = None,
    options: EncodeOptions | None = None,
    *,
    force: bool = False,
    progress: Progress = silent,
    **named: Any,
) -> EncodeReport:
    """Code a video of a talking person as .vqt; see `Codec.encode`."""
    return shared().encode(source, target, options, force=force, progress=progress, **named)


def decode(
    source: Source,
    target: FileLike | None = None,
    options: DecodeOptions | None = None,
    *,
    crf: int = DEFAULT_CRF,
    force: bool = False,
    progress: Progress = silent,
    **named: Any,
) -> DecodeReport:
    """Render a .vqt stream to a video file; see `Codec.decode`."""
    return shared().decode(
        source, target, options, crf=crf, force=force, progress=progress, **named
    )


def dub(
    speech: Source,
    portrait: Source,
    target: FileLike | None = None,
    options: DubOptions | None = None,
    *,
    crf: int = DEFAULT_CRF,
    force: bool = False,
    progress: Progress = silent,
    **named: Any,
) -> DubReport:
    """Make a talking head from a sound and a picture, as .vqt or video; see `Codec.dub`."""
    return shared().dub(
        speech, portrait, target, options, crf=crf, force=force, progress=progress, **named
    )


def open(source: Source) -> OpenStream:  # vqcodec.open reads like gzip.open
    """Open a .vqt stream to look at its parts or render its frames.

    Raises:
        BitstreamError, UnsupportedError: its header is damaged, or of a newer version.
        MediaError: the file can't be read.
    """
    return shared().open(source)
