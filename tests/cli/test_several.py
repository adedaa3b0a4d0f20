"""Several inputs in one call."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Api, Run
from vqcodec.errors import NoFaceError, UsageError
from vqcodec_cli import console, several


@pytest.fixture(autouse=True)
def loud() -> object:
    yield
    console.be_quiet(False)


def done_with(api: Api) -> list[tuple[str, str]]:
    return [arguments[:2] for name, arguments, _ in api.calls if name == "encode"]


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Two videos, a picture and a folder."""
    folder = tmp_path / "clips"
    (folder / "more").mkdir(parents=True)
    for name in ("b.MOV", "a.mp4", "notes.txt", "face.png"):
        (folder / name).touch()
    return folder


def test_every_name_is_an_input(api: Api, run: Run, tmp_path: Path) -> None:
    out = tmp_path / "new" / "coded"
    done = run("encode", "x/a.mp4", "b.mkv", "c", "--out-dir", str(out))
    assert done.code == 0, done.err
    assert done_with(api) == [
        ("x/a.mp4", str(out / "a.vqt")),
        ("b.mkv", str(out / "b.vqt")),
        ("c", str(out / "c.vqt")),
    ]
    assert out.is_dir() and "2 of 3: b.mkv" in done.err
    assert sum(name == "encode" for name, _, _ in api.calls) == 3


def test_a_folder_is_its_videos(api: Api, run: Run, clips: Path, tmp_path: Path) -> None:
    done = run("encode", str(clips), "--out-dir", str(tmp_path / "out"), "--json")
    assert done.code == 0, done.err
    assert [Path(source).name for source, _ in done_with(api)] == ["a.mp4", "b.MOV"]
    reports = json.loads(done.out)["reports"]
    assert [Path(report["target"]).name for report in reports] == ["a.vqt", "b.vqt"]
    assert reports[0]["source"].endswith("a.mp4") and reports[0]["frames"] == 250


def test_one_that_fails_stops_no_other(
    api: Api, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codec = api.Codec

    def faceless(source: str, target: str, *more: object, **named: object) -> object:
        if source == "b":
            raise NoFaceError("no face", hint="look")
        return Api.__getattr__(codec(), "encode")(source, target)

    monkeypatch.setattr(api, "encode", faceless, raising=False)
    done = run("encode", "a", "b", "c", "--out-dir", str(tmp_path), "--quiet")
    assert done.code == 5
    assert "b is left out" in done.err and "error: no face" in done.err and "1 of 3" not in done.err
    assert [source for source, _ in done_with(api)] == ["a", "c"]


@pytest.mark.parametrize(
    ("named", "out", "why"),
    [
        (["a", "b", "c"], None, "3 files are named"),
        (["."], None, "is a folder"),
        (["-"], Path("out"), "standard input has no name"),
        (["x/a.mp4", "y/a.mkv"], Path("out"), "would both become"),
    ],
)
def test_what_cannot_be(named: list[str], out: Path | None, why: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        several.pairs(named, out, ".vqt")
    assert caught.value.hint


def test_a_folder_without_videos(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no video in"):
        several.pairs([str(tmp_path)], tmp_path, ".vqt")


def test_one_input_is_as_ever() -> None:
    assert several.pairs(["a.mp4"], None, ".vqt") == [("a.mp4", "a.vqt")]
    assert several.pairs(["-"], None, ".vqt") == [("-", "-")]
    assert several.pairs(["a.mp4", "b"], None, ".vqt") == [("a.mp4", "b")]


def test_quiet_shows_warnings_only(api: Api, run: Run) -> None:
    done = run("encode", "in.mp4", "out.vqt", "-q")
    assert done.code == 0 and done.err.splitlines() == ["warning: a warning [x]"]
