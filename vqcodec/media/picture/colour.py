"""Decoded pictures as upright RGB, and RGB as the yuv420p that a player expects.

swscale's default YUV->RGB path is fast but darkens by 1.1 to 1.4 levels and puts one chroma value on two pixels. With
full chroma interpolation and accurate rounding into planes the mean error is 0.1 level, at 0.4 ms for 512x512.
"""

from __future__ import annotations

import math
from fractions import Fraction

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, VideoReformatter
from numpy.typing import ArrayLike, NDArray

from vqcodec.media.picture.display import degrees_clockwise, display_matrix, turn_of
from vqcodec.media.picture.hdr import BT2020_PRIMARIES, is_hdr, to_sdr
from vqcodec.runtime.opencv import cv2

_BILINEAR, _BICUBIC, _FULL_CHROMA, _ACCURATE = (
    2,
    4,
    0x2000 | 0x4000,
    0x40000,
)  # libswscale/swscale.h
_HD_HEIGHT_PX, _HD_WIDTH_PX = 720, 1280
MAX_SIDE_PX = 16384
MAX_PIXELS = 36_000_000
"""What is decoded: 7680x4320 is 33 million."""
MAX_DEEP_PIXELS = 13_500_000
"""What is decoded of more than 8 bits, 4096x3072: decoders keep ten pictures, which would take a gigabyte."""
KEPT_PIXELS = 9_500_000
"""What is converted and kept waiting, 4096x2304: larger pictures are scaled down, or they would take more than a gigabyte."""

_BT709, _BT601, _BT2020 = (
    1,
    5,
    9,
)  # swscale's SWS_CS_*; numbers, because PyAV 16 doesn't name all of them

# H.273 matrix coefficients -> swscale's. 4 is FCC, 5 and 6 are BT.601, 7 SMPTE 240M, 9 and 10 BT.2020.
_MATRIX = {1: _BT709, 4: 4, 5: _BT601, 6: _BT601, 7: 7, 9: _BT2020, 10: _BT2020}
_YCGCO = 8  # H.273 equations 60 to 68, which swscale takes for BT.601
# (Y, Cg, Co) of full range, chroma around 128 -> (R, G, B)
_FROM_YCGCO = np.array([[1, -1, 1, 0], [1, 1, 0, -128], [1, -1, -1, 256]], np.float32)
# matrices that are read as another one: too rare to be worth their own, but not to be passed over in silence
_OTHER_MATRICES = {11: "YDzDx", 13: "constant luminance", 14: "ICtCp", 15: "IPT-C2"}


def fits(width: int, height: int, depth: int = 8) -> bool:
    """Whether pictures of this size and so many bits a sample are taken."""
    most = MAX_PIXELS if depth <= 8 else MAX_DEEP_PIXELS
    return max(width, height) <= MAX_SIDE_PX and width * height <= most


def matrix_of(frame: av.VideoFrame) -> int:
    """The YUV matrix of a picture; where it isn't told, BT.601 below 720 lines and BT.709 from there, as players do."""
    known = _MATRIX.get(int(frame.colorspace))
    if known is not None:
        return known
    if int(getattr(frame, "color_primaries", 2)) == BT2020_PRIMARIES:
        return _BT2020
    is_hd = (
        max(frame.width, frame.height) >= _HD_WIDTH_PX
        or min(frame.width, frame.height) >= _HD_HEIGHT_PX
    )
    return _BT709 if is_hd else _BT601


def guessed_matrix(frame: av.VideoFrame) -> str:
    """In words, when a picture says a matrix that isn't known here; "" otherwise."""
    name = _OTHER_MATRICES.get(int(frame.colorspace))
    return "" if name is None else f"the colours' matrix is {name}: they are shown by a usual one"


def has_floats(frame: av.VideoFrame) -> bool:
    """Whether the samples are floats: swscale takes 1.0 for white, whatever the picture means."""
    return "f32" in frame.format.name or "f16" in frame.format.name


def range_of(frame: av.VideoFrame) -> ColorRange:
    """Limited or full range; where it isn't told, full for JPEG's and grey formats, limited otherwise."""
    told = int(frame.color_range)
    if told in (ColorRange.MPEG, ColorRange.JPEG):
        return ColorRange(told)
    return (
        ColorRange.JPEG if frame.format.name.startswith(("yuvj", "gray", "ya")) else ColorRange.MPEG
    )


def _u8(array: ArrayLike) -> NDArray[np.uint8]:
    return np.asarray(array, dtype=np.uint8)


def shown_size(width: int, height: int, pixel_aspect: Fraction) -> tuple[int, int]:
    """Size in square pixels; an aspect outside 1/4..4 is a broken header and ignored."""
    if pixel_aspect == 1 or not Fraction(1, 4) <= pixel_aspect <= 4:
        return width, height
    return max(1, round(width * pixel_aspect)), height


def _kept_size(width: int, height: int) -> tuple[int, int]:
    scale = min(math.sqrt(KEPT_PIXELS / (width * height)), 1.0)
    return max(int(width * scale), 1), max(int(height * scale), 1)


class RgbConverter:
    """Pictures of one stream -> (H, W, 3) uint8 RGB: upright, square pixels, all of the first picture's size.

    Attributes:
        width: of the result in pixels, at most KEPT_PIXELS in all.
        height: likewise.
    """

    def __init__(
        self,
        first: av.VideoFrame,
        pixel_aspect: Fraction = Fraction(1),
        context: VideoCodecContext | None = None,
    ) -> None:
        """Fix size and turn by the stream's first picture.

        `pixel_aspect` is a pixel's width over its height; `context` the decoder, for tags that PyAV 16 doesn't give on
        pictures.
        """
        self._context = context
        self._reformatter = VideoReformatter()
        matrix = display_matrix(first)
        self._turn = turn_of(matrix)
        self._flat = _kept_size(*shown_size(first.width, first.height, pixel_aspect))
        self.width, self.height = (
            self._flat[::-1] if degrees_clockwise(matrix) in (90, 270) else self._flat
        )

    def rgb(self, frame: av.VideoFrame) -> NDArray[np.uint8]:
        """The picture as a new array."""
        width, height = self._flat
        scaled = (frame.width, frame.height) != self._flat
        colours: dict[str, int] = {}
        if not frame.format.is_rgb:
            # RGB has no matrix, but PyAV 16 heeds the source's only if the destination's is another one.
            matrix = matrix_of(frame)
            colours = {
                "src_colorspace": matrix,
                "dst_colorspace": _BT709 if matrix != _BT709 else _BT601,
                "src_color_range": range_of(frame),
                "dst_color_range": ColorRange.JPEG,
            }
        clear = _may_be_clear(frame)
        ycgco = "src_colorspace" in colours and int(frame.colorspace) == _YCGCO
        if ycgco:  # only the range is swscale's to change
            colours["dst_colorspace"] = colours["src_colorspace"]
        planar = self._reformatter.reformat(
            frame,
            width=width,
            height=height,
            format="yuv444p" if ycgco else "gbrap" if clear else "gbrp",
            **colours,
            interpolation=(_BICUBIC if scaled else _BILINEAR) | _FULL_CHROMA | _ACCURATE,
        )
        first, second, third = (_plane(plane, width, height) for plane in planar.planes[:3])
        if ycgco:
            rgb = _u8(cv2.transform(cv2.merge((first, second, third)), _FROM_YCGCO))
        else:
            rgb = _u8(cv2.merge((third, first, second)))
        transfer = self._tag(frame, "color_trc")
        if is_hdr(transfer):
            rgb = to_sdr(rgb, transfer, self._tag(frame, "color_primaries"))
        if clear and not ycgco:
            rgb = _over_white(rgb, _plane(planar.planes[3], width, height))
        return rgb if self._turn is None else self._turn(rgb)

    def _tag(self, frame: av.VideoFrame, name: str) -> int:
        return int(getattr(frame, name, None) or getattr(self._context, name, None) or 2)


def _may_be_clear(frame: av.VideoFrame) -> bool:
    """Whether a picture says how much of what is behind it can be seen."""
    return frame.format.has_palette or any(part.is_alpha for part in frame.format.components)


def _over_white(rgb: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """As viewers show it; what lies under clear pixels is anything."""
    if alpha.min() == 255:
        return rgb
    opaque = alpha[..., None].astype(np.uint32)
    return _u8((rgb * opaque + 255 * (255 - opaque) + 127) // 255)


def _plane(plane: VideoPlane, width: int, height: int) -> NDArray[np.uint8]:
    rows = np.frombuffer(memoryview(plane), np.uint8)[: plane.line_size * height].reshape(
        height, plane.line_size
    )
    return rows[:, :width]


class YuvConverter:
    """RGB -> a yuv420p picture in BT.709, limited range, tagged so."""

    def __init__(self) -> None:
        """Keeps swscale's context between pictures."""
        self._reformatter = VideoReformatter()

    def yuv(self, rgb: NDArray[np.uint8]) -> av.VideoFrame:
        """Convert (H, W, 3) uint8, H and W even."""
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
        out = self._reformatter.reformat(
            frame,
            format="yuv420p",
            dst_colorspace=_BT709,
            dst_color_range=ColorRange.MPEG,
            interpolation=_BILINEAR | _ACCURATE,
        )
        out.colorspace, out.color_range = (
            _BT709,
            ColorRange.MPEG,
        )  # PyAV 16 converts, but leaves the tags to us
        return out
