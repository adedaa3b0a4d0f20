"""Side data that PyAV has no name for, sizes above what is taken, and YCgCo, in what VideoSource reads."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from tests.media.pictures.table import png, scene
from tests.support.media import make_clip, times_at
from vqcodec.errors import MediaError
from vqcodec.media.picture import colour
from vqcodec.media.picture.probe import probe
from vqcodec.media.picture.source import VideoSource
from vqcodec.media.sound.source import SoundSource


def jpeg(orientation: int) -> bytes:
    turns = {1: 0, 3: 2, 6: 1, 8: -1}  # of the stored picture, anticlockwise
    stored = np.ascontiguousarray(np.rot90(scene(), turns[orientation]))
    exif = Image.Exif()
    exif[0x112] = orientation
    sink = io.BytesIO()
    Image.fromarray(stored).save(sink, "JPEG", exif=exif, quality=95)
    return sink.getvalue()


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_photograph_is_a_video_of_one_upright_picture(tmp_path: Path, orientation: int) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(jpeg(orientation))
    with VideoSource(path) as source:
        (frame,) = source
    assert frame.rgb.shape == (48, 64, 3)
    assert np.abs(frame.rgb.astype(int) - scene()).mean() < 6
    assert (probe(path).width, probe(path).height) == (64, 48)


def test_a_film_of_photographs_is_read(tmp_path: Path) -> None:
    data = jpeg(6)
    with av.open(str(tmp_path / "a.avi"), "w") as container:
        stream: Any = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 48, 64, "yuvj420p"
        for number in range(5):
            packet = av.Packet(data)
            packet.stream, packet.time_base = stream, Fraction(1, 25)
            packet.pts = packet.dts = number
            container.mux(packet)
    with VideoSource(tmp_path / "a.avi") as source:
        frames = list(source)
    assert len(frames) == 5 and source.corrupt_packets == 0
    assert all(np.abs(frame.rgb.astype(int) - scene()).mean() < 6 for frame in frames)


def test_pictures_that_are_too_large_are_refused_by_their_size(tmp_path: Path) -> None:
    for width, height in ((17_000, 16), (8000, 5000)):
        (tmp_path / "a.png").write_bytes(png(width, height))
        with pytest.raises(MediaError, match=f"{width}x{height} are too large") as caught:
            VideoSource(tmp_path / "a.png")
        assert "36 million" in caught.value.hint


def test_the_sound_beside_them_is_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = make_clip(tmp_path / "a.mp4", times_at(25, 5), sound=np.ones((9600, 1), np.int16))
    monkeypatch.setattr(colour, "MAX_SIDE_PX", 50)
    with SoundSource(clip) as sound:
        assert sum(len(block.samples) for block in sound.blocks()) >= 9600


def test_large_pictures_are_scaled_and_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = make_clip(tmp_path / "a.mp4", times_at(25, 3), size=(128, 64))
    monkeypatch.setattr(colour, "KEPT_PIXELS", 2048)
    with VideoSource(clip) as source:
        shapes = {frame.rgb.shape for frame in source}
    assert shapes == {(32, 64, 3)} and source.scale == Fraction(1, 2)
    assert source.remarks == [f"the pictures of {clip}, 128x64, are read at 64x32"]


def test_ycgco_has_its_matrix() -> None:
    """H.273 equations 63 to 68, limited and full range."""
    rgb = scene().astype(float)
    red, green, blue = np.moveaxis(rgb, -1, 0)
    luma, cg, co = (
        green / 2 + (red + blue) / 4,
        green / 2 - (red + blue) / 4,
        (red - blue) / 2,
    )
    for span in (1, 2):
        a, b, c = (219 / 255, 224 / 255, 16) if span == 1 else (1, 1, 0)
        frame = av.VideoFrame(64, 48, "yuv444p")
        for plane, values in zip(
            frame.planes, (a * luma + c, b * cg + 128, b * co + 128), strict=True
        ):
            rows = np.zeros((48, plane.line_size), np.uint8)
            rows[:, :64] = np.rint(values).clip(0, 255)
            plane.update(rows.tobytes())
        frame.colorspace, frame.color_range = 8, span
        got = colour.RgbConverter(frame).rgb(frame)
        assert np.abs(got.astype(int) - scene()).max() <= 4
