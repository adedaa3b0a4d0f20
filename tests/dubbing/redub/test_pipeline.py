"""A recording with another sound: lips follow it, all else stays; its own sound changes nothing."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.support.dub import spoken, write_portrait, write_wav
from tests.support.pipeline import read_sound, read_video, write_swaying
from tests.support.redub import OpeningGenerator, coder_parts, faces_of, redub_parts
from vqcodec.config import DubOptions
from vqcodec.container import Reader, verify
from vqcodec.dubbing.pipeline import dub
from vqcodec.encoding.pipeline import encode
from vqcodec.errors import BitstreamError, UnsupportedError, UsageError
from vqcodec.geometry.mesh import SKULL
from vqcodec.geometry.openings import lip_gap_per_eye_distance, track_correlation
from vqcodec.types import AudioGroup, KeyFrame, ModelId, MotionGroup, PortraitUnit

FRAMES = 60


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A face that sways, and a tone."""
    folder = tmp_path_factory.mktemp("redub")
    return write_swaying(folder / "talk.mp4", FRAMES, sound=True, width=160, height=160, size=90)


@pytest.fixture(scope="module")
def stream(clip: Path) -> Path:
    """The same, coded."""
    target = clip.with_suffix(".vqt")
    encode(clip, target, parts=coder_parts())
    return target


@pytest.fixture(scope="module")
def speech(clip: Path) -> Path:
    return write_wav(clip.with_name("speech.wav"), spoken(FRAMES / 25))


def items_of(data: bytes) -> list[object]:
    return list(Reader(io.BytesIO(data), scenes=True))


def test_lips_follow_and_all_else_stays(stream: Path, speech: Path) -> None:
    generator, target = OpeningGenerator(), io.BytesIO()
    report = dub(speech, stream, target, parts=redub_parts(generator))
    data = target.getvalue()
    assert verify(io.BytesIO(data)).head.synthetic
    old, before, ticks = faces_of(stream)
    head, after, new_ticks = faces_of(io.BytesIO(data))
    assert np.array_equal(ticks, new_ticks) and head.time_base_s == old.time_base_s
    gaps = lip_gap_per_eye_distance(after).astype(float)
    told = np.interp(
        np.arange(FRAMES), np.arange(len(generator.asked[0][0])), generator.asked[0][0]
    )
    assert track_correlation(gaps, told) > 0.95 and gaps.max() > 0.08 > 0.02 > gaps.min()
    still = list(SKULL)
    assert np.abs(after - before)[:, still].max() * 256 < 0.5
    old_units = [
        item.unit for item in items_of(stream.read_bytes()) if isinstance(item, PortraitUnit)
    ]
    units = [item.unit for item in items_of(data) if isinstance(item, PortraitUnit)]
    assert units == old_units[: len(units)]
    assert (report.recording, report.behaviour, report.portrait_quality) == (
        str(stream),
        None,
        None,
    )
    assert report.sizes.frames == FRAMES and report.kept_s == 0 and not report.warnings


def test_the_generator_is_told_how_the_recorded_head_moves(stream: Path, speech: Path) -> None:
    generator = OpeningGenerator()
    dub(speech, stream, io.BytesIO(), DubOptions(seed=5), parts=redub_parts(generator))
    _, controls, _, _ = generator.asked[0]
    sway = 0.1 * 90 * np.sin(np.arange(len(controls)) / 9)
    assert abs(np.corrcoef(controls.pose[:, 3], sway)[0, 1]) > 0.99


def test_its_own_sound_changes_nothing(clip: Path, stream: Path) -> None:
    target = io.BytesIO()
    report = dub(clip, stream, target, parts=redub_parts())
    old, new = items_of(stream.read_bytes()), items_of(target.getvalue())
    groups = [[item for item in items if isinstance(item, MotionGroup)] for items in (old, new)]
    assert len(groups[0]) == 2  # a coder's sound may end a frame later
    for one, other in zip(groups[0], groups[1], strict=False):
        assert np.array_equal(one.indices, other.indices) and one.runs == other.runs
    assert report.kept_s >= FRAMES / 25


def test_a_replaced_sentence(clip: Path, stream: Path, tmp_path: Path) -> None:
    own = read_sound(clip)[: round(FRAMES / 25 * 48_000)].astype(float)
    own[48_000:] = spoken(FRAMES / 25, 48_000)[48_000 : len(own)]
    target = io.BytesIO()
    report = dub(write_wav(tmp_path / "new.wav", own, 48_000), stream, target, parts=redub_parts())
    _, before, _ = faces_of(stream)
    _, after, _ = faces_of(io.BytesIO(target.getvalue()))
    apart = np.abs(after - before).max((1, 2)) * 256
    assert apart[:20].max() == 0 and apart[28:].max() > 2
    assert 0.7 < report.kept_s < 1.1


def test_a_video_becomes_a_video(clip: Path, speech: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    report = dub(speech, clip, target, DubOptions(size_px=256), parts=redub_parts())
    times, pictures = read_video(target)
    assert len(times) == FRAMES and pictures[0].shape == (256, 256, 3)
    assert report.video_size_px == (256, 256) and report.recording == str(clip)


def test_a_video_becomes_a_stream_with_its_scene(clip: Path, speech: Path) -> None:
    target = io.BytesIO()
    dub(speech, clip, target, DubOptions(scene=True), parts=redub_parts())
    found = verify(io.BytesIO(target.getvalue()))
    assert found.sizes.scene > 0 and found.sizes.frames == FRAMES


def test_the_whole_picture_of_a_video(clip: Path, speech: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    report = dub(speech, clip, target, DubOptions(paste_back=True), parts=redub_parts())
    assert report.video_size_px == (160, 160) and read_video(target)[1][0].shape == (160, 160, 3)
    with pytest.raises(UsageError, match="--paste-back is for a video"):
        dub(speech, clip, tmp_path / "out.vqt", DubOptions(paste_back=True), parts=redub_parts())


def test_a_longer_sound(stream: Path, tmp_path: Path) -> None:
    target = io.BytesIO()
    speech = write_wav(tmp_path / "long.wav", spoken(5))
    report = dub(speech, stream, target, parts=redub_parts())
    _, points, _ = faces_of(io.BytesIO(target.getvalue()))
    assert len(points) == 125 and "back and forth" in report.warnings[0]
    steps = np.abs(np.diff(points[:, SKULL[0], 0]))
    assert steps.max() * 256 < 4
    verify(io.BytesIO(target.getvalue()))


def test_a_shorter_sound(stream: Path, tmp_path: Path) -> None:
    target = io.BytesIO()
    dub(write_wav(tmp_path / "short.wav", spoken(1)), stream, target, parts=redub_parts())
    found = verify(io.BytesIO(target.getvalue()))
    assert found.sizes.frames == 25


@pytest.mark.parametrize(("mix_db", "loud"), [(None, False), (0.0, True), (-60.0, False)])
def test_the_old_sound(stream: Path, tmp_path: Path, mix_db: float | None, loud: bool) -> None:
    target = tmp_path / "out.mp4"
    speech = write_wav(tmp_path / "faint.wav", 0.01 * spoken(FRAMES / 25))
    options = DubOptions(mix_db=mix_db, size_px=256)
    dub(speech, stream, target, options, parts=redub_parts())
    heard = read_sound(target)
    assert (np.abs(heard).mean() > 0.1) == loud


def test_a_stream_of_key_frames(tmp_path: Path, speech: Path) -> None:
    first = io.BytesIO()
    portrait = write_portrait(tmp_path / "p.png")
    dub(speech, portrait, first, parts=redub_parts())
    target = io.BytesIO()
    other = write_wav(tmp_path / "other.wav", spoken(2)[::-1])
    dub(other, io.BytesIO(first.getvalue()), target, parts=redub_parts())
    items = items_of(target.getvalue())
    assert sum(isinstance(item, KeyFrame) for item in items) == 1
    assert any(isinstance(item, AudioGroup) for item in items)
    assert verify(io.BytesIO(target.getvalue())).sizes.frames == 50


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (DubOptions(poses=Path("x.mp4")), "--poses"),
        (DubOptions(paste_back=True), "--paste-back"),
    ],
)
def test_what_a_recording_cannot_have(
    stream: Path, speech: Path, tmp_path: Path, options: DubOptions, told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        dub(speech, stream, tmp_path / "out.mp4", options, parts=redub_parts())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (DubOptions(mix_db=0), "--mix"),
        (DubOptions(fit=True), "--fit"),
        (DubOptions(scene=True), "--scene"),
        (DubOptions(segments=Path("x.csv")), "--segments"),
    ],
)
def test_what_a_picture_cannot_have(
    speech: Path, tmp_path: Path, options: DubOptions, told: str
) -> None:
    portrait = write_portrait(tmp_path / "p.png")
    with pytest.raises(UsageError, match=told):
        dub(speech, portrait, tmp_path / "out.vqt", options, parts=redub_parts())
    assert not (tmp_path / "out.vqt").exists()


def test_damaged_and_foreign_streams(stream: Path, speech: Path, tmp_path: Path) -> None:
    target, data = tmp_path / "out.vqt", stream.read_bytes()
    with pytest.raises(BitstreamError):
        dub(speech, io.BytesIO(data[: len(data) // 2]), target, parts=redub_parts())
    parts = redub_parts()

    def unknown(wanted: ModelId) -> object:
        raise UnsupportedError(f"motion space {wanted} isn't here")

    foreign = replace(parts, other_space=unknown)
    foreign.space.id = ModelId("another", bytes(32))
    with pytest.raises(UnsupportedError):
        dub(speech, stream, target, parts=foreign)
    assert not target.exists() and Fraction(FRAMES, 25) > 2
