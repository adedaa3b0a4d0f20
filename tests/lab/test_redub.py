"""Figures of recordings with new lips: what is compared with what, and the table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.support.dub import head_template
from vqcodec.lab.dub.mouth import teeth_flicker
from vqcodec.lab.dub.redub import VARIANTS, figures, lines, summary
from vqcodec.lab.dub.sync import Points


def speaking(openings: list[float]) -> list[Points | None]:
    faces: list[Points | None] = []
    for opening in openings:
        points = head_template() + 0.5
        points[14, 1] += opening
        faces.append(points.astype(np.float32))
    return faces


def test_lips_are_held_against_the_voice_and_the_mouth_against_the_recording() -> None:
    at = np.arange(40)
    own, voice = 0.05 + 0.04 * np.sin(at / 3), 0.05 + 0.04 * np.cos(at / 2)
    real, theirs = speaking(own.tolist()), speaking(voice.tolist())
    same = figures(real, real, real)
    assert same["mouth"] == same["upper"] == 0 and same["lip_corr"] == pytest.approx(1)
    other = figures(real, theirs, theirs)
    assert other["mouth"] > 0 == other["upper"] and other["lip_corr"] == pytest.approx(1)
    assert other["opening_ratio"] == pytest.approx(1)
    assert figures(real, theirs, real)["lip_corr"] < 0.5
    assert figures([None, *real[1:]], real, real)["mouth"] == 0


def test_the_table(tmp_path: Path) -> None:
    row = {"mouth": 0.01, "upper": 0.02, "lip_corr": 0.5, "lip_within": 0.6}
    row |= {"lip_lag_ms": 40.0, "opening_ratio": 0.9}
    row |= {"meet": 0.8, "flicker": 5.0, "mouth_perc": 0.2}
    own = {"meet": 0.9, "flicker": 4.0, "mouth_perc": 0.0}
    clips = {
        name: {"real": own}
        | {variant: row | {"mouth": 0.01 * (n + 1)} for n, variant in enumerate(VARIANTS[1:])}
        for name in ("a", "b")
    }
    clips["b"]["other"]["meet"] = float("nan")
    rows = summary(clips)
    assert [r["mouth_over_coded"] for r in rows[1:]] == pytest.approx([1, 2, 3, 4])
    assert rows[0]["mouth_over_coded"] is None and rows[-1]["meet"] == pytest.approx(0.8)
    path = tmp_path / "redub.json"
    path.write_text(
        json.dumps({"schema_version": 1, "conditions": {}, "clips": clips, "rows": rows})
    )
    text = "\n".join(lines(path))
    assert (
        "| its own sound, lips made anew | 0.0300 | 0.0200 | 0.50 | 0.60 | +40 | 0.90 | 0.80 | 5.00 | 0.200 | 3.00 |"
        in text
    )
    assert "| the recording | - | - | - | - | - | - | 0.90 | 4.00 | - | - |" in text
    assert "| another clip's sound | - |" in text and "2 clips (a, b)" in text


def test_teeth_that_change_flicker_and_a_mouth_that_moves_does_not() -> None:
    rng = np.random.default_rng(2)
    points = (head_template() + 0.5).astype(np.float32) * 256
    points[14, 1] += 12
    points[[87, 317], 1] += 12
    wall = np.kron(rng.integers(0, 255, (32, 32, 1), np.uint8), np.ones((8, 8, 3), np.uint8))
    steady, moved = [wall] * 4, [np.roll(wall, n, 1) for n in range(4)]
    right = [points + np.array([n, 0], np.float32) for n in range(4)]
    changing = [np.roll(wall, 60 * (n % 2), 0) for n in range(4)]
    still: list[Points | None] = [points] * 4
    assert teeth_flicker(steady, still) == 0
    assert teeth_flicker(moved, right) < 0.2 * teeth_flicker(changing, still)
    assert np.isnan(teeth_flicker(steady, [None, *still[1:2], None, points]))
