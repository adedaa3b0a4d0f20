"""Still pictures that Pillow doesn't know, read by libav: float TIFF, OpenEXR, Photoshop files ...

What libav can't read, or what is no picture at all, is refused by the name of what it is.
"""

from __future__ import annotations

import os
from typing import Any, BinaryIO, TypeAlias

import av
import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import MediaError
from vqcodec.media.faults import media_faults
from vqcodec.media.picture.colour import RgbConverter, has_floats
from vqcodec.media.picture.deep import spread
from vqcodec.media.picture.display import display_matrix, turn_of
from vqcodec.media.picture.packets import PacketReader
from vqcodec.media.picture.probe import REFUSED_HINT, first_picture
from vqcodec.media.still.kinds import picture_kind
from vqcodec.media.still.levels import Levels

PictureFile: TypeAlias = "str | os.PathLike[str] | BinaryIO"

_HEAD_BYTES = 512
_ALWAYS_READ = ("PNG", "JPEG", "GIF", "WebP", "AVIF", "BMP")
_SAVE_AS = "Save it as PNG or JPEG."


def read_other(path: PictureFile, name: str) -> tuple[NDArray[np.uint8], str]:
    """The one picture of a file.

    Returns:
        (H, W, 3) uint8 sRGB, upright, and what was guessed, in words, or "".

    Raises:
        MediaError: it can't be read, is too large, or is something else than a still picture.
    """
    head = head_of(path, name)
    if not head:
        raise MediaError(
            f"{name} isn't a picture: the file is empty", hint="save or download it again"
        )
    kind = picture_kind(head)
    try:
        reader = PacketReader(path)
    except MediaError as error:
        raise _unread(name, kind) from error
    try:
        if reader.video is None and reader.refused:
            raise MediaError(f"cannot read {name}: {reader.refused}", hint=REFUSED_HINT)
        _check_still(reader, name, kind)
        frame = first_picture(reader)
        if frame is None:
            raise _unread(name, kind or reader.container.format.name)
        if has_floats(frame):
            return _floats(frame)
        told = spread(frame)
        return _plain(reader, frame), told
    finally:
        reader.close()


def _plain(reader: PacketReader, frame: av.VideoFrame) -> NDArray[np.uint8]:
    context = None if reader.video is None else reader.video.codec_context
    return RgbConverter(frame, reader.pixel_aspect, context).rgb(frame)


def _floats(frame: av.VideoFrame) -> tuple[NDArray[np.uint8], str]:
    samples: NDArray[Any] = np.atleast_3d(frame.to_ndarray())
    levels = Levels.of_floats(float(np.nan_to_num(samples, nan=0.0, posinf=1.0).max()))
    rgb = np.broadcast_to(
        levels.eight_bits(samples[..., :3] if samples.shape[2] >= 3 else samples[..., :1]),
        (*samples.shape[:2], 3),
    )
    turn = turn_of(display_matrix(frame))
    return np.ascontiguousarray(
        rgb if turn is None else turn(np.ascontiguousarray(rgb))
    ), levels.guessed


def _check_still(reader: PacketReader, name: str, kind: str) -> None:
    """Refuse what isn't one picture."""
    if reader.video is None and reader.audio is None:
        raise _unread(name, kind)
    if reader.video is None:
        raise MediaError(
            f"{name} is a sound file, not a picture",
            hint="A sound comes first, its portrait second.",
        )
    if not reader.is_still:
        raise MediaError(
            f"{name} is a video, not a picture",
            hint="Save one frame of it as a PNG or JPEG file.",
        )


def head_of(path: PictureFile, name: str) -> bytes:
    """The first bytes of a file, which is left where it was.

    Raises:
        MediaError: it is missing or can't be read.
    """
    with media_faults(name, "read"):
        if isinstance(path, str | os.PathLike):
            with open(path, "rb") as file:
                return file.read(_HEAD_BYTES)
        start = path.tell()
        head = path.read(_HEAD_BYTES)
        path.seek(start)
        return head


def _unread(name: str, kind: str) -> MediaError:
    """The error for a picture that libav can't read, or no picture at all."""
    if not kind:
        return MediaError(f"{name} isn't a picture", hint="Give a PNG, JPEG, WebP or AVIF file.")
    if kind in _ALWAYS_READ:
        return MediaError(
            f"cannot read {name}: a damaged {kind} picture",
            hint="the picture is damaged or cut off: save or download it again",
        )
    return MediaError(f"{name} is a picture that can't be read here: {kind}", hint=_SAVE_AS)


def too_large(name: str, size: str) -> MediaError:
    """The error for a picture that would take too much memory."""
    return MediaError(f"{name} has {size}", hint="Scale it down to 4000x4000.")
