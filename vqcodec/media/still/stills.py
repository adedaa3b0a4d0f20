"""The coded portrait of a stream of version 1: an AVIF still."""

from __future__ import annotations

import io
import math
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vqcodec.errors import BitstreamError, UsageError
from vqcodec.format import MAX_STILL_BYTES
from vqcodec.media.still.avif_size import largest_side

# Measured on corpus/val at 512x512 and 6-12 kB: speed 6 costs 0.12 s and 5 % more bytes than speed 4, which takes 0.8 s;
# 4:2:0 and 4:4:4 are within 0.1 dB of each other at the same size (the sources are 4:2:0).
_SPEED, _SUBSAMPLING = 6, "4:2:0"
_SEARCH_STEPS = 7
_NEAR_ENOUGH = 0.96


def encode_avif(
    rgb: NDArray[np.uint8], *, quality: int | None = None, target_bytes: int | None = None
) -> bytes:
    """Code a picture as AVIF, by quality or by size.

    Args:
        rgb: (H, W, 3) uint8.
        quality: 0..100, Pillow's scale. A talking head at 512x512 takes about 7 kB at 45, 10 kB at 60, 14 kB at 70.
        target_bytes: a good quality whose file is not larger (the smallest file there is, if none fits).

    Raises:
        UsageError: not (H, W, 3) uint8, both or none of quality and target_bytes given, or out of range.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or not rgb.size:
        raise UsageError(
            f"a picture of shape {rgb.shape}, {rgb.dtype}", hint="give (H, W, 3) uint8"
        )
    if (quality is None) == (target_bytes is None):
        raise UsageError("give either quality or target_bytes")
    picture = Image.fromarray(np.ascontiguousarray(rgb))
    if quality is not None:
        if not 0 <= quality <= 100:
            raise UsageError(f"a portrait quality of {quality}", hint="give 0 to 100")
        return _avif(picture, quality)
    assert target_bytes is not None
    if target_bytes < 1:
        raise UsageError(f"a portrait of {target_bytes} bytes", hint="6000 to 12000 suits 512x512")
    return _avif_within(picture, target_bytes)


def _avif(picture: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "AVIF", quality=quality, speed=_SPEED, subsampling=_SUBSAMPLING)
    return buffer.getvalue()


def _avif_within(picture: Image.Image, target_bytes: int) -> bytes:
    """Search the quality by bisection and by the slope of log(size), which is nearly straight, in turns."""
    low, high = 0, 101  # low fits (or nothing does), high doesn't
    best: bytes | None = None
    guess, slope = 52, 0.033
    for _ in range(_SEARCH_STEPS):
        data = _avif(picture, guess)
        if len(data) <= target_bytes:
            low, best = guess, data
            if len(data) >= _NEAR_ENOUGH * target_bytes:
                break
        else:
            high = guess
        if high - low <= 1:
            break
        guess += round(math.log(_NEAR_ENOUGH**0.5 * target_bytes / len(data)) / slope)
        if not low < guess < high:
            guess = (low + high) // 2
    return best if best is not None else _avif(picture, 0)


def decode_still(data: bytes, *, size_px: int = 512) -> NDArray[np.uint8]:
    """Decode the still of a KEYF chunk to (size_px, size_px, 3) uint8 RGB.

    Raises:
        BitstreamError: code "bad-still": not AVIF, another size, damaged, or longer than a stream may hold.
    """
    if not 0 < len(data) <= MAX_STILL_BYTES:
        raise BitstreamError(f"a still of {len(data)} bytes", code="bad-still")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.open(io.BytesIO(data), formats=["AVIF"])
            # The size is checked before anything is decoded, so that a few bytes can't ask for gigabytes.
            if picture.size != (size_px, size_px) or getattr(picture, "n_frames", 1) != 1:
                raise BitstreamError(
                    f"a still of {picture.size[0]}x{picture.size[1]} where {size_px}x{size_px} is due",
                    code="bad-still",
                )
            # AVIF declares a size beside the coded picture's own, which is what the decoder allocates
            if largest_side(data) > size_px:
                raise BitstreamError(
                    f"a still that holds a larger picture than {size_px}x{size_px}",
                    code="bad-still",
                )
            return np.array(picture.convert("RGB"))
    except BitstreamError:
        raise
    except Exception as error:  # Pillow raises nearly anything for damaged data
        raise BitstreamError(
            "the still can't be decoded", code="bad-still", hint="the file is damaged"
        ) from error
