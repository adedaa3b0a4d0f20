"""The commands in process, with a stand-in for `vqcodec.api`: what is parsed, printed and returned."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import pytest

import vqcodec
from tests.cli.conftest import Api, Run
from vqcodec.config import AudioChoice, DecodeOptions, EncodeOptions, SquareCrop
from vqcodec.errors import (
    BitstreamError,
    MediaError,
    ModelError,
    NoFaceError,
    OutputExistsError,
    TruncatedError,
    UnsupportedError,
    UsageError,
)
from vqcodec.runtime.backend import choose_backend
from vqcodec_cli import sample
from vqcodec_cli.shared import BackendOption


def test_encode_defaults(api: Api, run: Run) -> None:
    done = run("encode", "in.mp4", "out.vqt")
    assert done.code == 0 and done.out == ""
    name, (source, target, options), named = api.calls[0]
    assert (name, source, target, options) == ("encode", "in.mp4", "out.vqt", EncodeOptions())
    assert named["force"] is False and api.runtime == {
        "device": "auto",
        "precision": "auto",
        "face_model": None,
    }
    assert "warning: a warning [x]" in done.err
    assert "motion" in done.err and "4.000 kbit/s" in done.err and "250 frames, 10.00 s" in done.err


def test_encode_every_option(api: Api, run: Run) -> None:
    line = (
        "encode in.mp4 out.vqt --fps 30000/1001 --layers 2 --bitrate 9.5 --audio 24k "
        "--portrait-quality 40 --portrait-frame 1:02.5 --crop -5,10,300 --refs 3 --force "
        "--rdo .5 --effort 1 --refs-every 1.5 --quality best "
        "--device cpu --face-model face.task"
    )
    done = run(*line.split())
    assert done.code == 0, done.err
    assert api.calls[0][1][2] == EncodeOptions(
        fps=Fraction(30000, 1001),
        layers=2,
        bitrate_kbps=9.5,
        audio=AudioChoice("opus", 24_000),
        portrait_quality=40,
        portrait_frame=Fraction("62.5"),
        crop=SquareCrop(-5, 10, 300),
        refs=3,
        rdo=0.5,
        effort=1,
        refs_every_s=Fraction("1.5"),
        quality="best",
    )
    assert api.calls[0][2]["force"] is True
    assert api.runtime == {
        "device": "cpu",
        "precision": "auto",
        "face_model": Path("face.task"),
    }


def test_encode_live(api: Api, run: Run) -> None:
    assert run("encode", "in.mp4", "out.vqt", "--live", "--portrait-frame", "first").code == 0
    assert api.calls[0][1][2] == EncodeOptions(live=True, portrait_frame="first")


def test_encode_json(api: Api, run: Run) -> None:
    done = run("encode", "in.mp4", "out.vqt", "--json")
    fields = json.loads(done.out)
    assert (
        fields["file_kbps"] == 20.48
        and fields["motion_kbps"] == 4.0
        and fields["audio_kbps"] == 9.6
    )
    assert fields["portrait_bytes"] == 8000 and fields["frames"] == 250 and fields["seconds"] == 10
    assert (
        fields["layers"] == 4
        and fields["model"].startswith("space@")
        and fields["encode_fps"] == 50
    )
    assert fields["warnings"] == ["a warning [x]"] and fields["refs"] == "auto"


def test_output_names(api: Api, run: Run) -> None:
    run("encode", "folder/in.mp4")
    run("encode", "-")
    run("decode", "folder/in.vqt")
    assert [call[1][1] for call in api.calls] == [
        str(Path("folder/in.vqt")),
        "-",
        str(Path("folder/in.mp4")),
    ]


def test_decode_every_option(api: Api, run: Run) -> None:
    line = (
        "decode in.vqt out.mp4 --device cpu --size 256 --layers 3 --portrait x.png "
        "--start 1.5 --end 1:02.25 --crf 23 --force --recover --follow 2.5 --max-duration 1:00:00 "
        "--precision bf16 --backend torch"
    )
    done = run(*line.split())
    assert done.code == 0 and done.out == "", done.err
    assert api.calls[0][1][2] == DecodeOptions(
        size_px=256,
        layers=3,
        portrait=Path("x.png"),
        start_s=Fraction(3, 2),
        end_s=Fraction("62.25"),
        recover=True,
        follow_s=2.5,
        max_duration_s=Fraction(3600),
    )
    named = api.calls[0][2]
    assert (named["crf"], named["force"], api.runtime["device"]) == (23, True, "cpu")
    assert api.runtime["precision"] == "bf16"
    assert api.runtime["backend"] == "torch"
    assert "512x512" in done.err and "31.2 frames per second on cpu by torch" in done.err


def test_thin(api: Api, run: Run) -> None:
    done = run("thin", "in.vqt", "out.vqt", "--layers", "2", "--json")
    assert api.calls[0] == ("thin", ("in.vqt", "out.vqt"), {"layers": 2, "force": False})
    assert json.loads(done.out)["layers"] == 2


@pytest.mark.parametrize(
    "line",
    [
        "encode",
        "encode in.mp4 a b",
        "encode in.mp4 --layers 5",
        "encode in.mp4 --nonsense",
        "encode in.mp4 --audio 5k",
        "encode in.mp4 --audio loud",
        "encode in.mp4 --crop 1,2",
        "encode in.mp4 --crop 0,0,1",
        "encode in.mp4 --fps fast",
        "encode in.mp4 --fps 1/0",
        "encode in.mp4 --fps 0",
        "encode in.mp4 --bitrate -3",
        "encode in.mp4 - --json",
        "encode in.mp4 --refs 0",
        "encode in.mp4 --refs 257",
        "encode in.mp4 --refs many",
        "encode in.mp4 --refs 2.5",
        "encode in.mp4 --portrait-frame last",
        "encode in.mp4 --portrait-frame -1",
        "encode in.mp4 --portrait-quality 0",
        "encode in.mp4 --refs-every 0",
        "encode in.mp4 --refs-every often",
        "encode in.mp4 --refs-every 61",
        "encode in.mp4 --quality huge",
        "encode in.mp4 --live --bitrate 20",
        "encode in.mp4 --live --effort 1",
        "encode in.mp4 --live --portrait-frame 2",
        "decode in.vqt --size 300",
        "decode in.vqt --start -1",
        "decode in.vqt --start 3 --end 2",
        "decode in.vqt --end 1:2:3:4",
        "decode in.vqt --follow 0",
        "thin in.vqt out.vqt",
        "thin a - --layers 1 --json",
        "frobnicate",
    ],
)
def test_usage_errors(api: Api, run: Run, line: str) -> None:
    done = run(*line.split())
    assert done.code == 2 and done.out == "" and done.err and api.calls == []


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (UsageError("no", hint="do"), 2),
        (BitstreamError("no", code="bad-crc", offset=7, hint="do"), 3),
        (TruncatedError("no", code="truncated", hint="do"), 3),
        (UnsupportedError("no", hint="do"), 4),
        (NoFaceError("no", hint="do"), 5),
        (ModelError("no", hint="do"), 6),
        (OutputExistsError("no", hint="do"), 7),
        (MediaError("no", hint="do"), 8),
        (KeyboardInterrupt(), 130),
        (RuntimeError("no"), 1),
        (MemoryError(), 1),
    ],
)
def test_exit_codes(api: Api, run: Run, failure: BaseException, code: int) -> None:
    api.failure = failure
    done = run("encode", "in.mp4", "out.vqt")
    assert done.code == code and done.out == ""
    lines = done.err.splitlines()
    assert lines[0].startswith("error: ")
    assert "Traceback" not in done.err
    if getattr(failure, "hint", ""):
        assert lines[1] == "hint: do"


def test_markup_in_a_message_is_text(api: Api, run: Run) -> None:
    api.failure = MediaError("[bold]clip[/] [/red].mp4 is no video")
    assert "error: [bold]clip[/] [/red].mp4 is no video" in run("encode", "in.mp4").err


def test_debug_shows_the_traceback(api: Api, run: Run) -> None:
    api.failure = RuntimeError("deep inside")
    done = run("--debug", "encode", "in.mp4", "out.vqt")
    assert done.code == 1 and "Traceback" in done.err


def test_version(run: Run) -> None:
    done = run("--version")
    assert (done.code, done.out) == (0, f"vqcodec {vqcodec.__version__}\n")


@pytest.mark.parametrize("command", ["demo", "benchmark"])
def test_the_sample_is_not_installed(
    api: Api, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sample, "CLONE", tmp_path / "absent")
    monkeypatch.setattr(sample.metadata, "files", lambda name: [])
    done = run(command)
    assert done.code == 8 and "hint: Name a video" in done.err and list(tmp_path.iterdir()) == []
    assert run(command, "absent.mp4").code == 8 and not api.calls


def test_the_sample_is_found_in_a_clone_and_among_installed_files(
    sample_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sample.chosen(None) == sample_clip
    installed = tmp_path / "share" / "talking.mp4"
    installed.parent.mkdir()
    installed.touch()
    monkeypatch.setattr(sample, "CLONE", tmp_path / "absent")
    file = SimpleNamespace(name="talking.mp4", locate=lambda: installed)
    monkeypatch.setattr(sample.metadata, "files", lambda name: [file])
    assert sample.chosen(None) == installed


def test_conformance(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vqcodec.evaluation import conformance

    results = [{"within": True}, {"skipped": "there is no CUDA device"}]
    references = SimpleNamespace(renderer="renderer@1")
    monkeypatch.setattr(conformance.References, "load", lambda folder: references)
    monkeypatch.setattr(conformance, "measured", lambda references, settings: results)
    monkeypatch.setattr(conformance, "line", str)
    assert run("conformance", str(tmp_path)).out.splitlines() == [str(one) for one in results]
    fields = json.loads(run("conformance", str(tmp_path), "--json").out)
    assert fields["results"] == results and fields["renderer"] == "renderer@1"
    results.append({"within": False})
    assert run("conformance", str(tmp_path)).code == 1
    assert run("conformance", str(tmp_path / "absent")).code == MediaError.exit_code


def test_the_help_names_the_backend_that_auto_takes() -> None:
    (option,) = get_args(BackendOption)[1:]
    assert f"auto takes {choose_backend('auto', 'cpu')}." in option.help
