"""A whole comparison on a drawn-out portrait: everything is written, nothing is measured twice."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.evaluation import moving, write_video
from vqcodec.comparison import points as vqtpoints
from vqcodec.comparison import runner
from vqcodec.comparison.anchors import codecs as anchors
from vqcodec.comparison.coding import decoder_of
from vqcodec.comparison.results import ComparisonResults
from vqcodec.comparison.runner import Comparison
from vqcodec.comparison.settings import ComparisonSettings
from vqcodec.errors import MediaError, NoFaceError, OutputExistsError, UsageError
from vqcodec.evaluation.tools.files import clip_name
from vqcodec.evaluation.tools.frames import read_frames
from vqcodec.lab.compare import summary
from vqcodec.progress import ProgressEvent

FRAMES = 30
SETTINGS = ComparisonSettings(codecs=("h264", "vqt"), points=2, every=9, tracks=False, quick=True)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("clip") / "talk.mp4", moving(FRAMES))


@pytest.fixture(scope="module")
def done(clip: Path) -> tuple[ComparisonResults, Path, list[ProgressEvent]]:
    events: list[ProgressEvent] = []
    out = clip.parent / "report"
    return runner.run(Comparison((clip,), out, SETTINGS, jobs=1), events.append), out, events


def test_every_codec_has_points(done: tuple[ComparisonResults, Path, list[ProgressEvent]]) -> None:
    results, out, events = done
    (clip,) = results.clips
    assert (clip.name, clip.frames, clip.side_px, clip.sound) == ("talk", FRAMES, 256, False)
    assert {p.codec for p in clip.points} == {"h264", "vqt"}
    assert {p.side_px for p in clip.points if p.codec == "h264"} <= {
        256,
        192,
        128,
    }  # no larger than the reference
    for p in clip.points:
        assert 0 < p.bytes.payload < p.bytes.file == p.bytes.file_with_sound
        assert p.kbps.file == pytest.approx(p.bytes.file * 8 / (FRAMES / 25) / 1000, abs=1e-3)
        assert p.encode_fps > 0 and p.decode_fps > 0
        assert (
            p.mean["ssim"] is not None and p.mean["vmaf"] is not None and p.mean["perc"] is not None
        )
        assert p.per_frame["numbers"] == [4, 13, 22]
    assert events[0].stage == "prepare" and events[-1].stage == "compare"
    assert results.metrics["perc"]["better"] == "lower" and "msi" in results.absent
    assert ComparisonResults.load(out / runner.RESULTS) == results


def test_one_point_of_each_codec_is_matched_in_size(
    done: tuple[ComparisonResults, Path, list[ProgressEvent]],
) -> None:
    results, out, _ = done
    matched = {p.codec: p for p in results.clips[0].points if p.matched}
    assert set(matched) == {"h264", "vqt"} and matched["vqt"].variant == vqtpoints.DEFAULT
    ratio = matched["h264"].bytes.file / matched["vqt"].bytes.file
    assert 0.8 < ratio < 1.25
    original = read_frames(out / "media" / "talk" / "original.mp4", 64)
    for codec in matched:
        shown = read_frames(out / "media" / "talk" / f"{codec}.mp4", 64)
        assert shown.shape == original.shape == (FRAMES, 64, 64, 3)
        assert float(np.abs(shown.astype(int) - original).mean()) < 20


def test_the_vqt_is_what_encode_writes(
    done: tuple[ComparisonResults, Path, list[ProgressEvent]], tmp_path: Path
) -> None:
    import vqcodec

    results, out, _ = done
    reference = out / "work" / "talk" / "reference.mp4"
    vqcodec.encode(reference, tmp_path / "again.vqt", vqcodec.EncodeOptions(crop="full"))
    point = next(p for p in results.clips[0].points if p.variant == vqtpoints.DEFAULT)
    assert (tmp_path / "again.vqt").stat().st_size == point.bytes.file
    parts = vqcodec.open(tmp_path / "again.vqt")
    with parts as stream:
        frames = [f.rgb for f in stream.frames()]
    data = (tmp_path / "again.vqt").read_bytes()
    some = dict(vqtpoints.pictures(data, decoder_of(data), {3, 4, 20}))
    assert set(some) == {3, 4, 20}
    for number, picture in some.items():  # another batch rounds otherwise, here and there by one
        assert int(np.abs(picture.astype(int) - frames[number]).max()) <= 2


def test_nothing_is_coded_twice(
    done: tuple[ComparisonResults, Path, list[ProgressEvent]],
    clip: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    results, out, _ = done

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("coded again")

    monkeypatch.setattr(anchors, "encode", refuse)
    monkeypatch.setattr(vqtpoints, "encode", refuse)
    again = runner.run(Comparison((clip,), out, SETTINGS, jobs=1))
    assert again.clips == results.clips


def test_it_goes_on_where_it_stopped(
    done: tuple[ComparisonResults, Path, list[ProgressEvent]],
    clip: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    results, out, _ = done
    path = out / "work" / "talk" / "h264.json"
    data = json.loads(path.read_text())
    lost = next(key for key, p in data["points"].items() if key != data["matched"])
    before = data["points"].pop(lost)
    data["finished"] = False
    path.write_text(json.dumps(data))
    calls = []
    encode = anchors.encode

    def counted(*args: Any, **kwargs: Any) -> Any:
        calls.append(args[4])
        return encode(*args, **kwargs)

    monkeypatch.setattr(anchors, "encode", counted)
    again = runner.run(Comparison((clip,), out, SETTINGS, jobs=1))
    found = next(p for p in again.clips[0].points if f"{p.variant} {p.setting}" == lost)
    assert found.bytes.file == before["bytes"]["file"] and found.mean == before["mean"]
    assert len(calls) <= 2  # the lost one, and the matched one for its video
    assert len(again.clips[0].points) == len(results.clips[0].points)


def test_two_processes_find_the_same(
    done: tuple[ComparisonResults, Path, list[ProgressEvent]], clip: Path, tmp_path: Path
) -> None:
    results, _, _ = done
    settings = ComparisonSettings(
        codecs=("h264", "vp9"), points=2, every=9, tracks=False, videos=False, quick=True
    )
    other = runner.run(Comparison((clip,), tmp_path, settings, jobs=2))
    sizes = {
        f"{p.variant} {p.setting}": p.bytes.file
        for p in results.clips[0].points
        if p.codec == "h264"
    }
    for p in other.clips[0].points:
        if p.codec == "h264":
            assert sizes[f"{p.variant} {p.setting}"] == p.bytes.file
    assert sum(p.matched for p in other.clips[0].points) == 2
    assert not (tmp_path / "media").exists()


def test_clips_must_differ_in_name(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="two clips are called talk"):
        Comparison((clip, clip), tmp_path, SETTINGS)
    with pytest.raises(UsageError, match="no clip"):
        Comparison((), tmp_path, SETTINGS)


def test_another_clip_of_the_same_name_is_shown(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Results are kept by name: what an earlier file of that name looked like isn't the original any more."""
    monkeypatch.setattr(runner, "_default", lambda reference, target, clip: target.write_bytes(b""))
    settings = ComparisonSettings(codecs=("h264",), points=2)
    shown = []
    for first in (0, 20):
        path = write_video(tmp_path / "talk.mp4", moving(first + 4)[first:])
        runner._prepared(path, Comparison((path,), tmp_path / "out", settings, 1))
        shown.append(read_frames(tmp_path / "out" / "media" / "talk" / "original.mp4", 64))
    assert np.abs(shown[0].astype(int) - shown[1]).mean() > 1


def test_what_cannot_be_compared_on_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "words.mp4").write_text("no video")
    (tmp_path / "folder").mkdir()
    for name, told in [
        ("words.mp4", "words.mp4"),
        ("folder", "folder: Is a directory"),
        ("none.mp4", "none.mp4: No such file"),
    ]:
        with pytest.raises(MediaError, match=told) as caught:
            runner.run(Comparison((tmp_path / name,), tmp_path / "out", SETTINGS, jobs=1))
        assert caught.value.hint and "Errno" not in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
@pytest.mark.parametrize("name", ["results.json", "report.html"])
def test_files_of_others_in_the_folder_are_left_alone(tmp_path: Path, name: str) -> None:
    own = tmp_path / name
    own.write_text("mine")
    (tmp_path / "work").mkdir()
    with pytest.raises(OutputExistsError, match=name):
        runner.run(Comparison((tmp_path / "absent.mp4",), tmp_path, ComparisonSettings()))
    assert own.read_text() == "mine"
    (tmp_path / "work/a").mkdir()
    (tmp_path / "work/a/prepared.json").touch()  # as a comparison leaves it that was interrupted
    with pytest.raises(MediaError, match=r"absent\.mp4"):
        runner.run(Comparison((tmp_path / "absent.mp4",), tmp_path, ComparisonSettings()))


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(MediaError, match="read several times"):
        runner.run(Comparison((tmp_path / "pipe",), tmp_path / "out", SETTINGS, jobs=1))


def test_a_clip_without_a_face_is_named(tmp_path: Path) -> None:
    path = write_video(tmp_path / "grey.mp4", np.full((3, 64, 64, 3), 90, np.uint8))
    with pytest.raises(NoFaceError) as caught:
        runner.run(Comparison((path,), tmp_path / "out", SETTINGS, jobs=1))
    assert str(path) in str(caught.value) and "reference" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "called"),
    [
        (b"talk.mp4", "talk"),
        (b"a\xff\n.mp4", "a\ufffd\ufffd"),
        (b"..mp4", "clip."),
        (b"...mp4", "clip.."),
        (b"n" * 255, "n" * 200),
        ("ä".encode() * 125, "ä" * 100),
        (b'"q" <b>.mp4', '"q" <b>'),
    ],
)
def test_a_clip_has_a_name_that_can_be_written(name: bytes, called: str) -> None:
    assert clip_name(Path(os.fsdecode(name))) == called


def test_a_rate_that_is_refused_is_kept_with_its_reason(
    done: tuple[ComparisonResults, Path, list[ProgressEvent]], tmp_path: Path
) -> None:
    results, out, _ = done
    reference = out / "work" / "talk" / "reference.mp4"
    with pytest.raises(vqtpoints.RefusedRateError, match="can't be coded at 1 kbit/s"):
        vqtpoints.encode(reference, vqtpoints.at_rate(1))
    clip = results.clips[0]
    names = {p.variant for p in clip.points if p.codec == "vqt"} | set(clip.refused)
    assert names == {s.name for s in vqtpoints.QUICK}
    for p in clip.points:
        if p.codec == "vqt" and p.target_kbps is not None:
            assert p.kbps.file <= p.target_kbps * 1.05 and p.setting == f"--bitrate {p.target_kbps}"
    assert all("can't be coded at" in reason for reason in clip.refused.values())
    summary.save(results, tmp_path / "s.json")
    assert summary.load(tmp_path / "s.json").clips[0].refused == clip.refused
