"""The main job with the shipped weights: the sample clip to tokens and back."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.pipeline import video_writer
from vqcodec import api
from vqcodec.config import AudioChoice, DecodeOptions, EncodeOptions
from vqcodec.container import Writer
from vqcodec.face.crop import resize
from vqcodec.face.landmarks import FaceLandmarker
from vqcodec.format import from_indices
from vqcodec.media.picture.source import VideoSource
from vqcodec.models.store import packaged_dir
from vqcodec.quantize.grfsq import dequantize
from vqcodec.reports import EncodeReport
from vqcodec.types import MotionGroup, PortraitUnit

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (packaged_dir() / "manifest.json").is_file(),
        reason="the weights are not in this checkout",
    ),
]
START_S, END_S = Fraction(2), Fraction(4)
FIRST, LAST = 50, 100

Coded = tuple[Path, EncodeReport, list[MotionGroup]]


@pytest.fixture(scope="module")
def coded(sample_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Coded:
    """talking.vqt, the encoder's report, and the tokens as they were before entropy coding."""
    target = tmp_path_factory.mktemp("sample") / "talking.vqt"
    groups: list[MotionGroup] = []
    write = Writer.motion

    def keep(self: Writer, group: MotionGroup) -> None:
        groups.append(group)
        write(self, group)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Writer, "motion", keep)
        report = api.encode(sample_clip, target, EncodeOptions(portrait_frame="first"))
    return target, report, groups


@pytest.fixture(scope="module")
def original(sample_clip: Path) -> list[NDArray[np.uint8]]:
    with VideoSource(sample_clip) as source:
        return [frame.rgb for frame in source]


def psnr_db(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    small_a, small_b = (resize(x, 256).astype(np.float64) for x in (a, b))
    return float(-10 * np.log10(((small_a - small_b) ** 2).mean() / 255**2))


def test_report(coded: Coded) -> None:
    path, report, _ = coded
    fields = report.to_json()
    assert fields["frames"] == 239 and fields["seconds"] == 9.56
    assert (
        fields["crop_px"] == [0, 0, 512]
        and 1 <= fields["key_frames"] <= 20
        and fields["low_confidence_frames"] == 0
    )
    assert 0.3 < fields["motion_kbps"] < 6.0 and 8 < fields["audio_kbps"] < 14
    assert fields["file_bytes"] == path.stat().st_size


def test_every_index_survives(coded: Coded) -> None:
    path, _, before = coded
    with api.open(path) as stream:
        after = [item for item in stream if isinstance(item, MotionGroup)]
    assert len(after) == len(before)
    for a, b in zip(after, before, strict=True):
        assert np.array_equal(a.indices, b.indices) and np.array_equal(a.ticks, b.ticks)


def test_tokens_say_where_the_face_is(coded: Coded, original: list[NDArray[np.uint8]]) -> None:
    """Landmarks from the tokens lie where a detector finds them in the source, to 1 % of the eyes' distance."""
    from vqcodec.motion.space import MotionSpace

    space, rows = MotionSpace.load(), []
    base = np.zeros(len(space.units), np.float32)
    with api.open(coded[0]) as stream:
        for item in stream:
            if isinstance(item, PortraitUnit):
                assert item.shot == 0
                base = base if item.number else dequantize(item.features, space.units)
            elif isinstance(item, MotionGroup):
                rows.append(base + dequantize(from_indices(item.indices), space.units))
    told = space.landmarks(np.concatenate(rows)) * 512
    with FaceLandmarker() as landmarker:
        for i in range(3, 239, 40):
            face = landmarker.largest(original[i])
            assert face is not None
            eyes = float(np.hypot(*(face.points[33] - face.points[263])))
            assert float(np.hypot(*(told[i] - face.points).T).mean()) < 0.012 * eyes


def test_pictures_are_closer_than_the_still_portrait(
    coded: Coded, original: list[NDArray[np.uint8]]
) -> None:
    with api.open(coded[0]) as stream:
        frames = list(stream.frames(start_s=START_S, end_s=END_S))
    assert [f.time_s for f in frames] == [Fraction(i, 25) for i in range(LAST - FIRST)]
    assert frames[0].rgb.shape == (512, 512, 3)
    own = [psnr_db(f.rgb, original[FIRST + i]) for i, f in enumerate(frames)]
    still = [psnr_db(original[0], original[FIRST + i]) for i in range(len(frames))]
    assert np.mean(own) > np.mean(still) + 1


def test_video_file(coded: Coded, tmp_path: Path) -> None:
    options = DecodeOptions(size_px=256, end_s=Fraction(1), layers=2)
    report = api.decode(coded[0], tmp_path / "out.mp4", options)
    assert (report.frames, report.layers, report.size_px) == (25, 2, 256)
    with VideoSource(tmp_path / "out.mp4", sound="decode") as source:
        assert (source.width, source.height, source.frame_rate_hz) == (256, 256, 25)
        assert source.has_audio and [f.time_s for f in source] == [
            Fraction(i, 25) for i in range(25)
        ]


def test_another_portrait(coded: Coded, sample_portrait: Path) -> None:
    with api.open(coded[0]) as stream:
        frames = list(stream.frames(portrait=sample_portrait, end_s=Fraction(1, 5), size_px=256))
    assert len(frames) == 5


def test_a_camera_that_comes_nearer_gets_a_second_portrait(
    original: list[NDArray[np.uint8]], tmp_path: Path
) -> None:
    zoom = [1 + min(max(number - 20, 0), 10) / 12 for number in range(60)]
    shown = [
        cv2.warpAffine(
            rgb, np.float32([[z, 0, 256 * (1 - z)], [0, z, 200 * (1 - z)]]), (512, 512)
        ).astype(np.uint8)
        for rgb, z in zip(original, zoom, strict=False)
    ]
    with video_writer(tmp_path / "zoom.mp4", width=512, height=512) as write:
        for rgb in shown:
            write(rgb)
    quality, key_frames = [], []
    for refs in (1, 3):
        options = EncodeOptions(
            refs=refs, portrait_frame="first", crop="full", audio=AudioChoice("none")
        )
        key_frames.append(
            api.encode(tmp_path / "zoom.mp4", tmp_path / f"{refs}.vqt", options).key_frames
        )
        with api.open(tmp_path / f"{refs}.vqt") as stream:
            found = list(stream.frames(start_s=Fraction(2), size_px=256))
        quality.append(
            np.mean([psnr_db(frame.rgb, rgb) for frame, rgb in zip(found, shown[50:], strict=True)])
        )
    assert key_frames[0] == 1 and 2 <= key_frames[1] <= 3
    assert quality[1] > quality[0] + 1
