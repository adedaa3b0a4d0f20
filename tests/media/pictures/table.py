"""Strange pictures, one a row: how each is made, and what must come of it."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

SIZE = 64
CORNERS = ((250, 10, 10), (10, 250, 10), (10, 10, 250), (250, 250, 250))


def scene(width: int = SIZE, height: int = 48) -> np.ndarray:
    """Four quarters of their own colours: which way up it is can be seen."""
    rgb = np.zeros((height, width, 3), np.uint8)
    for number, colour in enumerate(CORNERS):
        y, x = divmod(number, 2)
        rgb[y * height // 2 :, x * width // 2 :] = colour
    return rgb


def ramp() -> np.ndarray:
    """(48, 64) 0..1, from left to right."""
    return np.tile(np.linspace(0, 1, SIZE), (48, 1))


def grey() -> np.ndarray:
    """`ramp` as it should be read."""
    return np.repeat(np.rint(255 * ramp())[..., None], 3, 2).astype(np.uint8)


@dataclass(frozen=True)
class Odd:
    """A picture that isn't as pictures should be.

    Attributes:
        name: of the row, with the file's suffix.
        make: writes the file.
        rgb: what is read; None: it is refused.
        within: mean difference allowed.
        says: words of the remark, or of the error and its hint; "" for none.
    """

    name: str
    make: Callable[[Path], object]
    rgb: np.ndarray | None
    within: float = 1.0
    says: str = ""

    def __str__(self) -> str:
        return self.name


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x112] = orientation
    return exif


def _stored(orientation: int) -> Image.Image:
    """What a camera stores that is held so."""
    upright = Image.fromarray(scene())
    turns = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the inverse of what is shown
    if orientation == 1:
        return upright
    return upright.transpose(Image.Transpose(turns[orientation]))


def _two_in_one(orientation: int) -> Callable[[Path], object]:
    """JPEG with another picture behind it (CIPA DC-007), as telephones write for HDR."""
    behind = [Image.fromarray(255 - scene())]
    more = {"format": "MPO", "save_all": True, "append_images": behind, "quality": 95}
    return _pil(_stored(orientation), exif=_exif(orientation), **more)


# `scene` as HEVC (x265, 4:4:4, qp 4): its hvcC box, and the picture. Held here, because x265 writes a parameter set that
# FFmpeg's muxer has refused where the whole suite ran in one process.
_HVCC = base64.b64decode(
    "AAAAdGh2Y0MBBAgAAACeCAAAAAAe8AD8//j4AAAPAyAAAQAXQAEMAf//BAgAAAMAnggAAAMAAB6VmAkhAAEAJ0IB"
    "AQQIAAADAJ4IAAADAAAekAQQYssrNcmVzQEAAAMAAQAAAwAZCCIAAQAIRAHBcDBiESA="
)
_HEVC = base64.b64decode(
    "AAAAyygBrwZ4YWYX+JX///x0f5D80GCAv+7gOZbwfhHvS/fkX//dtcCImuTN3VjeYUUlWD8LvQHoDDuSrgXA2bFj"
    "5x9mt2i9g83ejXOG6x89Vx/7pxv/6HsZ2EGMr/dYLWFCM/7jkS0J7x73DzX0x0Ov5/AYfGSlj05vFW/pDTQvDtDK"
    "IWO4IzcoPVzw/VygjWNvdMPwtHwGkYB4yTCFQH+AoA37fvYeV0FSynJQBhEKhRCLlQ80peGfUALMfRZnJCcwrCNY"
    "VYufgrYnJkic"
)


def _heic(path: Path, tiles: int = 1) -> None:
    """HEVC in the boxes of HEIF (ISO/IEC 23008-12)."""
    path.write_bytes(heif(_HVCC, [_HEVC] * tiles, SIZE, 48))


def _cut_heic(path: Path) -> None:
    _heic(path)
    path.write_bytes(path.read_bytes()[:-90])


def box(kind: bytes, *body: bytes) -> bytes:
    data = b"".join(body)
    return struct.pack(">I4s", len(data) + 8, kind) + data


def heif(hvcc: bytes, pictures: list[bytes], width: int, height: int) -> bytes:
    """HEIC of one picture, or of tiles side by side."""
    full = bytes(4)
    grid = len(pictures) > 1
    items = [(number + 1, b"hvc1", data) for number, data in enumerate(pictures)]
    if grid:
        shape = struct.pack(">BBBBHH", 0, 0, 0, len(pictures) - 1, width * len(pictures), height)
        items.append((len(items) + 1, b"grid", shape))
    head = box(b"ftyp", b"heic", full, b"mif1heic")
    infe = [box(b"infe", b"\2\0\0\0", struct.pack(">HH4sB", n, 0, t, 0)) for n, t, _ in items]
    sizes = [(width, height), (width * len(pictures), height)]
    props = box(b"ipco", hvcc, *(box(b"ispe", full, struct.pack(">II", *s)) for s in sizes))
    links = b"".join(
        struct.pack(">HB", n, 2) + (b"\x81\2" if t == b"hvc1" else b"\x81\3") for n, t, _ in items
    )
    ipma = box(b"ipma", full, struct.pack(">I", len(items)), links)
    refs = struct.pack(">HH", len(items), len(pictures))
    refs += b"".join(struct.pack(">H", n + 1) for n in range(len(pictures)))

    def meta(start: int) -> bytes:
        places = b""
        for number, _, data in items:
            places += struct.pack(">HHHII", number, 0, 1, start, len(data))
            start += len(data)
        iloc = box(b"iloc", full, b"\x44\0", struct.pack(">H", len(items)), places)
        hdlr = box(b"hdlr", bytes(8), b"pict", bytes(13))
        pitm = box(b"pitm", full, struct.pack(">H", len(items) if grid else 1))
        iinf = box(b"iinf", full, struct.pack(">H", len(items)), *infe)
        iref = box(b"iref", full, box(b"dimg", refs)) if grid else b""
        return box(b"meta", full, hdlr, pitm, iloc, iinf, iref, box(b"iprp", props, ipma))

    start = len(head) + len(meta(0)) + 8
    return head + meta(start) + box(b"mdat", *(data for _, _, data in items))


def png(width: int, height: int) -> bytes:
    """A white PNG, however large, in few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    packer = zlib.compressobj(9)
    row = b"\0" + b"\xff" * width
    rows = [packer.compress(row * min(1 << 14, height - y)) for y in range(0, height, 1 << 14)]
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = b"".join(rows) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def _cv(samples: np.ndarray) -> Callable[[Path], object]:
    return lambda path: cv2.imwrite(str(path), samples)


def _pil(picture: Image.Image, **more: Any) -> Callable[[Path], object]:
    return lambda path: picture.save(path, **more)


def _integers(top: int) -> np.ndarray:
    return np.rint(top * ramp()).astype(np.uint16)


def _deep(bits: int, clear: bool) -> np.ndarray:
    """`scene` in so many of 16 bits, as OpenCV writes it."""
    samples = np.rint(scene()[..., ::-1] / 255 * ((1 << bits) - 1)).astype(np.uint16)
    return np.dstack([samples, np.full(samples.shape[:2], 65535, np.uint16)]) if clear else samples


_FLOATS = scene()[..., ::-1].astype(np.float32)
_GREY = ramp().astype(np.float32)

_MOVING = Image.fromarray(scene())
_MORE: dict[str, Any] = {"save_all": True, "append_images": [Image.fromarray(255 - scene())]}


def _cut_behind(path: Path) -> None:
    """An animation whose second picture isn't whole."""
    _MOVING.save(path, **_MORE)
    path.write_bytes(path.read_bytes()[:-20])


def _start_only(kind: str) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        _MOVING.save(path, kind)
        path.write_bytes(path.read_bytes()[:40])

    return make


ROWS = [
    *(
        Odd(f"animation.{suffix}", _pil(_MOVING, **_MORE, **more), scene(), 3, "an animation, of")
        for suffix, more in (
            ("gif", {}),
            ("png", {}),
            ("webp", {"lossless": True}),
            ("avif", {"quality": 95, "subsampling": "4:4:4"}),
        )
    ),
    Odd("animation cut behind its first.gif", _cut_behind, scene(), 3, "an animation, of"),
    Odd("pages.tif", _pil(_MOVING, **_MORE), scene(), says="of its pages the first"),
    *(
        Odd(f"start of one.{suffix}", _start_only(kind), None, says=words)
        for suffix, kind, words in (
            ("png", "PNG", "a damaged PNG"),
            ("jpg", "JPEG", "cut off"),
            ("gif", "GIF", "damaged"),
        )
    ),
    *(
        Odd(f"held as {n}.jpg", _pil(_stored(n), exif=_exif(n), quality=95), scene(), 3)
        for n in range(1, 9)
    ),
    *(Odd(f"held as {n}.tif", _pil(_stored(n), exif=_exif(n)), scene()) for n in (1, 6)),
    Odd("broken EXIF.jpg", _pil(_stored(1), exif=b"Exif\0\0nonsense", quality=95), scene(), 3),
    *(Odd(f"two pictures in one, held as {n}.jpg", _two_in_one(n), scene(), 3) for n in (1, 6)),
    Odd("HEIC.heic", _heic, scene(), 3),
    Odd("HEIC called a JPEG.jpg", _heic, scene(), 3),
    Odd("HEIC of tiles.heic", lambda path: _heic(path, 2), np.tile(scene(), (1, 2, 1)), 3),
    Odd("HEIC cut short.heic", _cut_heic, None, says="the picture is damaged"),
    Odd("floats 0 to 1.tif", _cv(_FLOATS / 255), scene()),
    Odd("floats 0 to 255.tif", _cv(_FLOATS), scene(), says="taken as 0 to 255"),
    Odd(
        "floats with highlights.tif",
        _cv(np.where(_FLOATS > 200, np.float32(1.5), _FLOATS / 255)),
        scene(),
        3,
    ),
    Odd("floats of 64 bits.tif", _cv(_FLOATS.astype(np.float64)), None, says="TIFF"),
    Odd("grey floats.tif", _cv(_GREY), grey()),
    Odd("grey floats to 65535.tif", _cv(_GREY * 65535), grey(), says="taken as 0 to 65535"),
    Odd("16 bits grey.tif", _cv(_integers(65535)), grey()),
    Odd("16 bits grey.png", _cv(_integers(65535)), grey()),
    Odd("12 bits in 16, grey.png", _cv(_integers(4095)), grey(), says="taken as 12 bits"),
    Odd("14 bits in 16, grey.tif", _cv(_integers(16383)), grey(), says="taken as 14 bits"),
    Odd("10 bits in 16, grey.png", _cv(_integers(1023)), grey(), says="taken as 10 bits"),
    Odd("8 bits in 16, grey.png", _cv(_integers(255)), grey(), says="taken as 8 bits"),
    *(
        Odd(f"{bits} bits in 16, colours{what}", _cv(_deep(bits, clear)), scene(), 1, says)
        for bits, says in ((10, "taken as 10 bits"), (12, "taken as 12 bits"), (16, ""))
        for what, clear in ((".png", False), (".tif", False), (", opaque.png", True))
    ),
    Odd(
        "32 bits grey.tif",
        _pil(Image.fromarray(_integers(65535).astype(np.int32))),
        grey(),
        says="16 bits",
    ),
    Odd("Photoshop.psd", lambda path: path.write_bytes(b"8BPS" + bytes(60)), None, says="PSD"),
    Odd("drawing.svg", lambda path: path.write_bytes(b"<svg xmlns='x'></svg>"), None, says="SVG"),
    Odd(
        "JPEG XL.jpg", lambda path: path.write_bytes(b"\xff\x0a" + bytes(60)), None, says="JPEG XL"
    ),
    Odd(
        "raw.cr3",
        lambda path: path.write_bytes(b"\0\0\0\x18ftypcrx " + bytes(60)),
        None,
        says="CR3",
    ),
    Odd("empty.png", lambda path: path.write_bytes(b""), None, says="empty"),
    Odd(
        "33000 wide.png",
        lambda path: path.write_bytes(png(33_000, 16)),
        np.full((6, 11_000, 3), 255, np.uint8),
    ),
    Odd(
        "32767 high.png",
        lambda path: path.write_bytes(png(16, 32_767)),
        np.full((16_384, 8, 3), 255, np.uint8),
    ),
    Odd(
        "2 million high.png",
        lambda path: path.write_bytes(png(1, 2_000_000)),
        None,
        says="sides above 65535",
    ),
    Odd(
        "170 megapixels.png",
        lambda path: path.write_bytes(png(13_000, 13_000)),
        None,
        says="at most 162",
    ),
]
