"""What a dub's target asks for, and the video of a stream that was made first."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from vqcodec.config import DecodeOptions, DubOptions
from vqcodec.decoding.parts import DecoderPartsSource
from vqcodec.decoding.pipeline import decode
from vqcodec.dubbing.shares import WorkShares
from vqcodec.dubbing.sheet import write_sheet
from vqcodec.errors import UsageError
from vqcodec.face.paste import PasteBack
from vqcodec.media.out.atomic import atomic_output
from vqcodec.media.out.sink import VIDEO_SUFFIXES
from vqcodec.media.system import temporary_file
from vqcodec.reports import DecodeReport
from vqcodec.types import FileLike

MAX_SOUND_S = Fraction(4 * 3600)
SPOOLED_BYTES = 16 << 20
"""Of a stream that a video is made from: kept in memory up to here."""


def is_video(target: FileLike) -> bool:
    """What the target's name asks for.

    Raises:
        UsageError: something that isn't written.
    """
    if not isinstance(target, str | os.PathLike) or target == "-":
        return False
    suffix = Path(target).suffix.lower()
    if suffix not in ("", ".vqt", *VIDEO_SUFFIXES):
        raise UsageError(
            f"cannot write {suffix} files", hint=f"Use .vqt, {', '.join(VIDEO_SUFFIXES)}."
        )
    return suffix in VIDEO_SUFFIXES


def show(
    stream: BinaryIO,
    frames: int,
    target: FileLike,
    options: DecodeOptions,
    parts: DecoderPartsSource | None,
    told: WorkShares,
    *,
    paste: PasteBack | None = None,
    crf: int,
    force: bool,
) -> DecodeReport:
    """The video of a stream of so many frames."""
    stream.seek(0)
    return decode(
        stream,
        target,
        options,
        crf=crf,
        force=force,
        parts=parts,
        paste=paste,
        progress=lambda event: told.shown(event.frames / max(frames, 1)),
    )


def make(
    target: FileLike,
    write: Callable[[BinaryIO], int],
    options: DubOptions,
    parts: DecoderPartsSource | None,
    told: WorkShares,
    *,
    paste: PasteBack | None = None,
    crf: int,
    force: bool,
) -> DecodeReport | None:
    """Make a stream, and of it what the target asks for, and the sheet.

    Args:
        target: see vqcodec.dubbing.pipeline.dub.
        write: writes the stream, and says how many frames it has.
        options: size_px and sheet.
        parts: models to render with.
        told: told how the rendering goes.
        paste: what each picture is put into.
        crf: of a video.
        force: replace what is there.

    Returns:
        what was shown; None where the stream itself is wanted.
    """
    video = is_video(target)
    if not video and options.sheet is None:
        with atomic_output(target, force=force) as sink:
            write(sink)
        return None
    with closing(temporary_file(SPOOLED_BYTES)) as stream:
        frames, shown = write(stream), None
        if video:
            look = DecodeOptions(size_px=options.size_px)
            shown = show(
                stream, frames, target, look, parts, told, paste=paste, crf=crf, force=force
            )
        else:
            stream.seek(0)
            with atomic_output(target, force=force) as sink:
                shutil.copyfileobj(stream, sink)
        if options.sheet is not None:
            write_sheet(options.sheet, stream, frames, parts, force=force)
    return shown
