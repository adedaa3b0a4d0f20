"""Recordings that don't show a face all the time, that have several shots, or whose eyes are to look elsewhere."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from tests.support.dub import spoken, write_wav
from tests.support.pipeline import draw, video_writer, write_swaying
from tests.support.redub import OpeningGenerator, coder_parts, faces_of, redub_parts
from vqcodec.config import DubOptions
from vqcodec.container import Reader, verify
from vqcodec.dubbing.pipeline import dub
from vqcodec.encoding.pipeline import encode
from vqcodec.errors import NoFaceError, UsageError
from vqcodec.types import MotionGroup

SHOWN, GONE = 30, 20


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A face, nobody, and after a cut a face elsewhere."""
    clip = tmp_path_factory.mktemp("faces") / "talk.mp4"
    with video_writer(clip, width=160, height=160) as write:
        for _ in range(SHOWN):
            write(draw(160, 160, [(80, 80, 90)]))
        for _ in range(GONE):
            write(draw(160, 160, []))
        for _ in range(SHOWN):
            write(draw(160, 160, [(70, 90, 80)], background=160))
    target = clip.with_suffix(".vqt")
    encode(clip, target, parts=coder_parts())
    return target


def test_frames_without_a_face_are_left_alone(stream: Path, tmp_path: Path) -> None:
    generator, target = OpeningGenerator(), io.BytesIO()
    speech = write_wav(tmp_path / "speech.wav", spoken((2 * SHOWN + GONE) / 25))
    report = dub(speech, stream, target, parts=redub_parts(generator))
    data = target.getvalue()
    verify(io.BytesIO(data))
    groups = [item for item in Reader(io.BytesIO(data)) if isinstance(item, MotionGroup)]
    held = np.concatenate([group.low_confidence for group in groups])
    assert GONE - 2 <= held.sum() <= GONE + 2 and len(held) == 2 * SHOWN + GONE
    _, before, _ = faces_of(stream)
    _, after, _ = faces_of(io.BytesIO(data))
    apart = np.abs(after - before).max((1, 2)) * 256
    assert apart[held].max() < 0.5 and apart[:20].max() > 2 and apart[60:].max() > 2
    assert report.kept_s >= GONE / 25 - 0.1
    shots = {group.shot for group in groups}
    assert shots == {0, 1} and len(generator.asked) == 2  # each shot's own person


def test_nobody_at_all(tmp_path: Path) -> None:
    clip = tmp_path / "nobody.mp4"
    with video_writer(clip, width=96, height=96) as write:
        for _ in range(5):
            write(draw(96, 96, []))
    speech = write_wav(tmp_path / "speech.wav", spoken(0.4))
    with pytest.raises(NoFaceError):
        dub(speech, clip, tmp_path / "out.vqt", parts=redub_parts())
    assert not (tmp_path / "out.vqt").exists()


def test_eyes_to_the_camera_and_what_a_recording_brings_itself(tmp_path: Path) -> None:
    clip = write_swaying(tmp_path / "talk.mp4", 30, sound=True, width=160, height=160, size=90)
    target = io.BytesIO()
    report = dub(clip, clip, target, DubOptions(gaze="camera"), parts=redub_parts())
    assert verify(io.BytesIO(target.getvalue())).head.synthetic
    assert report.kept_s < 0.2
    for options, told in (
        (DubOptions(head="still"), "--head still"),
        (DubOptions(blink=False), "--blink still"),
        (DubOptions(gaze="natural"), "--gaze natural"),
    ):
        with pytest.raises(UsageError, match=told):
            dub(clip, clip, tmp_path / "out.vqt", options, parts=redub_parts())
    assert not (tmp_path / "out.vqt").exists()
