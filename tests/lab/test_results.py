"""Results as JSON, their means, the bars, and the table of a page made from them."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from vqcodec.errors import UsageError
from vqcodec.evaluation.metrics.scores import Scores
from vqcodec.evaluation.tools.conditions import conditions
from vqcodec.evaluation.validate.record import RATES, ClipResult, Run, ValidationResults
from vqcodec.lab import bars, resulttable
from vqcodec.lab.bars import TARGETS, missed

STILL = Scores(
    frames=100,
    faces=20,
    psnr_db=24,
    ssim=0.75,
    ms_ssim=0.78,
    perc=0.4,
    id_dist=0.3,
    lmd=0.08,
    lmd_mouth=0.1,
    cpbd=0.44,
    cpbd_reference=0.41,
    jitter=0,
    perc_mouth=0.45,
    perc_eyes=0.35,
    st_lpips=0.3,
)
OURS = Scores(
    frames=100,
    faces=20,
    psnr_db=27,
    ssim=0.85,
    ms_ssim=0.93,
    perc=0.2,
    id_dist=0.15,
    lmd=0.01,
    lmd_mouth=0.02,
    cpbd=0.4,
    cpbd_reference=0.41,
    jitter=1,
    perc_mouth=0.25,
    perc_eyes=0.2,
    st_lpips=0.05,
)


def clip(name: str, scores: Scores = OURS, **changes: object) -> ClipResult:
    made = ClipResult(
        clip=name,
        frames=100,
        frames_decoded=100,
        seconds=4.0,
        portrait_bytes=9000,
        key_frames=1,
        rates=dict(zip(RATES, (40.0, 5.0, 12.0, 20.0, 3.0), strict=True)),
        encode_fps=40,
        decode_fps=30,
        tokens_identical=True,
        scores=scores,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def results() -> ValidationResults:
    better = replace(OURS, psnr_db=29, perc=0.1, lmd=0.03)
    four = Run(
        4,
        (
            clip("a"),
            clip("b", better, encode_fps=20, decode_fps=10),
            clip("c", replace(OURS, lmd=math.nan), encode_fps=30),
        ),
    )
    one = Run(1, (clip("a", replace(OURS, psnr_db=25)),))
    known = {"date_utc": "2026-01-02", "machine": {"cpu": "A CPU", "cores": 2}, "renderer": "r@123"}
    return ValidationResults(
        known, dict.fromkeys("abc", STILL), (four, one), {"d": "NoFaceError: none"}
    )


def test_means_medians_and_gains() -> None:
    made = results()
    summary = made.summary(made.runs[0])
    assert summary["clips"] == 3 and summary["frames"] == 300
    assert summary["scores"]["psnr_db"] == pytest.approx((27 + 29 + 27) / 3)
    assert summary["scores"]["lmd"] == pytest.approx(0.02)  # the clip without a figure is left out
    assert summary["encode_fps"] == 30 and summary["decode_fps"] == 30
    assert summary["gain"]["psnr_db"] == pytest.approx((27 + 29 + 27) / 3 - 24)
    assert summary["gain"]["perc"] == pytest.approx((0.2 + 0.1 + 0.2) / 3 / 0.4)
    assert summary["gain"]["lmd_per_clip"] == pytest.approx((0.01 + 0.03) / 2 / 0.08)
    assert summary["rates"]["motion_kbps"] == 5
    assert summary["tokens_identical"] and summary["frames_kept"]
    assert summary["clips_worse_than_still"] == 0


# a codec that reaches every bar of STILL's clips
GOOD = replace(OURS, psnr_db=28.5, perc=0.17, cpbd=0.4)


def only(scores: Scores, **changes: object) -> dict[str, object]:
    """Summary of one clip."""
    run = Run(4, (clip("a", scores, **changes),))
    return ValidationResults({}, {"a": STILL}, (run,)).summary(run)


def test_faults_show() -> None:
    run = Run(4, (clip("a", GOOD), clip("b", GOOD, frames_decoded=99, tokens_identical=False)))
    summary = ValidationResults({}, dict.fromkeys("ab", STILL), (run,)).summary(run)
    assert not summary["tokens_identical"] and not summary["frames_kept"]
    assert [t.name for t in missed(summary)] == [
        "indices identical after decode (1: all)",
        "frames kept (1: all)",
    ]


def test_a_figure_that_is_missing_reaches_no_bar() -> None:
    assert missed(only(GOOD)) == ()
    found = missed(only(replace(GOOD, lmd=math.nan, jitter=math.nan)))
    assert [t.name for t in found] == ["landmark distance, share of the still portrait's", "jitter"]


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"perc": 0.181}, "perceptual distance, share of the still portrait's"),
        ({"lmd": 0.0121}, "landmark distance, share of the still portrait's"),
        ({"lmd_mouth": 0.0201}, "mouth distance, share of the still portrait's"),
        ({"psnr_db": 27.9}, "PSNR over the still portrait, dB"),
        ({"cpbd": 0.36}, "sharpness (CPBD) over the source's"),
        ({"cpbd": 0.46}, "sharpness (CPBD) over the source's"),
        ({"jitter": 0.89}, "jitter"),
        ({"jitter": 1.16}, "jitter"),
        ({"id_dist": 0.21}, "identity distance"),
    ],
)
def test_every_quality_has_its_bar(changes: dict[str, float], name: str) -> None:
    assert [t.name for t in missed(only(replace(GOOD, **changes)))] == [name]  # type: ignore[arg-type]


def test_speed_and_clips_that_are_worse_than_a_still_have_bars() -> None:
    assert [t.name for t in missed(only(GOOD, encode_fps=24.9, decode_fps=24))] == [
        "encode, frames/s (median)",
        "decode, frames/s (median)",
    ]
    run = Run(
        4, (clip("a", replace(GOOD, perc=0.4)), *(clip(n, replace(GOOD, perc=0.01)) for n in "bcd"))
    )
    summary = ValidationResults({}, dict.fromkeys("abcd", STILL), (run,)).summary(run)
    assert [t.name for t in missed(summary)] == [
        "clips perceptually no better than their still portrait"
    ]


def test_shares_are_means_of_each_clips_own() -> None:
    low, high = replace(STILL, perc=0.2), replace(STILL, perc=1.0)
    run = Run(4, (clip("a", replace(GOOD, perc=0.15)), clip("b", replace(GOOD, perc=0.1))))
    summary = ValidationResults({}, {"a": low, "b": high}, (run,)).summary(run)
    bar = next(t for t in TARGETS if t.name.startswith("perceptual"))
    assert bar.value(summary) == pytest.approx((0.75 + 0.1) / 2) and bar.met(summary)
    assert str(bar) == "at most 0.45"
    assert {str(t) for t in TARGETS} >= {"at least 4", "0.9 to 1.1", "0.9 to 1.15", "at most 0"}


def test_json_round_trip(tmp_path: Path) -> None:
    path, made = tmp_path / "deep" / "results.json", results()
    made.save(path)
    assert "NaN" not in path.read_text(encoding="utf-8")
    again = ValidationResults.load(path)
    assert (
        again.runs[1] == made.runs[1] and again.still == made.still and again.failed == made.failed
    )
    assert math.isnan(again.runs[0].clips[2].scores.lmd)
    assert again.summary(again.runs[0]) == made.summary(made.runs[0])
    assert list(tmp_path.rglob("*.part")) == []
    assert json.loads(path.read_text(encoding="utf-8"))["runs"][0]["summary"]["clips"] == 3


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"schema_version": 2}', '{"schema_version": 1, "runs": [{}]}']
)
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "results.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError):
        ValidationResults.load(path)


def test_conditions_name_the_machine_and_no_path() -> None:
    found = conditions(face_every=5)
    assert (
        found["machine"]["cores"] >= 1 and found["face_every"] == 5 and "torch" in found["versions"]
    )
    assert str(Path.home()) not in json.dumps(found)


def test_markdown_table() -> None:
    lines = resulttable.markdown(results())
    text = "\n".join(lines)
    assert "| | still portrait | 4 layers | 1 layer |" in lines
    assert "| PSNR, dB ↑ | 24.00 | 27.67 | 25.00 |" in lines
    assert "| whole file, kbit/s |  | 40.00 | 40.00 |" in lines
    assert "3 clips, 300 frames" in text and "A CPU, 2 cores" in text and "NOT CODED: d" in text
    widths = {line.count("|") for line in lines if line.startswith("|")}
    assert widths == {5}


def test_the_bars_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "results.json"
    results().save(data)
    assert bars.main([str(data)]) == 1
    shown = capsys.readouterr().out
    best = results().summary(results().runs[0])
    assert f"bars missed: {len(missed(best))} of {len(TARGETS)}" in shown
    assert shown.count("MISSED") == len(missed(best)) > 0
    assert shown.count("reached") == len(TARGETS) - len(missed(best)) > 0
    run = Run(4, (clip("a", GOOD),))
    ValidationResults({}, {"a": STILL}, (run,)).save(data)
    assert bars.main([str(data)]) == 0 and "MISSED" not in capsys.readouterr().out
    assert bars.main([str(tmp_path / "absent.json")]) == 8
