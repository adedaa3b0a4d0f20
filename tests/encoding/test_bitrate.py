"""`--bitrate`: the best form of a file that fits, or the smallest one that there is."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tests.support.encoded import coded, stream
from tests.support.pipeline import encoder_parts, write_swaying
from vqcodec.config import EncodeOptions
from vqcodec.encoding.pipeline import encode
from vqcodec.errors import UsageError


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 frames, 96x96, 25 per second, with a tone."""
    return write_swaying(tmp_path_factory.mktemp("clip") / "clip.mp4", 60, sound=True)


def test_bitrate_is_kept_and_used(clip: Path) -> None:
    sizes = []
    for target_kbps in (16, 19, 30):
        sink = io.BytesIO()
        report = encode(clip, sink, EncodeOptions(bitrate_kbps=target_kbps), parts=encoder_parts())
        sizes.append(len(sink.getvalue()))
        assert sizes[-1] * 8 / 2400 <= target_kbps
        reader = stream(sink.getvalue())
        assert report.layers == reader.head.layers and report.sizes.frames == 60
        assert len(list(reader)) >= 5
    assert sizes == sorted(sizes) and sizes[0] < sizes[2]


def test_a_generous_bitrate_changes_nothing(clip: Path) -> None:
    assert coded(clip, EncodeOptions(bitrate_kbps=500)) == coded(clip)


def test_a_bitrate_a_little_too_low_costs_motion_bits_first(clip: Path) -> None:
    plain = encode(clip, io.BytesIO(), parts=encoder_parts())
    sink = io.BytesIO()
    target_kbps = plain.to_json()["file_kbps"] - 0.05
    report = encode(clip, sink, EncodeOptions(bitrate_kbps=target_kbps), parts=encoder_parts())
    assert (report.layers, report.portrait_quality) == (4, plain.portrait_quality)
    assert (
        report.sizes.motion < plain.sizes.motion and report.sizes.portrait == plain.sizes.portrait
    )
    assert len(sink.getvalue()) * 8 / 2400 <= target_kbps
    # with a price of the caller's own, the portrait gives way
    fixed = encode(
        clip, io.BytesIO(), EncodeOptions(bitrate_kbps=target_kbps, rdo=0), parts=encoder_parts()
    )
    assert (
        fixed.sizes.motion <= plain.sizes.motion and fixed.portrait_quality < plain.portrait_quality
    )


def test_an_impossible_bitrate_names_the_smallest(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"smallest form takes (\d+\.\d) kbit/s") as caught:
        encode(clip, tmp_path / "out.vqt", EncodeOptions(bitrate_kbps=1), parts=encoder_parts())
    assert not list(tmp_path.iterdir())
    smallest = float(caught.value.hint.rsplit("--bitrate ", 1)[1].split(" ")[0])
    assert coded(clip, EncodeOptions(bitrate_kbps=smallest))
