"""Still pictures: the coded portrait (AVIF) and pictures that a user gives."""

from __future__ import annotations

import io
import math
import os
import warnings
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from vqcodec.errors import BitstreamError, MediaError, UsageError
from vqcodec.format import MAX_STILL_BYTES
from vqcodec.media.faults import media_error
from vqcodec.media.picture.probe import probe
from vqcodec.media.still.avif_size import largest_side

_MAX_PICTURE_PIXELS = 160_000_000  # the largest cameras there are make 151 megapixels
_KEPT_PIXELS = 32_000_000
_PICTURE_FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "BMP", "TIFF", "GIF")

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


def load_picture(path: str | os.PathLike[str] | BinaryIO) -> NDArray[np.uint8]:
    """Read a PNG, JPEG, WebP, AVIF, BMP, TIFF or GIF picture of any size as (H, W, 3) uint8 sRGB, upright by its EXIF flag.

    Transparency is laid over white; a colour profile is converted to sRGB; of an animation the first picture is taken.
    A picture of more than 32 megapixels is scaled down by a whole number until it has no more.

    Raises:
        MediaError: missing, not a picture, damaged, or more than 160 megapixels (before anything of it is decoded).
    """
    name = picture_name(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=_PICTURE_FORMATS) as picture:
                if picture.width * picture.height > _MAX_PICTURE_PIXELS:
                    raise _too_large(name, f"{picture.width}x{picture.height}")
                return _srgb(_upright(picture))
    except MediaError:
        raise
    except Image.DecompressionBombError as error:
        raise _too_large(name, "far more") from error
    except (UnidentifiedImageError, SyntaxError) as error:
        raise _no_picture(path, name) from error
    except OSError as error:
        if error.errno is None:  # Pillow's own
            raise MediaError(
                f"cannot read {name}: {error}", hint="the picture is damaged or cut off"
            ) from error
        raise media_error(error, name, "read") from error
    except Exception as error:  # Pillow raises nearly anything for damaged data
        raise MediaError(f"cannot read {name}: {error}", hint="the picture is damaged") from error


def picture_name(path: str | os.PathLike[str] | BinaryIO) -> str:
    """What to call a picture in messages."""
    return (
        os.fspath(path)
        if isinstance(path, str | os.PathLike)
        else str(getattr(path, "name", "<stream>"))
    )


def _too_large(name: str, size: str) -> MediaError:
    return MediaError(
        f"{name} has {size} pixels; at most {_MAX_PICTURE_PIXELS // 1_000_000} million are read",
        hint="scale it down to 4000x4000",
    )


def _no_picture(path: str | os.PathLike[str] | BinaryIO, name: str) -> MediaError:
    """The error for what Pillow doesn't know; it says what the file is instead, where libav knows."""
    if isinstance(path, str | os.PathLike) and os.path.isfile(path):
        if os.path.getsize(path) == 0:
            return MediaError(
                f"{name} isn't a picture: the file is empty", hint="save or download it again"
            )
        try:
            found = probe(path)
        except MediaError:
            found = None
        if found is not None and found.has_video and not found.is_still:
            return MediaError(
                f"{name} is a video, not a picture",
                hint="save one frame of it as a PNG or JPEG file",
            )
        if found is not None and not found.has_video:
            return MediaError(
                f"{name} is a sound file, not a picture",
                hint="a sound comes first, its portrait second",
            )
    return MediaError(f"{name} isn't a picture", hint="give a PNG, JPEG, WebP or AVIF file")


def _upright(picture: Image.Image) -> Image.Image:
    """Turned as its EXIF flag says, in as few pixels as are kept; copied only where it must be."""
    factor = _factor(picture)
    if factor > 1:
        picture.draft(
            None, (picture.width // factor, picture.height // factor)
        )  # JPEG decodes to a smaller size
    ImageOps.exif_transpose(picture, in_place=True)
    if picture.mode.startswith("I"):  # 16-bit grey, which convert() would clip instead of scale
        picture = Image.fromarray((np.asarray(picture) >> 8).clip(0, 255).astype(np.uint8))
    factor = _factor(picture)
    if factor == 1:
        return picture
    if picture.mode in ("1", "P", "PA"):  # whose numbers can't be averaged
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    return picture.reduce(factor)


def _factor(picture: Image.Image) -> int:
    return math.ceil(math.sqrt(picture.width * picture.height / _KEPT_PIXELS))


def _srgb(picture: Image.Image) -> NDArray[np.uint8]:
    profile = picture.info.get("icc_profile")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    if profile and picture.mode in ("RGB", "CMYK"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(
                picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
            picture = converted or picture
        except (ImageCms.PyCMSError, OSError):
            pass  # a broken profile: the numbers are most likely sRGB
    return np.array(picture.convert("RGB"))
