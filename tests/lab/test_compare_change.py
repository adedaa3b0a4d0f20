"""Before and after a change: the same figures side by side, the bars, and who got worse."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import compare as drawn
from vqcodec.comparison.results import CodedPoint, ComparedClip, ComparisonResults
from vqcodec.errors import UsageError
from vqcodec.lab.compare import against, change

METRICS = drawn.METRICS | {
    "st_lpips": {"title": "ST-LPIPS", "unit": "", "better": "lower", "source": "Ghildyal"},
    "psnr_db": {"title": "PSNR", "unit": "dB", "better": "higher", "source": "MSE"},
}
VARIANTS = ("bitrate 5", "default", "bitrate 10", "bitrate 20", "bitrate 40")
RATES = (5.0, 8.0, 10.0, 20.0, 40.0)


def means(perc: float) -> dict[str, float | None]:
    return {
        "perc": perc,
        "st_lpips": perc / 4,
        "psnr_db": 30 - 10 * perc,
        "ssim": 1 - perc / 4,
        "lmd": perc / 40,
    }


def own(scale: float, size: float = 1.0) -> tuple[CodedPoint, ...]:
    """Points whose perceptual distance falls from `scale` / 5 to `scale` / 40."""
    return tuple(
        drawn.point("vqt", size * r, means(scale / r), variant=v, matched=v == "default")
        for v, r in zip(VARIANTS, RATES, strict=True)
    )


def comparison(*clips: ComparedClip) -> ComparisonResults:
    return drawn.results(*clips, metrics=METRICS)


def av1(scale: float) -> tuple[CodedPoint, ...]:
    return tuple(
        drawn.point("av1", r, means(scale / r**1.5), variant=v)
        for r in RATES
        for v in ("192", "256")
    )


def row(rows: list[against.Reached], name: str) -> against.Reached:
    return next(r for r in rows if name in r.name)


def test_each_clip_has_then_now_and_the_difference() -> None:
    then = comparison(drawn.clip("a", own(4)), drawn.clip("b", own(2)))
    now = comparison(drawn.clip("a", own(3)), drawn.clip("b", own(2)[1:]))
    lines = change.clip_table(then, now, "bitrate 10")
    assert lines[2].startswith(
        "| a | 10.0 | 10.0 | +0.0 | 0.400 | 0.300 | -0.100 | 0.100 | 0.075 |"
    )
    assert lines[3].startswith("| b | 10.0 | 10.0 | +0.0 | 0.200 | 0.200 | +0.000 |")
    assert lines[4].startswith("| **mean of 2** | 10.0 | 10.0 | +0.0 | 0.300 | 0.250 | -0.050 |")
    (low,) = (li for li in change.clip_table(then, now, "bitrate 5") if li.startswith("| b "))
    assert low.startswith("| b | 5.0 | - | - | 0.400 | - | - |")
    assert change.clip_table(then, now, "bitrate 6") == []
    assert len({line.count("|") for line in (*lines[1:], low)}) == 1


def test_bars_are_held_against_the_mean_at_a_rate() -> None:
    then = comparison(drawn.clip("a", own(4)))
    now = comparison(drawn.clip("a", own(3)))
    rows = against.reached(then, now, [], ["perc"])
    at_ten = row(rows, "distance at 10 kbit/s")
    assert (at_ten.bar, at_ten.before, at_ten.after, at_ten.met) == (
        "at most 0.38",
        "0.400",
        "0.300",
        True,
    )
    assert row(rows, "PSNR at 20").met is True
    assert row(against.reached(then, None, [], []), "distance at 10 kbit/s").met is False
    assert row(rows, "ST-LPIPS at 10").met is None


def test_who_is_worse_at_equal_rate_and_by_default() -> None:
    then = comparison(drawn.clip("a", own(4)), drawn.clip("b", own(4)))
    better = drawn.clip("a", own(3.9))
    larger = drawn.clip("b", own(4, size=1.1))
    now = comparison(better, larger)
    assert against.worse_at_equal_rate(then, now, "perc") == ["b"]
    assert against.worse_at_equal_rate(then, then, "perc") == []
    assert against.worse_at_equal_rate(then, now, "vmaf") == []
    assert against.worse_at_equal_rate(then, replace(now, metrics={}), "perc") is None
    found = against.worse_by_default(then, now, ["perc", "psnr_db"])
    assert found == {"size": ["b"], "perc": [], "psnr_db": []}
    found = against.worse_by_default(now, then, ["perc", "psnr_db"])
    assert found == {"size": [], "perc": ["a"], "psnr_db": ["a"]}


def test_the_best_variant_of_an_anchor_counts_on_the_common_clips() -> None:
    then = comparison(drawn.clip("a", own(4)), drawn.clip("b", own(4)))
    anchors = comparison(drawn.clip("a", av1(14)))
    both = against.joined(then, [anchors])
    assert [c.name for c in both.clips] == ["a"]
    rows = against.reached(then, then, [anchors], [])
    # .400 and .443 at 10 kbit/s, .200 and .157 at 20: straight lines over the logarithm meet at .495 of the way
    found = row(rows, "AV1 (SVT-AV1) is better by perceptual distance")
    assert found.after == "from 14.1"
    assert found.met is False and row(rows, "better by ST-LPIPS").after == found.after
    assert row(rows, "BD-rate against AV1 (SVT-AV1) by ST-LPIPS").bar == "at most −40 %"
    first = comparison(drawn.clip("a", av1(14)[:2]))
    assert len(against.joined(then, [first, anchors]).clips[0].points) == len(own(4)) + 2


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [str(tmp_path / f"{name}.json") for name in ("then", "now", "av1", "other")]
    for path, scale in zip(paths, (4, 3), strict=False):
        comparison(drawn.clip("a", own(scale))).save(Path(path))
    comparison(drawn.clip("a", av1(14))).save(Path(paths[2]))
    comparison(drawn.clip("z", own(3))).save(Path(paths[3]))
    assert change.main([*paths[:2], "--anchors", paths[2]]) == 0
    long = capsys.readouterr().out
    assert (
        "| bitrate 40 |" in long and "on 1 clips" in long and "unless perceptual distance" in long
    )
    assert change.main([*paths[:2], "--short"]) == 0
    short = capsys.readouterr().out
    assert "| bitrate 40 |" not in short and "AV1" not in short
    assert change.main([paths[0], paths[3]]) == UsageError.exit_code
    assert "no clip in common" in capsys.readouterr().err
