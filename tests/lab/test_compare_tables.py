"""Markdown tables, the summary and the terminal's table of a comparison."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from tests.support import compare as drawn
from vqcodec.comparison.analysis import words
from vqcodec.comparison.analysis.envelope import EqualRate
from vqcodec.comparison.analysis.mean_curve import Crossing
from vqcodec.comparison.analysis.overall import analyse
from vqcodec.comparison.page.axes import axis_range
from vqcodec.errors import UsageError
from vqcodec.lab.compare import curves, summary, tables
from vqcodec.lab.compare.against import NOW, beside
from vqcodec_cli.compare_table import compare_table


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_command_prints_what_pages_show(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "results.json"
    drawn.realistic().save(source)
    made = []
    for options in ([], ["--rate", "file_with_sound"], ["--short"]):
        assert tables.main([str(source), "--metrics", "ssim", *options]) == 0
        made.append(capsys.readouterr().out)
    assert made[0].splitlines() == tables.tables(drawn.realistic(), metrics=["ssim"])
    assert "SSIM" in made[0] and "VMAF" not in made[0]
    assert len(set(made)) == 3 and made[2].splitlines() == tables.short(drawn.realistic())


def test_tables_have_a_row_per_anchor_and_say_which_figure_it_is() -> None:
    lines = tables.tables(drawn.realistic())
    widths = {len(cells(line)) for line in lines if line.startswith("| H.264")}
    assert widths == {5}
    first = next(line for line in lines if line.startswith("| AV1"))
    name, median, mean, _, equal = cells(first)
    assert name == "AV1 (SVT-AV1)"
    assert (
        median.startswith(words.MINUS) and median.endswith("(2/2)") and mean.startswith(words.MINUS)
    )
    assert 5 < float(equal) < 40
    assert sum(line.startswith("| vqcodec") for line in lines) == 4
    assert "2 clips" in lines[-1]


def test_the_short_table_says_both_things() -> None:
    lines = tables.short(drawn.realistic())
    row = next(line for line in lines if line.startswith("| AV1"))
    assert len(cells(row)) == 1 + 4
    for cell in cells(row)[1:]:
        rate, where = cell.rsplit("; ", 1)
        assert "%" in rate or "no overlap" in rate
        assert where.split()[0] in ("from", "everywhere", "nowhere", "-")


def test_no_overlap_is_told() -> None:
    clip = drawn.clip(
        "a",
        drawn.ladder("h264", "ssim", lambda r: 0.5 + r / 1000),
        drawn.ladder("vqt", "ssim", lambda r: 0.9 + r / 1000),
    )
    results = drawn.results(clip, metrics={"ssim": drawn.METRICS["ssim"]})
    row = next(line for line in tables.tables(results) if line.startswith("| H.264"))
    assert cells(row) == ["H.264 (x264)", "- (0/1; better throughout on 1)", "-", "-", "above 40.0"]
    (told,) = words.sentences(results, analyse(results))["ssim"]
    assert told == (
        "What vqcodec has of SSIM at 7 kbit/s, H.264 (x264) reaches only above, if at all, "
        "40.0 kbit/s; up to 40.0 kbit/s, H.264 (x264) never gets ahead for good."
    )
    assert words.overlap_note(results, analyse(results)) == words.NO_OVERLAP
    verdict = "By SSIM, vqcodec is better throughout than H.264 (x264)."
    assert words.verdict_line(results, analyse(results)) == verdict
    assert words.overlap_note(drawn.realistic(), analyse(drawn.realistic())) == ""


@pytest.mark.parametrize(
    "options",
    [["--metrics", "jitter"], ["--metrics", "nonsense"], ["--range", "40,5"], ["--range", "x"]],
)
def test_wrong_options(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn.realistic().save(tmp_path / "r.json")
    assert tables.main([str(tmp_path / "r.json"), *options]) == UsageError.exit_code
    assert capsys.readouterr().err.startswith("error: ")


def test_cells_cannot_break_a_table() -> None:
    metrics = {"ssim": drawn.METRICS["ssim"] | {"title": "a|b <i>"}}
    clip = drawn.clip(
        "a", drawn.ladder("h264", "ssim", lambda r: r), drawn.ladder("vqt", "ssim", lambda r: 2 * r)
    )
    for line in tables.tables(drawn.results(clip, metrics=metrics)):
        assert "<i>" not in line and "a|b" not in line


def test_the_summary_is_small_and_enough(tmp_path: Path) -> None:
    results = drawn.realistic([f"clip {k}" for k in range(24)])
    path = tmp_path / "deep" / "summary.json"
    summary.save(results, path)
    points = sum(len(c.points) for c in results.clips)
    assert points > 24 * 50 and path.stat().st_size < 400_000
    again = summary.load(path)
    assert tables.tables(again) == tables.tables(results)
    assert summary.summarise(again) == summary.summarise(results)
    point, before = again.clips[3].points[5], results.clips[3].points[5]
    assert point.kbps.file == pytest.approx(before.kbps.file, rel=1e-4)
    assert point.bytes.file == pytest.approx(before.bytes.file, rel=1e-3)
    assert point.per_frame == {} and before.per_frame


def test_the_summary_has_one_point_per_line(tmp_path: Path) -> None:
    results = drawn.realistic(["only"])
    summary.save(results, tmp_path / "s.json")
    lines = (tmp_path / "s.json").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(results.clips[0].points) + 4
    assert summary.summarise(drawn.results())["clips"] == []
    summary.save(drawn.results(), tmp_path / "none.json")
    assert summary.load(tmp_path / "none.json").clips == ()


def test_the_command_and_whole_results(tmp_path: Path) -> None:
    results = drawn.realistic(["only"])
    results.save(tmp_path / "results.json")
    assert summary.main([str(tmp_path / "results.json"), str(tmp_path / "summary.json")]) == 0
    assert summary.load(tmp_path / "results.json") == results
    assert (tmp_path / "summary.json").stat().st_size < (
        tmp_path / "results.json"
    ).stat().st_size / 4


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"schema_version": 1, "kind": "summary"}',
        '{"schema_version": 9, "kind": "summary"}',
    ],
)
def test_other_files_are_no_summary(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError):
        summary.load(tmp_path / "x.json")


def test_a_row_of_another_length_is_no_summary(tmp_path: Path) -> None:
    data = summary.summarise(drawn.realistic(["only"]))
    data["clips"][0]["points"][2].pop()
    (tmp_path / "x.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(UsageError):
        summary.load(tmp_path / "x.json")


def test_words() -> None:
    assert [words.percent(v) for v in (None, 0.01, -50.0, 12.34, -3.21, 1400)] == [
        "-",
        "0.0 %",
        "−50 %",
        "+12 %",
        "−3.2 %",
        "x 15",
    ]
    assert [words.kbps(v) for v in (5.0, 9.6, 12.34, 123.4)] == ["5", "9.6", "12.3", "123"]
    assert [words.size(v) for v in (12, 14_321, 1_200_000)] == ["12 B", "14.3 kB", "1.20 MB"]
    assert words.equal(None) == "-" and words.equal(EqualRate("below", 5.0)) == "below 5"
    assert [
        words.crossing(c)
        for c in (Crossing("unknown"), Crossing("from", 18.2), Crossing("nowhere"))
    ] == ["-", "from 18.2", "nowhere"]


def test_the_terminal_table() -> None:
    sink = StringIO()
    Console(file=sink, width=80).print(compare_table(drawn.realistic()))
    text = sink.getvalue()
    for expected in (
        "vqcodec",
        "H.264 (x264)",
        "9.6 kbit/s",
        "(2/2)",
        "from ",
        "landmark distance",
    ):
        assert expected in text
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80 and "\N{HORIZONTAL ELLIPSIS}" not in text
    assert lines[0].startswith("By perceptual distance, vqcodec needs "), "the verdict comes first"


@pytest.mark.parametrize("right", [None, 1.0])
def test_a_value_far_from_all_others_ruins_no_axis(right: float | None) -> None:
    low, high = axis_range([0.2, 0.21, 0.22, 0.24, 0.25, 0.26, 0.28, 1.0], right)
    assert 0.15 < low < 0.2 and 0.28 < high < 0.35
    assert axis_range([0.4, 0.5, 0.8], 1.0)[1] > 1
    assert axis_range([0.3]) == pytest.approx((0.285, 0.315))
    low, high = axis_range([0.1, 0.5, 0.9])
    assert low < 0.1 and high > 0.9


def test_curves_are_drawn_from_the_summary_alone(tmp_path: Path) -> None:
    results = drawn.realistic(["only"])
    summary.save(results, tmp_path / "summary.json")
    assert (
        curves.main([str(tmp_path / "summary.json"), str(tmp_path / "curves"), "--metrics", "ssim"])
        == 0
    )
    assert sorted(p.name for p in (tmp_path / "curves").iterdir()) == ["ssim.png", "ssim.svg"]


RESULTS = Path(__file__).resolve().parents[2] / "vqcodec" / "lab" / "results"


def test_the_published_comparison_is_complete() -> None:
    shown = beside(RESULTS)
    assert len(shown.clips) == 24 and not shown.settings["quick"]
    for clip in shown.clips:
        assert {p.codec for p in clip.points} == {"h264", "h265", "av1", "vp9", "vqt"}
        assert {p.variant for p in clip.points if p.codec == "vqt"} >= {"default", "bitrate 20"}
    ours = [p for c in shown.clips for p in c.points if p.codec == "vqt"]
    assert ours == [p for c in summary.load(RESULTS / NOW).clips for p in c.points]


def test_no_claim_stands_unless_both_perceptual_figures_agree() -> None:
    metrics = {
        "perc": drawn.METRICS["perc"],
        "st_lpips": {"title": "ST-LPIPS", "unit": "", "better": "lower", "source": "Ghildyal"},
    }

    def both(
        codec: str, perc: drawn.Formula, shifted: drawn.Formula
    ) -> tuple[drawn.CodedPoint, ...]:
        means = [{"perc": perc(r), "st_lpips": shifted(r)} for r in drawn.RATES]
        return tuple(
            drawn.point(codec, r, m, matched=r == 7)
            for r, m in zip(drawn.RATES, means, strict=True)
        )

    clip = drawn.clip(
        "a",
        both("h264", lambda r: 4 / r, lambda r: 2 / r),
        both("av1", lambda r: 3 / r, lambda r: 0.8 / r),
        both("vqt", lambda r: 2 / r, lambda r: 1 / r),
    )
    results = drawn.results(clip, metrics=metrics)
    lines = tables.tables(results)
    assert (
        "No claim stands unless perceptual distance and ST-LPIPS agree: they agree against H.264 (x264); "
        "they don't agree, or one is unknown, against AV1 (SVT-AV1)." in lines[-1]
    )
    assert words.agreement(drawn.realistic(), analyse(drawn.realistic())) == ""
