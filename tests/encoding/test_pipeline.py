"""Encoding with stand-in models: files, times, sound, squares, rates, and what is refused."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.support.encoded import coded, groups, stream, times
from tests.support.pipeline import (
    RENDERER_ID,
    SPACE_ID,
    DrawnFaces,
    FakeSpace,
    draw,
    encoder_parts,
    swaying,
    video_writer,
    write_swaying,
)
from vqcodec.api import info
from vqcodec.config import AudioChoice, EncodeOptions, Quality
from vqcodec.encoding.pipeline import encode
from vqcodec.errors import MediaError, NoFaceError, OutputExistsError
from vqcodec.media.still.portrait_stream import PathDecoder
from vqcodec.progress import ProgressEvent
from vqcodec.types import AudioGroup, MotionGroup, PortraitUnit

QUALITIES: tuple[Quality, ...] = ("small", "medium", "best")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 frames, 96x96, 25 per second, with a tone."""
    return write_swaying(tmp_path_factory.mktemp("clip") / "clip.mp4", 60, sound=True)


def test_a_whole_file(clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.vqt"
    events: list[ProgressEvent] = []
    report = encode(clip, target, progress=events.append, parts=encoder_parts())
    assert (
        sum(
            (report.sizes.portrait, report.sizes.motion, report.sizes.audio, report.sizes.container)
        )
        == target.stat().st_size
    )
    assert (report.sizes.frames, report.sizes.seconds) == (60, Fraction(12, 5))
    assert (report.layers, report.low_confidence_frames) == (4, 0)
    assert report.key_frames == sum(
        isinstance(i, PortraitUnit) for i in stream(target.read_bytes())
    )
    assert (report.motion_space, report.renderer) == (SPACE_ID, RENDERER_ID)
    assert report.frame_rate_hz == 25 and report.crop is not None and report.crop.side_px == 96
    assert report.encode_fps > 0 and report.warnings == ()
    assert [e.frames for e in events] == [*range(1, 61), 60]
    assert (
        events[-1].total_frames == 60
        and events[-1].media_s == Fraction(12, 5)
        and events[-1].file_bytes == target.stat().st_size
    )
    fields = info(target)
    assert fields["frames"] == 60 and fields["file_bytes"] == target.stat().st_size
    assert list(tmp_path.iterdir()) == [target]


def test_order_of_the_file(clip: Path) -> None:
    items = list(stream(coded(clip)))
    kinds = [type(item) for item in items if not getattr(item, "number", 0)]  # number 0 alone
    assert kinds[:3] == [PortraitUnit, MotionGroup, AudioGroup]
    assert len([i for i in items if isinstance(i, MotionGroup)]) == 2
    portrait = items[0]
    assert isinstance(portrait, PortraitUnit) and (portrait.shot, portrait.number) == (0, 0)
    assert PathDecoder().picture([portrait.unit]).shape == (512, 512, 3)
    head = stream(coded(clip)).head
    assert (head.version, head.delay_ms) == ((2, 0), None)
    assert times(coded(clip)) == [Fraction(i, 25) for i in range(60)]


def test_same_input_same_bytes(clip: Path) -> None:
    assert coded(clip) == coded(io.BytesIO(clip.read_bytes()))


class _Pipe(io.RawIOBase):
    """Bytes that come in small pieces and can't be sought."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        part = self._data.read(min(len(view), 700))
        view[: len(part)] = part
        return len(part)


def test_from_a_pipe(tmp_path: Path) -> None:
    path = write_swaying(tmp_path / "clip.mkv", 40)
    assert (
        times(coded(_Pipe(path.read_bytes())))
        == times(coded(path))
        == [Fraction(i, 25) for i in range(40)]
    )


def test_features_come_in_batches_and_every_frame_once(clip: Path) -> None:
    space = FakeSpace()
    coded(clip, parts=encoder_parts(space))
    assert sum(space.batches) == 60 and len(space.batches) <= 6 and max(space.batches) <= 32


@pytest.mark.parametrize("frames", [1, 7, 100])
def test_the_size_of_a_batch_changes_no_byte(
    clip: Path, monkeypatch: pytest.MonkeyPatch, frames: int
) -> None:
    usual, space = coded(clip), FakeSpace()
    monkeypatch.setattr("vqcodec.encoding.pipeline.FEATURE_BATCH_FRAMES", frames)
    assert coded(clip, parts=encoder_parts(space)) == usual
    assert max(space.batches) == min(frames, 60)


def test_variable_frame_rate_keeps_its_times(tmp_path: Path) -> None:
    path, pts = tmp_path / "vfr.mp4", [0, 33, 70, 200, 233, 266, 700, 733, 3100, 3133]
    frames = [f.rgb for f in swaying(len(pts))]
    with video_writer(path, width=96, height=96, time_base=Fraction(1, 1000)) as write:
        for rgb, at in zip(frames, pts, strict=True):
            write(rgb, at)
    data = coded(path)
    assert times(data) == [Fraction(at, 1000) for at in pts]
    assert [len(g.ticks) for g in groups(data)] == [8, 2]


def test_rate_of_2997(tmp_path: Path) -> None:
    path = tmp_path / "ntsc.mp4"
    with video_writer(path, width=96, height=96, fps=Fraction(30000, 1001)) as write:
        for frame in swaying(31):
            write(frame.rgb)
    data = coded(path)
    assert stream(data).head.frame_rate_hz == Fraction(30000, 1001)
    assert times(data)[-1] == Fraction(30 * 1001, 30000)


def test_resampled(clip: Path) -> None:
    assert times(coded(clip, EncodeOptions(fps=Fraction(10)))) == [
        Fraction(i, 10) for i in range(24)
    ]


def test_without_sound(tmp_path: Path, clip: Path) -> None:
    silent = write_swaying(tmp_path / "silent.mp4", 30)
    for data in (coded(silent), coded(clip, EncodeOptions(audio=AudioChoice("none")))):
        reader = stream(data)
        assert reader.head.audio is None
        assert not any(isinstance(item, AudioGroup) for item in reader)


def test_sound_is_as_long_as_it_was(clip: Path) -> None:
    reader = stream(coded(clip))
    head = reader.head.audio
    assert head is not None and (head.channels, head.sample_rate_hz) == (1, 48000)
    sound = [item for item in reader if isinstance(item, AudioGroup)]
    packets = sum(len(group.packets) for group in sound)
    heard = packets * 2880 - head.pre_skip_samples - sound[-1].end_trim_samples
    assert abs(heard - 2.4 * 48000) <= 1024
    assert [group.first_sample for group in sound] == [
        2880 * sum(len(g.packets) for g in sound[:i]) for i in range(len(sound))
    ]


def test_no_face(tmp_path: Path) -> None:
    path, target = tmp_path / "empty.mp4", tmp_path / "out.vqt"
    with video_writer(path, width=96, height=96) as write:
        for _ in range(30):
            write(draw(96, 96, []))
    for options in (EncodeOptions(), EncodeOptions(bitrate_kbps=20)):
        with pytest.raises(NoFaceError, match="30 frames"):
            encode(path, target, options, parts=encoder_parts())
    assert list(tmp_path.iterdir()) == [path]
    sink = io.BytesIO()
    with pytest.raises(NoFaceError):
        encode(path, sink, parts=encoder_parts())
    assert sink.getvalue() == b""


def test_frames_without_a_face(tmp_path: Path) -> None:
    path = tmp_path / "gaps.mp4"
    gaps = {0, 1, 2, 20, 21, 22, 23, 24, 25, 26, 27, 28, 39}
    with video_writer(path, width=96, height=96) as write:
        for i, frame in enumerate(swaying(40)):
            write(draw(96, 96, []) if i in gaps else frame.rgb)
    sink = io.BytesIO()
    report = encode(path, sink, parts=encoder_parts())
    found = groups(sink.getvalue())
    flags = np.concatenate([group.low_confidence for group in found])
    tokens = np.concatenate([group.indices for group in found])
    assert set(np.flatnonzero(flags).tolist()) == gaps
    assert report.low_confidence_frames == len(gaps) and "13 of 40" in report.warnings[0]
    assert (
        (tokens[0:3] == tokens[3]).all()
        and (tokens[20:29] == tokens[19]).all()
        and (tokens[39] == tokens[38]).all()
    )


def test_layers(clip: Path) -> None:
    full, two = groups(coded(clip)), groups(coded(clip, EncodeOptions(layers=2)))
    for a, b in zip(full, two, strict=True):
        assert np.array_equal(a.indices[..., :2], b.indices)


def test_portrait_quality(clip: Path) -> None:
    coarse, fine = (
        next(
            len(item.unit)
            for item in stream(coded(clip, EncodeOptions(portrait_quality=quality)))
            if isinstance(item, PortraitUnit)
        )
        for quality in (20, 90)
    )
    assert coarse < fine


def test_qualities(clip: Path) -> None:
    small, medium, best = (len(coded(clip, EncodeOptions(quality=q))) for q in QUALITIES)
    assert small < medium < best
    assert coded(clip) == coded(clip, EncodeOptions(quality="medium"))


def test_an_existing_file_stays(clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.vqt"
    target.write_bytes(b"precious")

    def untouched() -> DrawnFaces:
        raise AssertionError("work was begun")

    parts = replace(encoder_parts(), detector=untouched)
    with pytest.raises(OutputExistsError):
        encode(clip, target, parts=parts)
    assert target.read_bytes() == b"precious"
    encode(clip, target, force=True, parts=encoder_parts())
    assert info(target)["frames"] == 60


def test_unreadable_inputs(tmp_path: Path) -> None:
    target = tmp_path / "out.vqt"
    with pytest.raises(MediaError):
        encode(tmp_path / "absent.mp4", target, parts=encoder_parts())
    with pytest.raises(MediaError):
        encode(io.BytesIO(b"not a video at all" * 100), target, parts=encoder_parts())
    assert not list(tmp_path.iterdir())


def test_a_failing_stage_leaves_nothing(clip: Path, tmp_path: Path) -> None:
    class Broken(FakeSpace):
        def features(
            self, frames: np.ndarray, landmarks: np.ndarray, surroundings: np.ndarray | None = None
        ) -> np.ndarray:
            if len(self.batches) == 2:
                raise RuntimeError("out of memory")
            return super().features(frames, landmarks, surroundings)

    with pytest.raises(RuntimeError, match="out of memory"):
        encode(clip, tmp_path / "out.vqt", parts=encoder_parts(Broken()))
    assert not list(tmp_path.iterdir())


def test_interrupted_from_the_progress_callback(clip: Path, tmp_path: Path) -> None:
    def stop(event: ProgressEvent) -> None:
        if event.frames == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode(clip, tmp_path / "out.vqt", progress=stop, parts=encoder_parts())
    assert not list(tmp_path.iterdir())
