"""`vqcodec compare`: what is parsed, printed and written."""

from __future__ import annotations

import json
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Cli
from tests.support.compare import clip as made_clip
from tests.support.compare import ladder, results
from tests.support.evaluation import moving, write_video
from vqcodec.comparison import runner
from vqcodec.comparison.page import report
from vqcodec.comparison.results import ComparisonResults
from vqcodec.comparison.settings import ComparisonSettings
from vqcodec_cli import main as cli_main
from vqcodec_cli import output

RESULTS = results(
    made_clip(
        "talk", ladder("av1", "perc", lambda r: 2 / r), ladder("vqt", "perc", lambda r: 1 / r)
    )
)


class Runs:
    """Stands in for the comparison; remembers what was asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[runner.Comparison] = []
        monkeypatch.setattr(runner, "run", self._run)
        monkeypatch.setattr(report, "build", lambda found, out, progress: out / "report.html")

    def _run(self, comparison: runner.Comparison, progress: Any) -> ComparisonResults:
        self.asked.append(comparison)
        return RESULTS


def run(*arguments: str) -> int:
    try:
        cli_main.app(["compare", *arguments], prog_name="vqcodec", standalone_mode=True)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_defaults_are_the_careful_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = Runs(monkeypatch)
    assert run("a.mp4", "b.mp4") == 0
    assert runs.asked == [
        runner.Comparison((Path("a.mp4"), Path("b.mp4")), Path("report"), ComparisonSettings())
    ]
    shown = capsys.readouterr()
    assert "vqcodec" in shown.out and "AV1" in shown.out and "report.html" in shown.err


def test_options_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = Runs(monkeypatch)
    assert (
        run(
            "a.mp4",
            "--out",
            "x",
            "--codecs",
            "av1,vqt",
            "--points",
            "7",
            "--every",
            "3",
            "--cut",
            "10",
            "--no-tracks",
            "--no-videos",
            "--jobs",
            "1",
        )
        == 0
    )
    wanted = ComparisonSettings(("av1", "vqt"), 7, 3, False, False, False, Fraction(10))
    assert runs.asked == [runner.Comparison((Path("a.mp4"),), Path("x"), wanted, 1)]
    assert run("a.mp4", "--quick") == 0
    assert runs.asked[1].settings == ComparisonSettings(
        points=3, every=11, tracks=False, quick=True
    )


def test_json_is_all_of_stdout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Runs(monkeypatch)
    assert run("a.mp4", "--json") == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(RESULTS.to_json()))


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_results_that_nobody_reads_are_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    Runs(monkeypatch)
    monkeypatch.setattr(sys, "stdout", None)
    output.name_standard_output()
    assert run("a.mp4", *options) == 0
    assert "closed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["a.mp4", "--codecs", "vvc"], "vvc"),
        (["a.mp4", "--codecs", ""], "codec"),
        (["a.mp4", "--points", "1"], "--points"),
        (["a.mp4", "--cut", "soon"], "soon"),
        (["a.mp4", "x/a.mp4"], "two clips are called a: a.mp4 and x/a.mp4"),
        (["a.mp4", "b.mp4", "a.mkv"], "two clips are called a: a.mp4 and a.mkv"),
        (["A.mp4", "x/a.mp4"], "two clips are called a"),
        ([], "IN"),
    ],
)
def test_nonsense_is_a_usage_error(
    arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 2
    assert word in capsys.readouterr().err


def test_as_a_user_types_it(cli: Cli, tmp_path: Path) -> None:
    write_video(tmp_path / "talk.mp4", moving(20))
    done = cli(
        "compare",
        "talk.mp4",
        "--quick",
        "--codecs",
        "h264,vqt",
        "--points",
        "2",
        "--jobs",
        "1",
        timeout_s=400,
    )
    assert done.returncode == 0, done.stderr.decode()
    folder = tmp_path / "report"
    found = ComparisonResults.load(folder / "results.json")
    assert {p.codec for p in found.clips[0].points} == {"h264", "vqt"}
    for name in (
        "report.html",
        "curves/perc.svg",
        "curves/perc.png",
        "side_by_side/talk.mp4",
        "sheets/talk.png",
    ):
        assert (folder / name).stat().st_size > 1000, name
    assert b"H.264" in done.stdout
    missing = cli("compare", "absent.mp4")
    assert missing.returncode == 8 and b"absent.mp4" in missing.stderr
