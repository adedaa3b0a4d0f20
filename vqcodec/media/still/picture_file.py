r"""Pictures that a user gives: any size, colour and kind, upright, in little memory.

file --Pillow--> its own mode --strips: 8 bits, white behind, fewer pixels--> RGB --turned, to sRGB--> Picture
     \\--libav, what Pillow doesn't know (other.py): float TIFF, OpenEXR ...-------------------------/
"""

from __future__ import annotations

import io
import math
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageFile, UnidentifiedImageError

from vqcodec.errors import MediaError
from vqcodec.media.faults import media_error, media_faults
from vqcodec.media.picture.colour import MAX_DEEP_PIXELS
from vqcodec.media.picture.display import turn_of
from vqcodec.media.picture.opening import is_pipe
from vqcodec.media.still.kinds import picture_kind
from vqcodec.media.still.levels import Levels
from vqcodec.media.still.other import PictureFile, head_of, read_other, too_large

MAX_SIDE_PX = 65_535
_KEPT_PIXELS = 32_000_000
_KEPT_SIDE_PX = 16_384
_STRIP_PIXELS = 4_000_000
# What Pillow and its libraries keep at their worst, bytes a pixel, measured: the picture, of 1 to 4; progressive JPEG its
# coefficients, TIFF its strips, WebP, AVIF and HEIC the picture once or twice more.
_BYTES_PER_PIXEL = {"PNG": 4, "BMP": 4, "GIF": 6, "TIFF": 7, "JPEG": 6, "WEBP": 12, "AVIF": 12}
_HEIF = {"HEIF": 8}
# JPEGs that hold more than one picture, as telephones write them: Pillow opens them as JPEG and calls them so afterwards
_OTHERS = {"MPO": 6}
_MAX_BYTES = 650_000_000
_MAX_PIPED_BYTES = 128 << 20
_EXIF_ORIENTATION, _TIFF_BITS = 0x112, 258
# as display matrices: which way the stored columns and rows go
_EXIF_TURNS = {
    2: (-1, 0, 0, 1),
    3: (-1, 0, 0, -1),
    4: (1, 0, 0, -1),
    5: (0, 1, 1, 0),
    6: (0, 1, -1, 0),
    7: (0, -1, -1, 0),
    8: (0, -1, 1, 0),
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as read.

    Attributes:
        rgb: (H, W, 3) uint8 sRGB, upright; at most 32 megapixels and 16,384 pixels a side.
        name: what to call it in messages.
        warnings: what was guessed, in sentences.
    """

    rgb: NDArray[np.uint8]
    name: str
    warnings: tuple[str, ...] = ()


class _FewBitsError(Exception):
    """Colours of 16 bits that seem to be fewer: Pillow keeps the upper 8 alone."""


def load_picture(path: PictureFile) -> Picture:
    """Read a picture: PNG, JPEG, WebP, AVIF, HEIC, BMP, TIFF, GIF, and what libav knows beside these, OpenEXR for one.

    It is turned upright by its EXIF flag; transparency is laid over white; a colour profile is converted to sRGB; grey of
    10 to 32 bits and floats are scaled; of an animation the first picture is taken, with a
    warning. One of more than 32 megapixels, or 16,384 pixels a side, is scaled down by a whole number.

    Raises:
        MediaError: missing, not a picture, damaged, a side above 65,535 pixels, or so large that reading it could take a
            gigabyte: 162 megapixels of PNG, 108 of JPEG, 81 of HEIC, 54 of WebP (before anything of it is decoded).
    """
    name = picture_name(path)
    path = _seekable(path, name)
    start = None if isinstance(path, str | os.PathLike) or not path.seekable() else path.tell()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=_formats(path, name)) as picture:
                _check_size(picture, name)
                return _read(picture, name)
    except MediaError:
        raise
    except Image.DecompressionBombError as error:
        raise too_large(name, "far more than 160 million pixels") from error
    except (UnidentifiedImageError, SyntaxError, _FewBitsError):
        if start is not None and not isinstance(path, str | os.PathLike):
            path.seek(start)
        rgb, guessed = read_other(path, name)
        return _picture(rgb, name, guessed)
    except OSError as error:
        if error.errno is None:  # Pillow's own
            raise MediaError(
                f"cannot read {name}: {error}", hint="the picture is damaged or cut off"
            ) from error
        raise media_error(error, name, "read") from error
    except Exception as error:  # Pillow raises nearly anything for damaged data
        raise MediaError(f"cannot read {name}: {error}", hint="the picture is damaged") from error


def _seekable(path: PictureFile, name: str) -> PictureFile:
    """What comes once, as from a shell's `<(...)`, in memory: it is looked at more than once."""
    if not isinstance(path, str | os.PathLike) or not os.path.exists(path) or not is_pipe(name):
        return path
    with media_faults(name, "read"), open(path, "rb") as pipe:
        data = pipe.read(_MAX_PIPED_BYTES + 1)
    if len(data) > _MAX_PIPED_BYTES:
        raise too_large(name, f"more than {_MAX_PIPED_BYTES >> 20} MiB")
    return io.BytesIO(data)


def _formats(path: PictureFile, name: str) -> list[str]:
    """What Pillow may take a file for. HEIC's reader is another library, loaded only where a file asks for it."""
    known = list(_BYTES_PER_PIXEL)
    if not (isinstance(path, str | os.PathLike) or path.seekable()):
        return known
    if picture_kind(head_of(path, name)) != "HEIC":
        return known
    from pillow_heif import register_heif_opener

    register_heif_opener()
    return [*known, *_HEIF]


def picture_name(path: PictureFile) -> str:
    """What to call a picture in messages."""
    if isinstance(path, str | os.PathLike):
        return os.fspath(path)
    return str(getattr(path, "name", "<stream>"))


def _check_size(picture: ImageFile.ImageFile, name: str) -> None:
    """Refuse, before anything is decoded, what takes too much memory."""
    width, height = picture.size
    if max(width, height) > MAX_SIDE_PX:
        raise too_large(name, f"{width}x{height} pixels, sides above {MAX_SIDE_PX}")
    most = _MAX_BYTES // {**_BYTES_PER_PIXEL, **_HEIF, **_OTHERS}[str(picture.format)]
    if width * height > most:
        told = f"{width}x{height} pixels; of {picture.format} at most {most // 1_000_000} million are read"
        raise too_large(name, told)


def _read(picture: ImageFile.ImageFile, name: str) -> Picture:
    factor = _factor(picture.size)
    if factor > 1:  # JPEG decodes to a smaller size
        picture.draft(None, (picture.width // factor, picture.height // factor))
    is_deep = _is_deep(picture)
    picture.load()
    if is_deep and _is_dark(picture):
        raise _FewBitsError
    levels = _levels(picture)
    matrix = _EXIF_TURNS.get(_orientation(picture), (1, 0, 0, 1))
    rgb = _reduced(picture, levels)
    told = [*([] if levels is None else filter(None, [levels.guessed])), *_others(picture)]
    picture.close()  # its memory is what the turn needs
    a, b, c, d = matrix
    turn = turn_of((a, b, 0, c, d))
    upright = rgb if turn is None else turn(rgb)
    return _picture(upright, name, *told)


def _picture(rgb: NDArray[np.uint8], name: str, *told: str) -> Picture:
    return Picture(rgb, name, tuple(f"{name}: {words}" for words in told if words))


def _others(picture: ImageFile.ImageFile) -> list[str]:
    """That there are more pictures than the one that was read; asked last, since it may leave that one."""
    try:
        if picture.format in (*_OTHERS, *_HEIF) or not getattr(picture, "is_animated", False):
            return []
    except Exception:  # damage behind what was read
        return []
    if picture.format == "TIFF":
        return ["of its pages the first is taken"]
    return ["an animation, of which the first picture is taken"]


def _factor(size: tuple[int, int]) -> int:
    pixels = math.ceil(math.sqrt(size[0] * size[1] / _KEPT_PIXELS))
    return max(pixels, math.ceil(max(size) / _KEPT_SIDE_PX))


def _orientation(picture: Image.Image) -> int:
    """EXIF's, 1..8; 1 where it can't be read: that is no reason to refuse a picture."""
    try:
        return int(picture.getexif().get(_EXIF_ORIENTATION, 1))
    except Exception:
        return 1


def _is_deep(picture: ImageFile.ImageFile) -> bool:
    """Whether a picture that isn't loaded yet has colours of 16 bits, few enough pixels of them to be read as such."""
    if picture.mode.startswith("I") or picture.width * picture.height > MAX_DEEP_PIXELS:
        return False
    return any(";16" in str(tile[3]) for tile in picture.tile)


def _is_dark(picture: Image.Image) -> bool:
    """Whether the upper half of what can be isn't used; how clear the pixels are doesn't count."""
    bands = cast("list[tuple[int, int]]", [band.getextrema() for band in picture.split()])
    shown = len(bands) - (picture.mode in ("LA", "RGBA"))
    return max(top for _, top in bands[:shown]) < 1 << 7


def _levels(picture: Image.Image) -> Levels | None:
    """What white is, of grey of more than 8 bits, which Pillow would clip instead of scale; None for other pictures."""
    if picture.mode == "F":
        return Levels.of_floats(float(np.nan_to_num(cast(Any, picture.getextrema()[1]), posinf=1)))
    if not picture.mode.startswith("I"):
        return None
    bits = 16 if picture.mode.startswith("I;16") else 32
    told = getattr(picture, "tag_v2", {}).get(_TIFF_BITS, ())
    bits = told[0] if told and 8 <= told[0] <= bits else bits
    return Levels.of_integers(int(cast(Any, picture.getextrema()[1])), bits)


def _reduced(picture: Image.Image, levels: Levels | None) -> NDArray[np.uint8]:
    """(H, W, 3) sRGB before white, in as few pixels as are kept. In strips: all of the picture again is too much."""
    factor = _factor(picture.size)
    width, height = picture.size
    rgb = np.empty((-(-height // factor), -(-width // factor), 3), np.uint8)
    to_srgb = _profile(picture)
    clear = levels is None and picture.has_transparency_data
    rows = max(_STRIP_PIXELS // (width * factor), 1) * factor
    for top in range(0, height, rows):
        strip = picture.crop((0, top, width, min(top + rows, height)))
        if levels is not None:
            strip = Image.fromarray(levels.eight_bits(np.asarray(strip)))
        elif clear:
            strip = strip.convert("RGBA")
            strip = Image.alpha_composite(Image.new("RGBA", strip.size, "white"), strip)
        if strip.mode != "CMYK":
            strip = strip.convert("RGB")
        small = to_srgb(strip.reduce(factor) if factor > 1 else strip)
        rgb[top // factor : top // factor + small.height] = np.asarray(small)
    return rgb


def _profile(picture: Image.Image) -> Callable[[Image.Image], Image.Image]:
    """What makes sRGB of RGB and CMYK strips: by the picture's colour profile, if there is one that can be used."""
    profile = picture.info.get("icc_profile")
    mode = "CMYK" if picture.mode == "CMYK" else "RGB"
    if profile:
        try:
            transform = ImageCms.buildTransform(
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                mode,
                "RGB",
            )
            return lambda strip: ImageCms.applyTransform(strip, transform) or strip
        except (ImageCms.PyCMSError, OSError):
            pass  # a broken profile: the numbers are most likely sRGB
    return lambda strip: strip.convert("RGB")
