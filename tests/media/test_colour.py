"""Colours: YUV matrices and ranges by their tags, without tags by size; HDR; and what VideoSink writes reads back alike."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from vqcodec.media.out.sink import VideoSink
from vqcodec.media.picture.colour import RgbConverter, YuvConverter
from vqcodec.media.picture.hdr import HLG, PQ, to_sdr
from vqcodec.media.picture.rates import nominal_rate
from vqcodec.media.picture.source import VideoSource

PATCHES = np.array(
    [
        (255, 255, 255),
        (0, 0, 0),
        (200, 30, 30),
        (30, 200, 30),
        (30, 30, 200),
        (190, 140, 120),
        (128, 128, 128),
        (250, 240, 20),
    ],
    np.uint8,
)
BT601, BT709, BT2020 = (0.299, 0.114), (0.2126, 0.0722), (0.2627, 0.0593)


def patches(width: int = 128, height: int = 64) -> np.ndarray:
    return np.repeat(np.repeat(PATCHES[None], height, axis=0), width // len(PATCHES), axis=1)


def planes(
    rgb: np.ndarray, weights: tuple[float, float], full: bool, bits: int = 8
) -> list[np.ndarray]:
    """Exact Y, Cb, Cr of 4:4:4 (H.273 equations 37 to 42)."""
    red, green, blue = np.moveaxis(rgb.astype(float) / 255, -1, 0)
    kr, kb = weights
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    chroma = [(blue - luma) / (2 * (1 - kb)), (red - luma) / (2 * (1 - kr))]
    scale, top = 1 << (bits - 8), (1 << bits) - 1
    if full:
        return [
            np.rint(top * luma),
            *(np.rint(top * c + (1 << (bits - 1))).clip(0, top) for c in chroma),
        ]
    return [np.rint((16 + 219 * luma) * scale), *(np.rint((128 + 224 * c) * scale) for c in chroma)]


def yuv_frame(
    rgb: np.ndarray,
    weights: tuple[float, float],
    full: bool,
    space: int,
    span: int,
    bits: int = 8,
    name: str = "",
) -> av.VideoFrame:
    name = name or ("yuv444p" if bits == 8 else f"yuv444p{bits}le")
    dtype = np.uint8 if bits == 8 else np.uint16
    frame = av.VideoFrame(rgb.shape[1], rgb.shape[0], name)
    for plane, values in zip(frame.planes, planes(rgb, weights, full, bits), strict=True):
        rows = np.zeros((rgb.shape[0], plane.line_size // np.dtype(dtype).itemsize), dtype)
        rows[:, : rgb.shape[1]] = values.astype(dtype)
        plane.update(rows.tobytes())
    frame.colorspace, frame.color_range = space, span
    return frame


@pytest.mark.parametrize(
    ("weights", "full", "space", "span", "bits"),
    [
        (BT709, False, 1, 1, 8),
        (BT601, False, 5, 1, 8),
        (BT601, False, 6, 1, 8),
        (BT709, True, 1, 2, 8),
        (BT601, True, 5, 2, 8),
        (BT709, False, 1, 1, 10),
        (BT2020, False, 9, 1, 10),
        (BT601, False, 2, 0, 8),
        (BT601, True, 2, 2, 8),
    ],
)
def test_matrix_and_range_by_tags(
    weights: tuple[float, float], full: bool, space: int, span: int, bits: int
) -> None:
    frame = yuv_frame(patches(), weights, full, space, span, bits)
    error = RgbConverter(frame).rgb(frame).astype(int) - patches()
    assert np.abs(error).max() <= 3
    assert np.abs(error.mean((0, 1))).max() < 0.8


def test_large_pictures_without_tags_are_bt709() -> None:
    rgb = patches(1280, 720)
    frame = yuv_frame(rgb, BT709, False, 2, 0)
    assert np.abs(RgbConverter(frame).rgb(frame).astype(int) - rgb).max() <= 3


def test_jpeg_formats_without_tags_are_full_range() -> None:
    frame = yuv_frame(patches(), BT601, True, 2, 0, name="yuvj444p")
    assert np.abs(RgbConverter(frame).rgb(frame).astype(int) - patches()).max() <= 4


@pytest.mark.parametrize("name", ["rgb24", "bgr24", "rgba", "gbrp", "rgb48le", "gray"])
def test_formats_that_are_not_yuv(name: str) -> None:
    rgb = patches()
    if name == "gray":
        rgb = np.repeat(rgb[..., :1], 3, axis=2)
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb[..., 0]), format="gray")
    else:
        frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format=name)
    assert np.abs(RgbConverter(frame).rgb(frame).astype(int) - rgb).max() <= 1


def test_yuv_is_bt709_and_tagged() -> None:
    rgb = patches()
    frame = YuvConverter().yuv(rgb)
    assert (frame.format.name, int(frame.colorspace), int(frame.color_range)) == ("yuv420p", 1, 1)
    luma = np.frombuffer(frame.planes[0], np.uint8).reshape(64, -1)[:, :128]
    assert np.abs(luma - planes(rgb, BT709, False)[0]).max() <= 1


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm"])
def test_colours_survive_writing_and_reading(tmp_path: Path, name: str) -> None:
    rgb = patches()
    with VideoSink(
        tmp_path / name, width=128, height=64, frame_rate_hz=Fraction(25), crf=4
    ) as sink:
        for index in range(3):
            sink.write_frame(rgb, Fraction(index, 25))
    with av.open(str(tmp_path / name)) as container:
        frame = next(container.decode(video=0))
        assert (int(frame.colorspace), int(frame.color_range)) == (1, 1)
    with VideoSource(tmp_path / name) as source:
        got = next(iter(source)).rgb.astype(int)
    inner = (np.arange(128) % 16 > 2) & (
        np.arange(128) % 16 < 13
    )  # away from the edges, where 4:2:0 mixes patches
    assert np.abs(got - rgb)[:, inner].max() <= 6
    assert np.abs((got - rgb)[:, inner].mean((0, 1))).max() < 1.0


@pytest.mark.parametrize(("transfer", "white", "middle"), [(PQ, 0.58, 0.38), (HLG, 0.75, 0.38)])
def test_hdr_is_shown_sanely(transfer: int, white: float, middle: float) -> None:
    ramp = np.repeat(np.linspace(0, 255, 256).astype(np.uint8)[None, :, None], 3, axis=2)
    shown = to_sdr(ramp, transfer, 9)[0].astype(int)
    assert np.abs(shown - shown[:, :1]).max() <= 2  # grey stays grey
    assert (np.diff(shown[:, 0]) >= 0).all() and shown[0, 0] <= 2 and shown[-1, 0] >= 240
    assert (
        200 <= shown[round(255 * white), 0] <= 245
    )  # diffuse white (BT.2408) is bright, with room above it
    assert 70 <= shown[round(255 * middle), 0] <= 150  # 18 % grey


def test_hdr_reaches_the_frames(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 64, "yuv444p10le"
        context = stream.codec_context
        context.color_trc, context.color_primaries, context.colorspace, context.color_range = (
            HLG,
            9,
            9,
            1,
        )
        frame = yuv_frame(np.full((64, 128, 3), 191, np.uint8), BT2020, False, 9, 1, 10)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    buffer.seek(0)
    with VideoSource(buffer) as source:
        assert 205 <= next(iter(source)).rgb.mean() <= 245


@pytest.mark.parametrize(
    "rate",
    [
        8,
        12,
        Fraction(24000, 1001),
        24,
        25,
        Fraction(30000, 1001),
        30,
        50,
        Fraction(60000, 1001),
        60,
    ],
)
def test_nominal_rate_in_spite_of_a_wrong_header(rate: Fraction) -> None:
    milliseconds = [round(index * 1000 / Fraction(rate)) for index in range(48)]
    for declared in ((Fraction(1000),), (None, Fraction(90000)), (Fraction(rate),)):
        assert nominal_rate(declared, milliseconds, Fraction(1, 1000)) == rate


def test_nominal_rate_of_few_or_odd_stamps() -> None:
    base = Fraction(1, 1000)
    assert nominal_rate((None,), [], base) == 25
    assert nominal_rate((Fraction(30),), [5], base) == 30
    assert nominal_rate((Fraction(30),), [0, 33, 66, 99, 2000, 2033, 2066], base) == 30
    assert 1 <= nominal_rate((), [0, 100_000], base) <= 240
