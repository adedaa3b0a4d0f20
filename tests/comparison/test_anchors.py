"""The ordinary codecs of a comparison: files, sizes, what is stripped, what comes back."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.support.evaluation import moving, write_video
from vqcodec.comparison.anchors.codecs import (
    ANCHOR_CODECS,
    Coded,
    check_anchor,
    decode,
    encode,
)
from vqcodec.comparison.anchors.mux import CodedSound, remuxed, smallest, without_sei
from vqcodec.comparison.anchors.variants import Variant, variants_for
from vqcodec.comparison.reference import ReferenceClip, YuvFrames, prepare
from vqcodec.comparison.settings import ComparisonSettings, parse_codecs
from vqcodec.errors import MediaError, UsageError
from vqcodec.evaluation.metrics.fidelity import psnr_db
from vqcodec.media.picture.colour import RgbConverter
from vqcodec.media.picture.source import VideoSource
from vqcodec.types import AudioHead

FRAMES = 24
RATE_HZ = Fraction(25)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("clip") / "talk.mp4", moving(FRAMES))


@pytest.fixture(scope="module")
def reference(clip: Path) -> ReferenceClip:
    return prepare(clip, clip.parent / "work")


@pytest.fixture(scope="module")
def coded(reference: ReferenceClip) -> dict[str, Coded]:
    frames = YuvFrames(reference, Variant(128, 1))
    return {
        name: encode(codec, frames, 128, RATE_HZ, codec.crf_start - 20, quick=True)
        for name, codec in ANCHOR_CODECS.items()
    }


def test_reference_is_the_clip_without_loss(clip: Path, reference: ReferenceClip) -> None:
    assert (reference.frames, reference.side_px, reference.frame_rate_hz) == (FRAMES, 256, RATE_HZ)
    assert not reference.sound and reference.seconds == Fraction(FRAMES, 25)
    with VideoSource(str(clip)) as source:
        shown = np.stack([f.rgb for f in source])
    assert float(psnr_db(shown, reference.small()).min()) > 38  # chroma is stored at half size


def test_reference_is_cut_in_time(reference: ReferenceClip, tmp_path: Path) -> None:
    cut = prepare(reference.path, tmp_path, Fraction(2, 5))
    assert cut.frames == 10
    assert float(psnr_db(reference.small()[:10], cut.small()).min()) > 38


def test_reference_refuses_what_is_no_video(tmp_path: Path) -> None:
    (tmp_path / "not.mp4").write_bytes(b"nothing of the kind")
    with pytest.raises(MediaError):
        prepare(tmp_path / "not.mp4", tmp_path / "work")
    with pytest.raises(MediaError, match="cannot read"):
        prepare(tmp_path / "absent.mp4", tmp_path / "work")


@pytest.mark.parametrize("name", list(ANCHOR_CODECS))
def test_coded_pictures_come_back(
    name: str, coded: dict[str, Coded], reference: ReferenceClip
) -> None:
    shown = [RgbConverter(f).rgb(f) for f in decode(coded[name].data)]
    assert len(shown) == FRAMES
    small = [RgbConverter(f).rgb(f) for f in YuvFrames(reference, Variant(128, 1))]
    assert float(psnr_db(np.stack(small), np.stack(shown)).min()) > 25
    assert sum(u.is_keyframe for u in coded[name].units) == 1  # an infinite group of pictures


@pytest.mark.parametrize("name", list(ANCHOR_CODECS))
def test_sizes_add_up(name: str, coded: dict[str, Coded]) -> None:
    one = coded[name]
    packets = sum(len(u.data) for u in one.units)
    assert packets <= one.payload_bytes < packets + 200  # parameter sets
    size = smallest(one.data, one.units)
    files = [remuxed(one.data, one.units, kind) for kind in ("matroska", "mp4")]
    assert size == min(map(len, files)) and packets < size < packets + 2500
    for file in files:
        with av.open(io.BytesIO(file)) as container:
            assert sum(1 for _ in container.decode(video=0)) == FRAMES


def test_sound_is_laid_beside(coded: dict[str, Coded]) -> None:
    packet = bytes((0x78,)) + bytes(29)  # 20 ms, as far as its first byte tells
    sound = CodedSound(AudioHead(48000, 1, 312), (packet,) * 40)
    assert sound.size_bytes == 1200
    one = coded["h264"]
    file = remuxed(one.data, one.units, "matroska", sound)
    with av.open(io.BytesIO(file)) as container:
        heard = [bytes(p) for p in container.demux(audio=0) if p.size]
    assert heard == [packet] * 40
    assert 1200 < smallest(one.data, one.units, sound) - smallest(one.data, one.units) < 2400


def test_encoders_do_not_sign(coded: dict[str, Coded]) -> None:
    assert not any(b"x264" in u.data for u in coded["h264"].units)
    assert b"x265 (build" not in b"".join(u.data for u in coded["h265"].units)


def test_without_sei_drops_only_type_6() -> None:
    start = b"\0\0\0\1"
    sps, sei, slice_ = b"\x67abc", b"\x06\x05\xffsigned", b"\x65data\x80"
    assert (
        without_sei(start + sps + start + sei + b"\0\0\1" + slice_) == start + sps + start + slice_
    )
    assert without_sei(b"no start code") == b"no start code"


def test_higher_crf_is_smaller(reference: ReferenceClip) -> None:
    frames = YuvFrames(reference, Variant(128, 2))
    codec = ANCHOR_CODECS["h264"]
    sizes = [
        encode(codec, frames, 128, RATE_HZ / 2, crf, quick=True).payload_bytes
        for crf in (20, 35, 51)
    ]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] > 2 * sizes[2]


def test_half_rate_takes_every_second_frame(reference: ReferenceClip) -> None:
    whole, half = (list(YuvFrames(reference, Variant(256, d))) for d in (1, 2))
    assert [f.pts for f in half] == list(range(FRAMES // 2))
    assert np.array_equal(half[3].to_ndarray(), whole[6].to_ndarray())


def test_frames_are_kept_only_while_they_fit(
    reference: ReferenceClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = YuvFrames(reference, Variant(128, 1))
    assert all(a is b for a, b in zip(list(kept), list(kept), strict=True))
    monkeypatch.setattr("vqcodec.comparison.reference.MEMORY_BYTES", 1000)
    streamed = YuvFrames(reference, Variant(128, 1))
    first, second = list(streamed), list(streamed)
    assert len(first) == FRAMES and all(a is not b for a, b in zip(first, second, strict=True))


@pytest.mark.skipif(
    not hasattr(os, "sched_getscheduler"), reason="the system has no scheduling policies"
)
def test_no_encoder_keeps_a_priority_it_took(reference: ReferenceClip) -> None:
    before = os.sched_getscheduler(0)
    frames = YuvFrames(reference, Variant(128, 1))
    for codec in ANCHOR_CODECS.values():
        encode(codec, frames, 128, RATE_HZ, codec.crf_max, quick=True)
        assert os.sched_getscheduler(0) == before, codec.name


def test_an_encoder_that_refuses_is_told(reference: ReferenceClip) -> None:
    def one() -> Iterator[Any]:
        yield from list(YuvFrames(reference, Variant(128, 1)))[:1]

    with pytest.raises(MediaError, match="libx264 can't code"):
        encode(ANCHOR_CODECS["h264"], one(), 0, RATE_HZ, 30)


def test_variants() -> None:
    assert [v.name for v in variants_for(512, 100)] == [
        "512",
        "256",
        "192",
        "128",
        "512 half rate",
        "256 half rate",
        "192 half rate",
        "128 half rate",
    ]
    assert [v.name for v in variants_for(256, 100)] == [
        "256",
        "192",
        "128",
        "256 half rate",
        "192 half rate",
        "128 half rate",
    ]
    assert all(v.divisor == 1 for v in variants_for(512, 3))
    wanted = [5.0, 10.0, 20.0, 40.0]
    assert Variant(512, 1).rates(wanted) == [10.0, 20.0, 40.0]
    assert Variant(256, 2).rates(wanted) == [5.0, 10.0, 20.0]
    assert Variant(192, 1).rates(wanted) == Variant(192, 2).rates(wanted) == [5.0, 10.0, 20.0]
    assert Variant(128, 1).rates(wanted) == [5.0, 10.0]


def test_settings_refuse_nonsense() -> None:
    assert ComparisonSettings().rates_kbps == [5.0, 10.0, 20.0, 40.0]
    assert parse_codecs(" AV1, vqt ") == ("av1", "vqt")
    for wrong in (
        dict(codecs=("vvc",)),
        dict(codecs=()),
        dict(codecs=("av1", "av1")),
        dict(points=1),
        dict(every=0),
        dict(cut_s=Fraction(0)),
    ):
        with pytest.raises(UsageError):
            ComparisonSettings(**wrong)  # type: ignore[arg-type]


def test_missing_encoder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("av.codecs_available", {"libx264"})
    check_anchor("h264")
    with pytest.raises(ImportError, match="libsvtav1"):
        check_anchor("av1")
