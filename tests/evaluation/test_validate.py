"""The validation command with a stand-in codec: what is measured, how faults are seen, what is printed and written."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from tests.support.evaluation import blurred, moving, write_video
from vqcodec.config import DecodeOptions, EncodeOptions
from vqcodec.container.reader import Reader
from vqcodec.container.writer import Writer
from vqcodec.errors import MediaError, NoFaceError, UsageError
from vqcodec.evaluation.metrics.suite import Suite
from vqcodec.evaluation.tools.frames import read_frames
from vqcodec.evaluation.validate import roundtrip
from vqcodec.evaluation.validate.record import Run, ValidationResults
from vqcodec.evaluation.validate.roundtrip import (
    PublicApi,
    Tokens,
    motion_written,
    round_trip,
    same_tokens,
)
from vqcodec.evaluation.validate.run import Validation, parse_layers, validation_clips
from vqcodec.evaluation.validate.table import show
from vqcodec.format import DIMS
from vqcodec.reports import EncodeReport
from vqcodec.types import Head, KeyFrame, ModelId, MotionGroup, StreamSizes
from vqcodec_cli.validate import validate

SPACE, RENDERER = ModelId("space", bytes(32)), ModelId("renderer", bytes(range(32)))
FRAMES = 6


def group(seed: int = 0, layers: int = 4) -> MotionGroup:
    rng = np.random.default_rng(seed)
    return MotionGroup(
        0,
        np.arange(FRAMES, dtype=np.int64),
        np.zeros(FRAMES, np.bool_),
        rng.integers(0, 625, (FRAMES, 12, layers)).astype(np.uint16),
    )


class StandIn:
    """Keeps the video as it is, blurred when decoded; may lose a frame or spoil a token, and refuses one name."""

    def __init__(self, *, lost_frames: int = 0, spoilt: bool = False, refused: str = "") -> None:
        self.lost_frames, self.spoilt, self.refused = lost_frames, spoilt, refused
        self.layers: list[int] = []

    def encode(
        self, source: Path, target: Path, options: EncodeOptions
    ) -> tuple[EncodeReport, Tokens]:
        if source.stem == self.refused:
            raise NoFaceError("no face")
        assert options.portrait_frame == "first" and options.crop == "full"
        self.layers.append(options.layers)
        self.source = source
        target.write_bytes(b"stream")
        sizes = StreamSizes(
            portrait=1000,
            motion=100 * options.layers,
            audio=300,
            container=50,
            frames=FRAMES,
            seconds=Fraction(FRAMES, 25),
        )
        return EncodeReport(
            sizes=sizes,
            layers=options.layers,
            motion_space=SPACE,
            renderer=RENDERER,
            frame_rate_hz=Fraction(25),
            key_frames=1,
            low_confidence_frames=0,
            portrait_quality=60,
            elapsed_s=1.0,
        ), [group()]

    def decode(self, source: Path, target: Path, options: DecodeOptions) -> None:
        assert source.read_bytes() == b"stream" and options.size_px == 512
        frames = read_frames(self.source, None)
        write_video(target, blurred(frames[: len(frames) - self.lost_frames], 1.0))

    def tokens(self, source: Path) -> Tokens:
        return [group(int(self.spoilt))]


@pytest.fixture(scope="module")
def suite() -> Iterator[Suite]:
    pytest.importorskip("torchmetrics")
    pytest.importorskip("dlib")
    pytest.importorskip("cpbd")
    with Suite(3) as made:
        yield made


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "val").mkdir()
    for name in ("one", "two"):
        write_video(folder / "val" / f"{name}.mp4", moving(FRAMES))
    return folder


def test_a_validation_measures_what_the_codec_gave(
    suite: Suite, clips: Path, tmp_path: Path
) -> None:
    codec = StandIn()
    seen: list[str] = []
    results = Validation(suite, (4, 2), tmp_path, codec=codec).run(
        validation_clips(clips), seen.append
    )
    assert seen == ["one", "two"] and codec.layers == [4, 2, 4, 2]
    assert [r.layers for r in results.runs] == [4, 2] and not results.failed
    first = results.runs[0].clips[0]
    assert first.frames == first.frames_decoded == FRAMES and first.tokens_identical
    assert first.rates["motion_kbps"] == pytest.approx(400 * 8 * 25 / FRAMES / 1000, abs=1e-3)
    parts = sum(v for k, v in first.rates.items() if k != "file_kbps")
    assert parts == pytest.approx(first.rates["file_kbps"], abs=0.01)
    assert first.encode_fps > 0 and first.decode_fps > 0
    summary = results.summary(results.runs[0])
    assert (
        summary["gain"]["psnr_db"] > 0
        and summary["gain"]["lmd"] < 0.5
        and summary["clips_worse_than_still"] == 0
    )
    assert results.still["one"].jitter == 0
    assert set(results.camera) == {"one", "two"} and results.camera["one"].steady
    assert results.conditions["renderer"] == str(RENDERER)


def test_faults_are_seen(suite: Suite, clips: Path, tmp_path: Path) -> None:
    codec = StandIn(lost_frames=1, spoilt=True, refused="two")
    results = Validation(suite, (4,), tmp_path, codec=codec).run(validation_clips(clips))
    assert len(results.runs[0].clips) == 1 and results.failed == {"two": "NoFaceError: no face"}
    assert list(results.still) == ["one"]
    only = results.runs[0].clips[0]
    assert (only.frames, only.frames_decoded, only.tokens_identical) == (FRAMES, FRAMES - 1, False)


def test_nothing_coded_is_an_error(suite: Suite, clips: Path, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no face"):
        Validation(suite, (4,), tmp_path, codec=StandIn(refused="one")).run(
            validation_clips(clips)[:1]
        )


def test_command(
    clips: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, keep = tmp_path / "results.json", tmp_path / "kept"
    monkeypatch.setattr(roundtrip, "PublicApi", lambda device: StandIn())
    validate(clips, out, 1, keep=keep)
    shown = capsys.readouterr().out
    assert "PSNR" in shown and "still portrait" in shown and "steady-camera clips: 1 of 1" in shown
    # figures alone: bars and other systems are no business of a stranger's clips
    assert "MISSED" not in shown and "bar" not in shown and "VQTalker" not in shown
    assert ValidationResults.load(out).runs[0].layers == 4
    assert sorted(p.name for p in keep.iterdir()) == ["one-4.mp4", "one-4.vqt"]
    assert str(tmp_path) not in out.read_text(encoding="utf-8")


def test_clips_that_gained_nothing_or_failed_are_named(
    suite: Suite, clips: Path, tmp_path: Path
) -> None:
    made = Validation(suite, (4,), tmp_path, codec=StandIn(refused="two")).run(
        validation_clips(clips)
    )
    (run,) = made.runs
    worse = [replace(c, scores=replace(c.scores, perc=9.0)) for c in run.clips]
    text = StringIO()
    show(replace(made, runs=(Run(4, tuple(worse)),)), Console(file=text, width=200))
    assert "no better than its still portrait in perceptual distance: one" in text.getvalue()
    assert "not coded: two: NoFaceError: no face" in text.getvalue()


def test_a_folder_without_clips_is_said(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(MediaError, match=f"(no videos in|cannot read) {folder}"):
            validation_clips(folder)


def test_videos_of_any_kind_are_measured_under_names_of_their_own(
    suite: Suite, tmp_path: Path
) -> None:
    names = ["a.MP4", "a.mkv", "b.webm", "notes.txt"]
    for name in names:
        (tmp_path / name).touch()
    clips = validation_clips(tmp_path)
    assert [clip.name for clip in clips] == names[:3]
    codec = StandIn()
    with pytest.raises(UsageError, match=r"called a: .*a\.MP4 and .*a\.mkv"):
        Validation(suite, (4,), tmp_path, codec=codec).run(clips)
    assert codec.layers == []


def test_clips_are_spread_evenly(tmp_path: Path) -> None:
    for number in range(10):
        (tmp_path / f"{number}.mp4").touch()
    assert [c.stem for c in validation_clips(tmp_path, 3)] == ["0", "3", "6"]
    assert len(validation_clips(tmp_path)) == len(validation_clips(tmp_path, 99)) == 10
    with pytest.raises(UsageError):
        validation_clips(tmp_path, 0)


def test_layers_are_parsed() -> None:
    assert parse_layers("4") == (4,) and parse_layers("1,2,3,4") == (1, 2, 3, 4)
    for text in ("", "5", "0", "a", "2,2"):
        with pytest.raises(UsageError):
            parse_layers(text)


def test_same_tokens() -> None:
    assert same_tokens([group()], [group()])
    assert not same_tokens([], [])
    assert not same_tokens([group()], [group(1)])
    assert not same_tokens([group()], [group(layers=3)])
    assert not same_tokens([group(), group()], [group()])


def test_tokens_are_taken_before_the_entropy_coder_and_read_back_from_the_file(
    tmp_path: Path,
) -> None:
    path, sink = tmp_path / "a.vqt", io.BytesIO()
    head = Head(Fraction(1, 25), Fraction(25), 4, SPACE, RENDERER)
    with motion_written() as written, Writer(sink, head) as writer:
        writer.key_frame(KeyFrame(0, b"still", np.zeros(DIMS, np.int16)))
        writer.motion(group())
    path.write_bytes(sink.getvalue())
    assert [g.indices.shape for g in written] == [(FRAMES, 12, 4)]
    assert same_tokens(written, PublicApi().tokens(path))
    assert list(Reader(io.BytesIO(sink.getvalue())))
    before = len(written)
    with Writer(io.BytesIO(), head) as writer:
        writer.key_frame(KeyFrame(0, b"still", np.zeros(DIMS, np.int16)))
        writer.motion(group())
    assert len(written) == before


def test_round_trip_times_both_ways(clips: Path, tmp_path: Path) -> None:
    trip = round_trip(clips / "val" / "one.mp4", tmp_path, layers=3, codec=StandIn())
    assert trip.encode_s > 0 and trip.decode_s > 0 and trip.decoded == tmp_path / "one-3.mp4"
    assert trip.report.layers == 3
