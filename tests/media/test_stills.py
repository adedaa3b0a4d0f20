"""Stills: size targets, strict decoding, portraits of all kinds."""

from __future__ import annotations

import io
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from vqcodec.errors import BitstreamError, MediaError, UsageError
from vqcodec.format import MAX_STILL_BYTES
from vqcodec.media.still.avif_size import AvifError, largest_side
from vqcodec.media.still.picture_file import load_picture
from vqcodec.media.still.stills import decode_still, encode_avif


def scene(size: int = 256) -> np.ndarray:
    """Something with edges, gradients and grain."""
    y, x = np.mgrid[:size, :size] / size
    rng = np.random.default_rng(9)
    rgb = np.stack(
        [200 * x, 120 + 100 * np.sin(9 * y), 255 * ((x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.1)], axis=-1
    )
    return (rgb + rng.normal(0, 6, rgb.shape)).clip(0, 255).astype(np.uint8)


def test_quality_orders_size_and_error() -> None:
    rgb = scene(128)
    coded = [encode_avif(rgb, quality=quality) for quality in (20, 50, 80)]
    errors = [np.abs(decode_still(data, size_px=128).astype(int) - rgb).mean() for data in coded]
    assert [len(data) for data in coded] == sorted(len(data) for data in coded)
    assert errors == sorted(errors, reverse=True) and errors[-1] < 6


@pytest.mark.parametrize("target", [1000, 2000])
def test_size_targets(target: int) -> None:
    data = encode_avif(scene(128), target_bytes=target)
    assert 0.8 * target <= len(data) <= target


def test_size_targets_out_of_reach() -> None:
    assert encode_avif(scene(32), target_bytes=10) == encode_avif(scene(32), quality=0)
    assert encode_avif(scene(32), target_bytes=1 << 20) == encode_avif(scene(32), quality=100)


def test_wrong_arguments() -> None:
    rgb = scene(16)
    for arguments in (
        {},
        {"quality": 5, "target_bytes": 5},
        {"quality": 101},
        {"quality": -1},
        {"target_bytes": 0},
    ):
        with pytest.raises(UsageError):
            encode_avif(rgb, **arguments)
    for wrong in (rgb[..., 0], rgb.astype(float), rgb[:0]):
        with pytest.raises(UsageError):
            encode_avif(wrong, quality=50)


def picture_bytes(form: str, size: int = 64) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(scene(size)).save(buffer, form)
    return buffer.getvalue()


def test_only_a_whole_avif_of_the_right_size_is_a_still() -> None:
    good = encode_avif(scene(64), quality=50)
    assert decode_still(good, size_px=64).shape == (64, 64, 3)
    bad = [
        b"",
        b"x" * 100,
        picture_bytes("PNG"),
        picture_bytes("JPEG"),
        encode_avif(scene(32), quality=50),
        encode_avif(np.zeros((64, 32, 3), np.uint8), quality=50),
        bytes(5 << 20),
        good[: len(good) // 2],
    ]
    for data in bad:
        with pytest.raises(BitstreamError) as caught:
            decode_still(data, size_px=64)
        assert caught.value.code == "bad-still"


def test_damaged_stills_give_pictures_or_typed_errors() -> None:
    good = encode_avif(scene(64), quality=50)
    for at in range(0, len(good), 5):
        data = bytearray(good)
        data[at] ^= 0x55
        try:
            assert decode_still(bytes(data), size_px=64).shape == (64, 64, 3)
        except BitstreamError as error:
            assert error.code == "bad-still"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_portraits_are_turned_upright(tmp_path: Path, orientation: int) -> None:
    upright = np.zeros((40, 60, 3), np.uint8)
    upright[:20, :30], upright[:20, 30:], upright[20:, :30] = (250, 0, 0), (0, 250, 0), (0, 0, 250)
    # EXIF orientation: what was done to the upright picture to store it.
    stored = {
        1: upright,
        2: np.fliplr(upright),
        3: np.rot90(upright, 2),
        4: np.flipud(upright),
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: np.rot90(upright, 2).transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(load_picture(tmp_path / "a.png").rgb, upright)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "AVIF"])
def test_picture_formats(tmp_path: Path, form: str) -> None:
    (tmp_path / "a").write_bytes(picture_bytes(form))
    assert np.abs(load_picture(tmp_path / "a").rgb.astype(int) - scene(64)).mean() < 12
    assert load_picture(io.BytesIO(picture_bytes(form))).rgb.shape == (64, 64, 3)


def test_modes_and_profiles(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGBA", (8, 6), (200, 0, 0, 0)).save(path)
    assert (load_picture(path).rgb == 255).all()
    Image.new("L", (8, 6), 77).save(path)
    assert (load_picture(path).rgb == 77).all()
    Image.fromarray(np.full((6, 8), 77 * 257, np.uint16)).save(path)
    assert (load_picture(path).rgb == 77).all()
    Image.new("P", (8, 6), 3).save(path)
    assert load_picture(path).rgb.shape == (6, 8, 3)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.new("RGB", (8, 6), (10, 100, 200)).save(path, icc_profile=profile)
    assert np.abs(load_picture(path).rgb.astype(int) - (10, 100, 200)).max() <= 1
    Image.new("RGB", (8, 6), (10, 100, 200)).save(path, icc_profile=b"nonsense")
    assert (load_picture(path).rgb == (10, 100, 200)).all()


def test_what_is_no_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vqcodec.media.still.picture_file._MAX_BYTES", 80000)
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "cut.png").write_bytes(picture_bytes("PNG", 128)[:2000])
    Image.new("1", (200, 200)).save(tmp_path / "huge.png")
    for name in ("missing.png", "text.png", "cut.png", "huge.png", "."):
        with pytest.raises(MediaError) as caught:
            load_picture(tmp_path / name)
        assert str(tmp_path) in str(caught.value), name


@pytest.mark.parametrize("side", [16, 511, 512, 513])
def test_largest_side_is_the_side_of_an_ordinary_still(side: int) -> None:
    assert largest_side(encode_avif(np.full((side, side, 3), 90, np.uint8), quality=40)) == side


def test_a_still_that_hides_a_larger_picture_is_refused() -> None:
    large = encode_avif(np.full((1024, 1024, 3), 90, np.uint8), quality=40)
    at = large.index(b"ispe") + 8
    hidden = large[:at] + (512).to_bytes(4, "big") * 2 + large[at + 8 :]
    assert largest_side(hidden) == 1024
    with pytest.raises(BitstreamError, match="holds a larger picture") as caught:
        decode_still(hidden)
    assert caught.value.code == "bad-still"


def test_damaged_boxes_end_the_search_for_the_side() -> None:
    """Every byte changed and every prefix: a size or a typed refusal, in no time."""
    still = encode_avif(np.full((64, 64, 3), 90, np.uint8), quality=40)
    for at in range(len(still)):
        for data in (
            still[:at],
            *(still[:at] + bytes([still[at] ^ bits]) + still[at + 1 :] for bits in (1, 0x80, 0xFF)),
        ):
            try:
                assert 0 < largest_side(data) <= 65_536
            except AvifError as error:
                assert str(error)


def test_an_item_list_that_repeats_itself_is_refused() -> None:
    """65,535 extents of no bytes' description each, in a few bytes: the search stops early."""

    def box(kind: bytes, body: bytes) -> bytes:
        return (len(body) + 8).to_bytes(4, "big") + kind + body

    item = b"\0\1\0\0\xff\xff"  # item 1, no offset or length fields, 65,535 extents
    iloc = box(b"iloc", bytes(4) + b"\0\0" + b"\xff\xff" + item * 65_535)
    data = box(b"ftyp", b"avif") + box(b"meta", bytes(4) + box(b"iinf", bytes(6)) + iloc)
    start = time.process_time()
    with pytest.raises(AvifError, match="longer than the file"):
        largest_side(data)
    assert time.process_time() - start < 0.5


def test_a_still_is_as_long_as_a_stream_may_hold() -> None:
    """bitstream_spec/vqt.md, section 5: up to MAX_STILL_BYTES; padding after the last box is no picture."""
    picture = encode_avif(np.full((512, 512, 3), 90, np.uint8), quality=40)

    def padded(size: int) -> bytes:
        free = size - len(picture)
        return picture + free.to_bytes(4, "big") + b"free" + bytes(free - 8)

    assert decode_still(padded(MAX_STILL_BYTES)).shape == (512, 512, 3)
    with pytest.raises(BitstreamError) as caught:
        decode_still(padded(MAX_STILL_BYTES + 1))
    assert caught.value.code == "bad-still"
