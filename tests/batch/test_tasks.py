"""Tasks, manifests, and what a command line means."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vqcodec.batch.options import known_options, options_of, parse_setting
from vqcodec.batch.plan import planned
from vqcodec.batch.tasks import Task, distinct, manifest, read_manifest
from vqcodec.config import AudioChoice, DecodeOptions, EncodeOptions, SquareCrop
from vqcodec.errors import MediaError, UsageError

TASK = Task("encode", "a.mp4", "out/a.vqt", {"bitrate_kbps": 12})


def test_a_task_reads_back_and_keeps_its_id() -> None:
    assert Task.from_json(json.loads(json.dumps(TASK.to_json()))) == TASK
    assert TASK.id == Task("encode", "a.mp4", "out/a.vqt", {"bitrate_kbps": 12}).id
    others = [
        Task("decode", "a.mp4", "out/a.vqt", {"bitrate_kbps": 12}),
        Task("encode", "b.mp4", "out/a.vqt", {"bitrate_kbps": 12}),
        Task("encode", "a.mp4", "out/b.vqt", {"bitrate_kbps": 12}),
        Task("encode", "a.mp4", "out/a.vqt", {"bitrate_kbps": 13}),
        Task("encode", "a.mp4", "out/a.vqt"),
    ]
    assert len({task.id for task in [TASK, *others]}) == len(others) + 1


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "1",
        '{"input": "a"}',
        '{"input": "a", "output": "b", "layer": 3}',
        '{"input": 1, "output": "b"}',
        '{"input": "a", "output": "b", "options": [1]}',
        '{"input": "a", "output": "b", "do": "paint"}',
        '{"input": "", "output": "b"}',
        '{"input": "a", "output": "b", "portrait": "c"}',
        '{"input": "a", "output": "b", "do": "dub"}',
        "{",
    ],
)
def test_a_line_that_is_no_task_is_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text(manifest([TASK]) + "\n" + line + "\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"m\.jsonl, line 3: ") as caught:
        read_manifest(path)
    assert (
        caught.value.hint or "needs an input" in str(caught.value) or "names" in str(caught.value)
    )


def test_a_manifest_reads_back(tmp_path: Path) -> None:
    tasks = [TASK, Task("dub", "s.wav", "ü.vqt", {}, "p.png")]
    path = tmp_path / "m.jsonl"
    path.write_text("\ufeff" + manifest(tasks), encoding="utf-8")
    assert read_manifest(path) == tasks
    assert planned([str(path)], None, "encode", {}) == tasks
    with pytest.raises(UsageError, match="with their options"):
        planned([str(path)], None, "encode", {"layers": 2})
    with pytest.raises(MediaError):
        read_manifest(tmp_path / "none.jsonl")


def test_each_output_is_made_once_and_of_something_else() -> None:
    assert distinct([TASK, TASK]) == [TASK]
    with pytest.raises(UsageError, match=r"a\.mp4 and b\.mp4 would both become out/a\.vqt"):
        distinct([TASK, Task("encode", "b.mp4", "out/a.vqt")])
    with pytest.raises(UsageError, match="made of itself"):
        distinct([Task("encode", "a", "a")])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("in/a.mp4", "in/deep/a.MOV", "in/deep/er/b.webm", "in/notes.txt", "c.mp4"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


@pytest.mark.parametrize(
    ("named", "made"),
    [
        (["in"], ["a.vqt", "deep/a.vqt", "deep/er/b.vqt"]),
        (["in/**/*.*4"], ["a.vqt"]),
        (["in/*/*"], ["deep/a.vqt"]),
        (["in/deep", "c.mp4"], ["a.vqt", "c.vqt", "er/b.vqt"]),
        (["in/notes.txt"], ["notes.vqt"]),
    ],
)
def test_files_keep_their_place_below_what_was_named(
    named: list[str], made: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    tasks = planned(named, "out", "encode", {})
    assert sorted(task.output for task in tasks) == [str(Path("out") / name) for name in made]
    whole = planned([str(folder / name) for name in named], "s3://b/out/", "encode", {})
    assert sorted(task.output for task in whole) == [f"s3://b/out/{name}" for name in made]


def test_what_can_not_be_planned(folder: Path) -> None:
    with pytest.raises(UsageError, match="nothing is found"):
        planned([str(folder / "*.avi")], "out", "encode", {})
    with pytest.raises(UsageError, match="--out is missing"):
        planned([str(folder)], None, "encode", {})
    with pytest.raises(UsageError, match="would both become"):
        planned([str(folder / "in/a.mp4"), str(folder / "in/deep/a.MOV")], "out", "encode", {})


def test_words_become_options() -> None:
    given = {"audio": "12k", "crop": "1,2,30", "fps": "30000/1001", "layers": 2, "rdo": None}
    options, further = options_of("encode", given)
    assert options == EncodeOptions(
        audio=AudioChoice("opus", 12_000), crop=SquareCrop(1, 2, 30), fps=options.fps, layers=2
    )
    assert isinstance(options, EncodeOptions) and str(options.fps) == "30000/1001" and not further
    decoding, further = options_of("decode", {"size_px": 256, "crf": 30})
    assert decoding == DecodeOptions(size_px=256) and further == {"crf": 30}
    assert options_of("verify", {}) == (None, {})
    assert "crf" in known_options("dub") and "crf" not in known_options("encode")


@pytest.mark.parametrize(
    ("do", "given"),
    [
        ("encode", {"lairs": 2}),
        ("verify", {"layers": 2}),
        ("encode", {"layers": "two"}),
        ("encode", {"layers": 9}),
        ("encode", {"fps": "fast"}),
        ("encode", {"crf": 3}),
    ],
)
def test_options_that_can_not_be(do: str, given: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        options_of(do, given)  # type: ignore[arg-type]


def test_settings_of_a_command_line() -> None:
    assert parse_setting("bitrate_kbps=12.5") == ("bitrate_kbps", 12.5)
    assert parse_setting("live=true") == ("live", True)
    assert parse_setting("audio=12k") == ("audio", "12k")
    for text in ("layers", "=3", " =3"):
        with pytest.raises(UsageError, match="sets nothing"):
            parse_setting(text)
