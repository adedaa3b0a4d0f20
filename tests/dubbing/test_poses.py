"""`--poses`: the head motion of a recording, taken over for another portrait and the length of a sound."""

from __future__ import annotations

import io
import os
import threading
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.dub import (
    DrawnHeads,
    HeadSpace,
    SteppingGenerator,
    dub_parts,
    spoken,
    write_portrait,
    write_wav,
)
from tests.support.pipeline import RENDERER_ID, draw, video_writer, write_swaying
from tests.support.units import make_unit
from vqcodec.codec.tokens import TokenSequence
from vqcodec.config import DubOptions
from vqcodec.container import Writer
from vqcodec.dubbing.pipeline import dub
from vqcodec.dubbing.poses import read_poses
from vqcodec.encoding.parts import EncoderParts
from vqcodec.encoding.pipeline import encode
from vqcodec.errors import BitstreamError, MediaError, NoFaceError, UnsupportedError
from vqcodec.geometry.controls import Controls, read_controls
from vqcodec.reports import DubReport
from vqcodec.types import ModelId, MotionGroup, PortraitUnit


@pytest.fixture
def portrait(tmp_path: Path) -> Path:
    return write_portrait(tmp_path / "portrait.png")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a face that sways."""
    return write_swaying(
        tmp_path_factory.mktemp("poses") / "driver.mp4", 50, width=160, height=160, size=90
    )


@pytest.fixture(scope="module")
def stream(clip: Path) -> Path:
    """The same, coded."""
    target = clip.with_suffix(".vqt")
    encode(clip, target, parts=EncoderParts(HeadSpace(), RENDERER_ID, DrawnHeads))
    return target


def told(
    tmp_path: Path, portrait: Path, poses: Path, seconds: float, **options: Any
) -> tuple[Controls, DubReport, Any]:
    """Controls that the generator got, the report, and what it knew of the portrait."""
    generator = SteppingGenerator()
    speech = write_wav(tmp_path / "speech.wav", spoken(seconds))
    report = dub(
        speech,
        portrait,
        io.BytesIO(),
        DubOptions(poses=poses, **options),
        parts=dub_parts(generator),
    )
    _, controls, facts, *_ = generator.asked[0]
    assert len(controls) == round(seconds * 25)
    return controls, report, facts


@pytest.mark.parametrize("kind", ["clip", "stream"])
def test_the_head_moves_as_in_the_recording(
    tmp_path: Path, portrait: Path, request: pytest.FixtureRequest, kind: str
) -> None:
    poses = request.getfixturevalue(kind)
    controls, report, facts = told(tmp_path, portrait, poses, 1.6)
    assert report.warnings == () and report.poses == str(poses)
    assert report.behaviour is None and report.to_json()["behaviour"] is None
    # the face sways by a tenth of its height, here as there; only its own portrait is where it stands still
    path = controls.pose[:, 3] - facts.controls.pose[0, 3]
    size = np.ptp(facts.landmarks[:, 1])
    wanted = 0.1 * size * np.sin(np.arange(40) / 9)
    assert np.abs((path - path.mean()) - (wanted - wanted.mean())).max() < 0.02 * size
    assert np.abs(controls.pose[:, :3] - facts.controls.pose[0, :3]).max() < 0.05


def test_a_short_recording_is_played_back_and_forth(
    tmp_path: Path, portrait: Path, clip: Path
) -> None:
    controls, report, _ = told(tmp_path, portrait, clip, 6.0)
    assert np.array_equal(controls.pose[:50][::-1], controls.pose[49:99])
    assert np.array_equal(controls.pose[:50], controls.pose[98:148])
    assert np.abs(np.diff(controls.pose[:, 3])).max() < 0.02
    assert len(report.warnings) == 1 and "2.0 s of motion for 6.0 s" in report.warnings[0]


def test_its_portrait_drives_itself_exactly(tmp_path: Path, clip: Path) -> None:
    """A recording whose first frame is the portrait gives its own poses back."""
    from PIL import Image

    Image.fromarray(draw(160, 160, [(80, 80, 90)])).save(tmp_path / "first.png")
    parts = dub_parts()
    poses = read_poses(clip, parts, Fraction(1))
    with parts.detector() as detector:
        points = detector.faces(draw(160, 160, [(80, 80, 90)]))[0].points / np.float32(160)
    own = read_controls(points[None], parts.shape)
    assert np.abs(poses.controls(own, 1).pose[0] - own.pose[0]).max() < 0.02


def test_a_recording_is_read_no_further_than_it_is_needed(clip: Path, stream: Path) -> None:
    for path in (clip, stream):
        poses = read_poses(path, dub_parts(), Fraction(1, 2))
        assert len(poses) == 14 and poses.warnings_for(14) == ()
        assert "0.6 s of motion for 1.0 s" in poses.warnings_for(25)[0]


def test_a_recording_comes_through_a_pipe(clip: Path, stream: Path, tmp_path: Path) -> None:
    pipe, parts = tmp_path / "pipe", dub_parts()
    os.mkfifo(pipe)
    for path in (clip, stream):
        data = path.read_bytes()
        threading.Thread(target=lambda d=data: pipe.write_bytes(d), daemon=True).start()
        got, wanted = (read_poses(p, parts, Fraction(1, 2)) for p in (pipe, path))
        assert np.array_equal(got.table, wanted.table)


def test_a_recording_of_another_motion_space(clip: Path, tmp_path: Path) -> None:
    """The parts say where its landmarks come from; the stand-in's units differ from those of the dub's own space."""
    other, asked = HeadSpace(id=RENDERER_ID), list[ModelId]()
    other.units = other.units / np.float32(2)
    encode(clip, tmp_path / "a.vqt", parts=EncoderParts(other, RENDERER_ID, DrawnHeads))
    parts = dub_parts()
    with pytest.raises(UnsupportedError):
        read_poses(tmp_path / "a.vqt", parts, Fraction(1))

    def find(wanted: ModelId) -> HeadSpace:
        asked.append(wanted)
        return other

    poses = read_poses(tmp_path / "a.vqt", replace(parts, other_space=find), Fraction(1))
    right = read_poses(clip, parts, Fraction(1))
    assert asked == [RENDERER_ID] and np.array_equal(poses.times_s, right.times_s)
    assert np.abs(poses.table[:, 3:5] - right.table[:, 3:5]).max() < 0.02


def test_no_blink_keeps_the_eyes(tmp_path: Path, portrait: Path, clip: Path) -> None:
    controls, _, facts = told(tmp_path, portrait, clip, 1.0, blink=False)
    assert (controls.blink == facts.controls.blink[0]).all()


def test_another_rate_is_resampled(tmp_path: Path, portrait: Path) -> None:
    clip = tmp_path / "slow.mp4"
    with video_writer(clip, width=160, height=160, fps=Fraction(10)) as write:
        for i in range(11):
            write(draw(160, 160, [(70 + 2 * i, 80, 90)]))
    controls, _, _ = told(tmp_path, portrait, clip, 1.0)
    steps = np.diff(controls.pose[2:, 3])
    assert steps.min() > 0.2 * steps.mean() and steps.max() < 2 * steps.mean()


def test_frames_without_a_face_are_bridged(tmp_path: Path, portrait: Path) -> None:
    clip = tmp_path / "gap.mp4"
    with video_writer(clip, width=160, height=160) as write:
        for i in range(30):
            write(draw(160, 160, [] if 12 <= i < 16 or i < 2 else [(80, 80, 90)]))
    controls, _, facts = told(tmp_path, portrait, clip, 1.0)
    assert (
        np.isfinite(controls.pose).all()
        and np.ptp(controls.pose[:, 3]) < 0.01
        and facts is not None
    )


@pytest.mark.parametrize("coded", [False, True])
def test_of_several_shots_the_first_is_taken(tmp_path: Path, portrait: Path, coded: bool) -> None:
    poses = tmp_path / "shots.mp4"
    with video_writer(poses, width=160, height=160) as write:
        for i in range(80):
            write(
                draw(160, 160, [(80, 80, 90)] if i < 40 else [(60, 90, 60)], 60 if i < 40 else 200)
            )
    if coded:
        encode(
            poses, tmp_path / "shots.vqt", parts=EncoderParts(HeadSpace(), RENDERER_ID, DrawnHeads)
        )
        poses = tmp_path / "shots.vqt"
    controls, report, _ = told(tmp_path, portrait, poses, 3.0)
    assert any("more than one shot" in sentence for sentence in report.warnings)
    assert np.ptp(controls.pose[:, 5]) < 0.02


def in_shots(stream: Path, target: Path, *, continues: bool) -> Path:
    """The same motion in two shots of major version 2, the second from frame 20 on."""
    one = TokenSequence.read(stream.read_bytes())
    own = one.portraits[0].features
    head = replace(one.head, version=(2, 0), audio=None)
    with target.open("wb") as file, Writer(file, head) as writer:
        for shot, (first, stop) in enumerate(((0, 20), (20, len(one)))):
            begins = continues and shot > 0
            writer.portrait(PortraitUnit(first, shot, 0, None, own, make_unit(), begins))
            rows = slice(first, stop)
            writer.motion(
                MotionGroup(
                    first, one.ticks[rows], one.low_confidence[rows], one.tokens[rows], shot
                )
            )
    return target


@pytest.mark.parametrize("continues", [False, True])
def test_shots_of_a_stream_are_what_it_says(
    tmp_path: Path, portrait: Path, stream: Path, continues: bool
) -> None:
    whole, *_ = told(tmp_path, portrait, stream, 1.6)
    poses = in_shots(stream, tmp_path / "shots.vqt", continues=continues)
    controls, report, _ = told(tmp_path, portrait, poses, 1.6)
    assert np.array_equal(controls.pose[:20], whole.pose[:20])
    assert np.array_equal(controls.pose, whole.pose) == continues
    assert any("more than one shot" in sentence for sentence in report.warnings) != continues


def refused(kind: type[Exception], portrait: Path, poses: Path) -> Exception:
    before = sorted(portrait.parent.iterdir())
    speech = write_wav(portrait.parent.parent / "speech.wav", spoken(0.5))
    with pytest.raises(kind) as caught:
        dub(
            speech,
            portrait,
            portrait.parent / "out.vqt",
            DubOptions(poses=poses),
            parts=dub_parts(),
        )
    assert sorted(portrait.parent.iterdir()) == before
    return caught.value


def test_poses_that_are_none(tmp_path: Path, stream: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    portrait = write_portrait(folder / "portrait.png")
    empty = tmp_path / "empty.mp4"
    with video_writer(empty, width=96, height=96) as write:
        for _ in range(10):
            write(draw(96, 96, []))
    assert "no face in" in str(refused(NoFaceError, portrait, empty))
    refused(MediaError, portrait, tmp_path / "absent.mp4")
    refused(MediaError, portrait, tmp_path / "absent.vqt")
    cut = tmp_path / "cut.vqt"
    cut.write_bytes(stream.read_bytes()[:-200])
    refused(BitstreamError, portrait, cut)
    foreign = tmp_path / "foreign.bin"  # known by its first bytes, not by its name
    other = EncoderParts(HeadSpace(id=RENDERER_ID), RENDERER_ID, DrawnHeads)
    with foreign.open("wb") as file:
        encode(stream.with_suffix(".mp4"), file, parts=other)
    refused(UnsupportedError, portrait, foreign)


def test_a_picture_as_poses_holds_still(tmp_path: Path, portrait: Path) -> None:
    controls, report, _ = told(tmp_path, portrait, write_portrait(tmp_path / "still.png"), 1.0)
    assert not np.ptp(controls.pose, axis=0).any() and report.warnings
