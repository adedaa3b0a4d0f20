"""The portrait of a file as a picture: which one, and as the command writes it."""

from __future__ import annotations

import io
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vqcodec
from tests.conftest import Cli
from tests.support.units import make_head_2, make_items_2, make_stream_2, write_2
from vqcodec.codec.thumb import _shown
from vqcodec.container import Reader
from vqcodec.errors import UsageError
from vqcodec.media.still.portrait_coder import PortraitCoder
from vqcodec.stream.portraits import StreamPortrait
from vqcodec.types import PortraitUnit

GREYS = (40, 120, 200)


def grey(value: int) -> np.ndarray:
    return np.full((512, 512, 3), value, np.uint8)


@pytest.fixture(scope="module")
def stream() -> bytes:
    """One shot of three groups of four frames, their portraits grey."""
    items = make_items_2((3,))
    with closing(PortraitCoder(50)) as coder:
        units = iter([coder.add(grey(value)).unit for value in GREYS])
    return write_2(
        make_head_2(),
        *(
            replace(item, unit=next(units)) if isinstance(item, PortraitUnit) else item
            for item in items
        ),
    )


@pytest.mark.parametrize(
    ("frame", "number"), [(0, 0), (4, 0), (5, 0), (6, 1), (7, 1), (10, 2), (11, 2), (99, 2)]
)
def test_the_portrait_that_a_time_is_shown_from(frame: int, number: int) -> None:
    reader = Reader(io.BytesIO(make_stream_2((3,))))
    ticks = [
        t for item in Reader(io.BytesIO(make_stream_2((3,)))) for t in getattr(item, "ticks", ())
    ]
    tick = ticks[min(frame, len(ticks) - 1)] + (10**6 if frame >= len(ticks) else 0)
    found = _shown(reader, tick * reader.head.time_base_s)
    assert isinstance(found, StreamPortrait) and found.number == number


def test_pictures_are_the_coded_ones(stream: bytes) -> None:
    assert abs(vqcodec.thumb(stream).astype(int) - GREYS[0]).max() <= 3
    assert abs(vqcodec.thumb(stream, at_s=Fraction(1000)).astype(int) - GREYS[2]).max() <= 6
    # what follows the portrait isn't looked at
    assert vqcodec.thumb(stream[: len(stream) // 2]).shape == (512, 512, 3)
    for time_s in (-1, float("inf"), float("nan")):
        with pytest.raises(UsageError, match=f"{time_s:g}"):
            vqcodec.thumb(stream, at_s=time_s)


@pytest.mark.parametrize(
    ("name", "kind"), [("a.png", "PNG"), ("a.JPG", "JPEG"), ("a.webp", "WEBP"), ("a", "PNG")]
)
def test_the_command_writes_by_the_name(
    cli: Cli, tmp_path: Path, stream: bytes, name: str, kind: str
) -> None:
    (tmp_path / "in.vqt").write_bytes(stream)
    assert cli("thumb", "in.vqt", name, "--size", "64").returncode == 0
    with Image.open(tmp_path / name) as picture:
        assert (picture.format, picture.size) == (kind, (64, 64))
        assert abs(np.asarray(picture.convert("RGB")).astype(int) - GREYS[0]).max() <= 4
    assert cli("thumb", "in.vqt", name).returncode == 7


def test_the_command_pipes_and_refuses(cli: Cli, tmp_path: Path, stream: bytes) -> None:
    piped = cli("thumb", "-", "-", "--at", "1000", stdin=stream)
    with Image.open(io.BytesIO(piped.stdout)) as picture:
        assert picture.size == (512, 512) and abs(picture.getpixel((9, 9))[0] - GREYS[2]) <= 6
    end_s = vqcodec.info(stream)["seconds"]
    assert f"ends at {end_s:g} s: its last portrait".encode() in piped.stderr
    for within in ("0", "0:00.04"):
        assert b"ends" not in cli("thumb", "-", "-", "--at", within, stdin=stream).stderr
    assert b"ends" in cli("thumb", "-", "-", "--at", f"{end_s}", stdin=stream).stderr
    for nonsense in ("inf", "-1", "1e999999999"):
        assert cli("thumb", "-", "a.png", f"--at={nonsense}", stdin=stream).returncode == 2
    done = cli("thumb", "-", "a.mp4", stdin=stream)
    assert done.returncode == 2 and b".png" in done.stderr
    assert cli("thumb", "-", "a.png", stdin=stream[:60]).returncode == 3
    assert [path.name for path in tmp_path.iterdir()] == []
