"""Whether a file is a recording, and a recording as a .vqt stream: read as it is, or coded first."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from vqcodec.choices import AudioChoice
from vqcodec.config import DubOptions, EncodeOptions
from vqcodec.container import Reader
from vqcodec.dubbing.parts import DubParts
from vqcodec.dubbing.redub.recording import Recording, read_recording
from vqcodec.dubbing.showing import SPOOLED_BYTES
from vqcodec.encoding.pipeline import encode
from vqcodec.errors import VqcodecError
from vqcodec.format import SIGNATURE
from vqcodec.media.peek import peeked
from vqcodec.media.picture.packets import PacketReader
from vqcodec.media.still.kinds import picture_kind
from vqcodec.media.system import temporary_file
from vqcodec.progress import Progress
from vqcodec.stream.opening import open_stream
from vqcodec.stream.walk import check_units
from vqcodec.types import FileLike

OLD_SOUND = AudioChoice("opus", 64_000)
_HEAD_BYTES = 256


def is_stream(source: FileLike) -> bool:
    """Whether a file is a .vqt, by its first bytes."""
    return peeked(source, lambda file: file.read(len(SIGNATURE)) == SIGNATURE, False)


def is_recording(source: FileLike) -> bool:
    """Whether a file is a .vqt or a video, and no picture; of what can't be read twice it isn't known: no."""
    if is_stream(source) or str(source).lower().endswith(".vqt"):
        return True
    return not peeked(source, _is_picture, True) and peeked(source, _is_film, False)


def _is_picture(file: BinaryIO) -> bool:
    if picture_kind(file.read(_HEAD_BYTES)):
        return True
    file.seek(0)
    try:
        with Image.open(file):
            return True
    except (UnidentifiedImageError, SyntaxError, OSError, ValueError, Image.DecompressionBombError):
        return False


def _is_film(file: BinaryIO) -> bool:
    file.seek(0)
    try:
        with closing(PacketReader(file, want_audio=True)) as packets:
            return packets.video is not None and not packets.is_still
    except VqcodecError:  # who reads it as a picture says what is wrong
        return False


@contextmanager
def opened_recording(
    source: FileLike, options: DubOptions, parts: DubParts, progress: Progress, *, video: bool
) -> Iterator[Recording]:
    """A recording, read.

    Args:
        source: a .vqt, or a video, which is coded first.
        options: scene, paste_back and portrait_quality are a coded video's.
        parts: the models.
        progress: told how the coding goes.
        video: the result is one: size doesn't matter.

    Raises:
        MediaError, NoFaceError: it can't be read, or shows no face.
        BitstreamError, UnsupportedError: it is a .vqt that is damaged, or needs a motion space that isn't here.
    """
    if is_stream(source) or str(source).lower().endswith(".vqt"):
        with open_stream(source) as file:
            yield _read(file, parts, _name(source))
        return
    coding = EncodeOptions(
        quality="best" if video else "medium",
        rdo=0.0 if video else None,
        portrait_quality=options.portrait_quality,
        layers=options.layers,
        audio=OLD_SOUND,
        scene=options.scene or options.paste_back,
    )
    with closing(temporary_file(SPOOLED_BYTES)) as coded:
        encode(source, coded, coding, progress=progress, parts=parts.encoder)
        coded.seek(0)
        yield _read(coded, parts, _name(source))


def _read(file: BinaryIO, parts: DubParts, name: str) -> Recording:
    reader = Reader(file, scenes=True)
    space = parts.landmarks_of(reader.head.motion_space)
    check_units(reader.head, space.units)
    return read_recording(reader, space.units, name)


def _name(source: FileLike) -> str:
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    return str(getattr(source, "name", "the recording"))
