"""Pictures of two fields are deinterlaced, at the same rate and times; progressive ones are left as they are."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from vqcodec.media.picture.source import VideoSource

WIDTH, HEIGHT, COUNT = 128, 96, 12
BASE = Fraction(1, 25)


def moment(number: float) -> np.ndarray:
    """A light bar that moves three pixels from field to field."""
    grey = np.full((HEIGHT, WIDTH), 60, np.uint8)
    at = int(20 + 3 * number)
    grey[20:76, at : at + 30] = 200
    return grey


def write(path: Path, codec: str, first_field: int, progressive: int = 0) -> None:
    """`progressive` whole pictures, then interlaced ones."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.bit_rate = 6_000_000
        order = "tff" if first_field == 0 else "bff"
        stream.options = {"flags": "+ilme+ildct"}
        if codec == "libx264":
            stream.options |= {"x264-params": f"{order}=1", "crf": "5"}
        for number in range(COUNT):
            grey = moment(2 * number)
            if number >= progressive:
                grey[1 - first_field :: 2] = moment(2 * number + 1)[1 - first_field :: 2]
            frame = av.VideoFrame.from_ndarray(np.repeat(grey[..., None], 3, 2), format="rgb24")
            frame = frame.reformat(format="yuv420p")
            frame.pts, frame.time_base = number, BASE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def combs(rgb: np.ndarray) -> float:
    """How far rows lie from the mean of their neighbours."""
    grey = rgb[..., 1].astype(int)
    return float(np.abs(2 * grey[1:-1] - grey[:-2] - grey[2:]).mean())


@pytest.mark.parametrize(
    ("name", "codec", "first_field"),
    [
        ("a.mp4", "libx264", 0),
        ("a.mkv", "libx264", 1),
        ("a.mpg", "mpeg2video", 1),
        ("a.ts", "mpeg2video", 1),
    ],
)
def test_fields_become_whole_pictures(
    tmp_path: Path, name: str, codec: str, first_field: int
) -> None:
    write(tmp_path / name, codec, first_field)
    with VideoSource(tmp_path / name) as source:
        frames = list(source)
    assert [frame.time_s for frame in frames] == pytest.approx(
        [number / 25 for number in range(COUNT)], abs=0.001
    )
    assert sum("interlaced" in told for told in source.remarks) == 1
    assert source.corrupt_packets == 0
    for number, frame in enumerate(frames[1:-1], start=1):
        assert combs(frame.rgb) < 3  # 9 as it comes
        wanted = moment(2 * number + 0.5).astype(int)
        assert np.abs(frame.rgb[..., 1] - wanted).mean() < 6


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_pictures_of_fields_are_not_lost(
    tmp_path: Path, count: int, monkeypatch
) -> None:
    monkeypatch.setattr("tests.media.test_interlaced.COUNT", count)
    write(tmp_path / "a.mp4", "libx264", 0)
    with VideoSource(tmp_path / "a.mp4") as source:
        assert len(list(source)) == count


def test_progressive_pictures_are_left_as_they_are(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream: Any = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(3):
            picture = np.repeat(moment(number)[..., None], 3, 2)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, BASE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with VideoSource(tmp_path / "a.mp4") as source:
        assert len(list(source)) == 3
    assert not source.remarks
