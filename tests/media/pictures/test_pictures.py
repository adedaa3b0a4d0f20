"""Every row of the table: read as it should look, or refused by its name; through a path and through a file object."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.media.pictures.table import ROWS, SIZE, Odd, png, scene
from vqcodec.errors import MediaError
from vqcodec.media.picture.source import VideoSource
from vqcodec.media.still.picture_file import load_picture


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_strange_pictures_are_read_right(tmp_path: Path, row: Odd) -> None:
    path = tmp_path / row.name
    row.make(path)
    for source in (path, io.BytesIO(path.read_bytes())):
        if row.rgb is None:
            with pytest.raises(MediaError) as caught:
                load_picture(source)
            assert row.says in f"{caught.value} {caught.value.hint}"
            continue
        picture = load_picture(source)
        assert picture.rgb.shape == row.rgb.shape
        assert np.abs(picture.rgb.astype(int) - row.rgb).mean() <= row.within
        told = " ".join(picture.warnings)
        assert (row.says in told) if row.says else not told


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_clear_is_white_for_encode_too(tmp_path: Path, mode: str) -> None:
    """And of what lies under it nothing is seen."""
    clear = np.zeros((48, SIZE), np.uint8)
    clear[:, SIZE // 2 :] = 255
    path = tmp_path / "clear.png"
    picture = Image.fromarray(np.dstack([scene(), clear]))
    if mode == "P":
        picture = Image.fromarray(scene()).quantize(4)
        picture.info["transparency"] = picture.getpixel((0, 0))
    picture.convert(mode).save(path)
    wanted = load_picture(path).rgb
    with VideoSource(path) as source:
        (frame,) = source
    assert np.abs(frame.rgb.astype(int) - wanted).mean() < 1
    assert frame.rgb[0, 0].min() == 255 and frame.rgb[0, -1].min() < 200


@pytest.mark.parametrize("row", [row for row in ROWS if "bits in 16" in row.name], ids=str)
def test_few_bits_are_spread_for_encode_too(tmp_path: Path, row: Odd) -> None:
    path = tmp_path / row.name
    row.make(path)
    with VideoSource(path) as source:
        (frame,) = source
        told = source.remarks
    assert row.rgb is not None
    assert np.abs(frame.rgb.astype(int) - row.rgb).mean() <= row.within
    assert len(told) == bool(row.says) and row.says in "".join(told)


def test_half_a_jpeg_is_no_input_of_encode(tmp_path: Path) -> None:
    path = tmp_path / "half.jpg"
    Image.fromarray(np.tile(scene(), (4, 4, 1))).save(path)
    with VideoSource(path) as source:
        assert len(list(source)) == 1
    path.write_bytes(path.read_bytes()[: -path.stat().st_size // 3])
    with pytest.raises(MediaError, match=r"no picture of .* can be decoded"):
        VideoSource(path)


def test_claimed_sizes_are_no_missing_video(tmp_path: Path) -> None:
    path = tmp_path / "claims.png"
    path.write_bytes(png(16, 16).replace(struct.pack(">II", 16, 16), b"\x7f\xff\xff\xff" * 2))
    with pytest.raises(MediaError, match=r"no picture of .* can be read: damaged, too large"):
        VideoSource(path)


def test_an_animated_webp_is_called_so(tmp_path: Path) -> None:
    path = tmp_path / "moving.webp"
    more = [Image.fromarray(255 - scene())]
    Image.fromarray(scene()).save(path, save_all=True, append_images=more)
    with pytest.raises(MediaError, match="an animated WebP") as caught:
        VideoSource(path)
    assert "Save it as" in caught.value.hint
    more[0].save(path, exif=Image.Exif(), lossless=True)
    with VideoSource(path) as source:
        assert len(list(source)) == 1


def test_a_claim_that_opening_fails_at_has_a_hint(tmp_path: Path) -> None:
    path = tmp_path / "claims.y4m"
    path.write_bytes(b"YUV4MPEG2 W100000 H100000 F25:1 Ip A1:1 C420\nFRAME\n" + bytes(100))
    with pytest.raises(MediaError) as caught:
        VideoSource(path)
    assert "damaged, or claims" in caught.value.hint


@pytest.mark.parametrize("suffix", ["gif", "png"])
def test_animations_that_break_off_are_noticed(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"moving.{suffix}"
    pictures = [Image.fromarray(np.roll(np.tile(scene(), (4, 4, 1)), n, 1)) for n in range(5)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=40)
    whole = path.read_bytes()
    for data, cut in (
        (whole, False),
        (whole + b"more", False),
        (whole[: len(whole) * 2 // 3], True),
    ):
        path.write_bytes(data)
        with VideoSource(path) as source:
            assert len(list(source)) > 1
            assert source.truncated == cut
