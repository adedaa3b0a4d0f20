"""Cross-identity driving: who drives whom, what the figures say, and that the decoder's rule is the one called scaled."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.evaluation import moving, portrait, write_video
from vqcodec.errors import MediaError, UsageError
from vqcodec.lab.faces import crossid
from vqcodec.lab.faces.crossfigures import (
    FIGURES,
    Judge,
    PairResult,
    correlation,
    path,
    report,
    roll_deg,
    summary,
    yaw,
)
from vqcodec.lab.faces.crossid import by_decoder, by_transfer, main, pairs

FRAMES = 16


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two short videos of the same face: one turns in the plane, one is its mirror image."""
    pytest.importorskip("dlib")
    folder, frames = tmp_path_factory.mktemp("clips"), moving(FRAMES, 512)
    write_video(folder / "a.mp4", frames)
    write_video(folder / "b.mp4", np.ascontiguousarray(frames[:, :, ::-1]))
    return folder


def test_every_clip_drives_another_one_once() -> None:
    clips = [Path(f"{n}.mp4") for n in range(9)]
    found = pairs(clips)
    assert {a for a, _ in found} == {b for _, b in found} == set(clips) and all(
        a != b for a, b in found
    )
    assert pairs(clips[::-1], 4) == found[:4] and pairs(clips, 99) == found
    for some, count in ((clips[:1], None), (clips, 0)):
        with pytest.raises(UsageError):
            pairs(some, count)


def test_turn_and_tilt() -> None:
    points = np.zeros((478, 2), np.float32)
    points[33], points[263], points[234], points[454], points[1] = (
        (100, 100),
        (200, 100),
        (80, 120),
        (220, 120),
        (150, 140),
    )
    assert yaw(points) == 0 and roll_deg(points) == 0
    points[1] = (164, 140)
    assert yaw(points) == pytest.approx(0.1)
    points[263] = (200, 200)
    assert roll_deg(points) == pytest.approx(45)


def test_correlation_and_path() -> None:
    assert correlation([1, 2, 3], [2, 4, 6]) == pytest.approx(1) and correlation(
        [1, 2, 3], [3, 2, 1]
    ) == pytest.approx(-1)
    assert math.isnan(correlation([1, 2], [1, 2])) and math.isnan(correlation([1, 2, 3], [1, 1, 1]))
    still = np.random.default_rng(0).random((478, 2)).astype(np.float32)
    still[33], still[263] = (0, 0), (2, 0)
    assert path([still, still + 1, still]) == pytest.approx(math.sqrt(2) / 2 / 2, rel=1e-4)
    assert math.isnan(path([still]))


def test_a_perfect_copy_and_a_still_picture() -> None:
    pytest.importorskip("dlib")
    driver, still = list(moving(6)), portrait()
    with Judge() as judge:
        copy = judge.measure(("a", "b"), driver, driver, still)
        stiff = judge.measure(("a", "b"), [still] * 6, driver, still)
        with pytest.raises(MediaError, match="no face in the first frame of b"):
            judge.measure(("a", "b"), driver, driver, np.zeros_like(still))
    assert copy.faces == copy.frames == 6 and copy.id_driver == 0 and copy.id_portrait < 0.3
    assert (
        copy.roll_corr == pytest.approx(1)
        and copy.mouth_corr == pytest.approx(1)
        and copy.path_ratio == 1
    )
    assert copy.face_ratio == pytest.approx(1, abs=0.02)
    assert stiff.id_portrait == 0 and math.isnan(stiff.roll_corr) and stiff.path_ratio == 0


GOOD = PairResult("a", "b", 15, 15, 0.3, 0.7, 0.75, 0.9, 0.8, 0.95, 0.95, 1.0, 1.1)


def test_summary_and_report() -> None:
    results = [GOOD, replace(GOOD, id_portrait=0.5, id_driver=0.4, blink_corr=math.nan)]
    found = summary(results)
    assert found["id_portrait"] == pytest.approx(0.4) and not found["id_portrait_met"]
    assert found["portrait_nearer_than_driver"] == 1 and found["blink_corr"] == pytest.approx(0.8)
    assert summary([GOOD])["id_portrait_met"]
    text = report(results)
    assert "MISSED" in text and "1 of 2" in text and text.splitlines()[1].startswith("a -> b")
    assert len(text.splitlines()[0].split()) == 3 + len(FIGURES)


def test_command(clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, keep = tmp_path / "pairs.json", tmp_path / "kept"
    code = main(["--data", str(clips), "--pairs", "1", "--out", str(out), "--keep", str(keep)])
    found = json.loads(out.read_text(encoding="utf-8"))
    assert code == int(not found["summary"]["id_portrait_met"])
    assert found["schema_version"] == 1 and found["conditions"]["transfer"] == "decoder"
    only = found["pairs"][0]
    assert set(only) == {"driver", "portrait", "frames", "faces", *FIGURES} and {
        only["driver"],
        only["portrait"],
    } == {"a", "b"}
    assert only["frames"] == only["faces"] == 4
    assert only["id_portrait"] < 0.5 and only["roll_corr"] > 0.8 and 0.5 < only["path_ratio"] < 1.6
    assert "identity distance to the portrait" in capsys.readouterr().out and str(
        tmp_path
    ) not in json.dumps(found)
    # the rule called scaled is the decoder's
    stream, still = next(keep.glob("*.vqt")), next(keep.glob("*.png"))
    for ours, theirs in zip(
        by_transfer("scaled")(stream, still), by_decoder(stream, still), strict=True
    ):
        assert ours.time_s == theirs.time_s
        assert np.abs(ours.rgb.astype(int) - theirs.rgb).mean() < 0.5
    assert crossid.EVERY == 5
