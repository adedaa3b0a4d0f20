"""Options by keyword, and what an open stream tells: its length, one picture, its sound."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import vqcodec
from tests.support.codec import CountedLoads
from tests.support.container import make_stream
from vqcodec import DecodeOptions, EncodeOptions
from vqcodec.codec.named import chosen
from vqcodec.errors import MediaError, UsageError


@pytest.fixture(scope="module")
def coded(drawn_clip: Path) -> dict[str, bytes]:
    """The clip, coded once."""
    return {}


def data_of(counted: CountedLoads, clip: Path, kept: dict[str, bytes]) -> bytes:
    if "data" not in kept:
        report = counted.codec().encode(clip, layers=3, fps=Fraction(25))
        assert report.layers == 3
        kept["data"] = report.data or b""
    return kept["data"]


def test_keywords_replace_fields() -> None:
    base = EncodeOptions(layers=2, quality="best")
    assert chosen(EncodeOptions, None, {}) == EncodeOptions()
    assert chosen(EncodeOptions, None, {"layers": 3}) == EncodeOptions(layers=3)
    assert chosen(EncodeOptions, base, {"layers": 3}) == replace(base, layers=3)
    assert chosen(EncodeOptions, base, {}) == base


@pytest.mark.parametrize(
    ("options", "named", "why", "hint"),
    [
        (None, {"layer": 3}, "no option 'layer'", "Did you mean 'layers'"),
        (None, {"zzz": np.zeros(9999)}, "no option 'zzz'", "There are fps"),
        (None, {"layers": 9}, "9", ""),
        ({"layers": 3}, {}, "a dict, not an EncodeOptions", "vqcodec.EncodeOptions"),
        (DecodeOptions(), {}, "a DecodeOptions, not an EncodeOptions", "by keyword"),
        (np.zeros(9999), {}, "a ndarray, not", "by keyword"),
    ],
)
def test_wrong_options_are_told(
    options: object, named: dict[str, object], why: str, hint: str
) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        chosen(EncodeOptions, options, named)  # type: ignore[type-var]
    assert hint in caught.value.hint and len(str(caught.value)) < 200


def test_every_call_takes_keywords(
    counted: CountedLoads, drawn_clip: Path, coded: dict[str, bytes]
) -> None:
    codec = counted.codec()
    data = data_of(counted, drawn_clip, coded)
    assert vqcodec.info(data)["layers"] == 3
    assert codec.tokens(drawn_clip, layers=1).head.layers == 1
    report = codec.decode(data, None, DecodeOptions(layers=2), size_px=256, end_s=Fraction(1, 5))
    assert (report.size_px, report.layers, report.frames) == (256, 2, 5)
    for call in (codec.decode, codec.encode, vqcodec.decode, vqcodec.encode):
        with pytest.raises(UsageError, match="no option 'sizes'"):
            call(data, sizes=1)
    with pytest.raises(UsageError, match="no option 'seeds'"):
        codec.dub(data, data, seeds=1)


def test_length_and_one_picture(
    counted: CountedLoads, drawn_clip: Path, coded: dict[str, bytes]
) -> None:
    data = data_of(counted, drawn_clip, coded)
    with counted.codec().open(data) as stream:
        frames = list(stream.frames(size_px=256))
        assert len(stream) == len(frames) == vqcodec.info(data)["frames"]
        for number, time_s in ((0, 0), (7, Fraction(7, 25)), (7, 0.3199), (len(frames) - 1, 1.19)):
            frame = stream.frame_at(time_s, size_px=256)
            assert frame.time_s == Fraction(number, 25)
            assert np.array_equal(frame.rgb, frames[number].rgb), number
        for outside in (-0.1, 1e9, float("nan")):
            with pytest.raises(UsageError):
                stream.frame_at(outside)


def test_sound(counted: CountedLoads, drawn_clip: Path, coded: dict[str, bytes]) -> None:
    with counted.codec().open(data_of(counted, drawn_clip, coded)) as stream:
        assert stream.head.audio is not None
        whole = np.concatenate(list(stream.sound()))
        assert whole.dtype == np.int16 and whole.shape[1] == stream.head.audio.channels
        assert abs(len(whole) - 48_000 * 30 / 25) < 4_000 and np.abs(whole).max() > 500
        part = np.concatenate(list(stream.sound(start_s=Fraction(1, 4), end_s=Fraction(1, 2))))
        assert np.array_equal(part, whole[12_000:24_000])
    with vqcodec.open(make_stream(1, layers=1, audio=None)) as silent:
        assert list(silent.sound()) == []


class Pipe(io.BytesIO):
    def seekable(self) -> bool:
        return False


@pytest.mark.parametrize("data", [Pipe(make_stream()), io.BytesIO(make_stream()[:-9])])
def test_a_length_that_is_not_known(data: io.BytesIO) -> None:
    """Typed, and no hindrance to `list` and `if stream`, which ask for it, too."""
    with vqcodec.open(data) as stream:
        assert stream
        with pytest.raises(UsageError, match="number of frames isn't known") as caught:
            len(stream)
        assert caught.value.hint
    whole = Pipe(make_stream(2))
    with vqcodec.open(whole) as stream:
        assert len(list(stream)) == 5


def test_bytes_that_are_no_stream() -> None:
    with pytest.raises((MediaError, vqcodec.VqcodecError)) as caught:
        vqcodec.info(b"not a stream")
    assert caught.value.hint
