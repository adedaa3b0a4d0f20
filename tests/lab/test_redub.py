"""Figures of recordings with new lips: what is compared with what, and the table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.support.dub import head_template
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
    clips = {
        name: {variant: row | {"mouth": 0.01 * (n + 1)} for n, variant in enumerate(VARIANTS)}
        for name in ("a", "b")
    }
    rows = summary(clips)
    assert [r["mouth_over_coded"] for r in rows] == pytest.approx([1, 2, 3, 4])
    path = tmp_path / "redub.json"
    path.write_text(
        json.dumps({"schema_version": 1, "conditions": {}, "clips": clips, "rows": rows})
    )
    text = "\n".join(lines(path))
    assert (
        "| its own sound, lips made anew | 0.0300 | 0.0200 | 0.50 | 0.60 | +40 | 0.90 | 3.00 |"
        in text
    )
    assert "| another clip's sound | - |" in text and "2 clips (a, b)" in text
