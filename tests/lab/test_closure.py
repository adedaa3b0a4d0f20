"""Whether lips meet: windows of phones, shares, and the table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from vqcodec.lab.dub.closure import (
    by_chance,
    elsewhere,
    lines,
    met,
    narrow,
    summary,
    widths,
    windows,
)


class Reader:
    """Hears an m from .5 to .7 s, a p at the very end, and an a."""

    def spans(self, samples: np.ndarray) -> list[tuple[float, float, str]]:
        return [(0.5, 0.7, "m"), (1.2, 1.3, "a"), (1.98, 2.0, "p")]


def test_lips_that_meet_are_counted_at_their_time() -> None:
    where = windows(np.zeros(32000, np.float32), Reader(), 50)  # type: ignore[arg-type]
    assert where == [(9, 18)], "the p is cut off"
    gaps = np.full(50, 0.1)
    assert met(gaps, where) == 0 == elsewhere(gaps, where)
    gaps[17] = 0.01
    assert met(gaps, where) == 1 and elsewhere(gaps, where) == 0
    gaps[30:34] = 0.02
    assert elsewhere(gaps, where) == pytest.approx(4 / 41)
    assert narrow(gaps, where) == pytest.approx(0.1)
    assert 0 < by_chance(gaps, where) < 1
    assert by_chance(np.full(50, 0.3), where, narrow) == pytest.approx(1)
    gaps[9:18] = np.nan
    assert np.isnan(met(gaps, where)) and np.isnan(met(gaps, []))


def test_widths_are_told_in_eye_distances() -> None:
    points = np.zeros((2, 478, 2), np.float32)
    points[:, 33], points[:, 263] = (0.2, 0.3), (0.6, 0.3)
    points[:, 61], points[:, 291] = (0.3, 0.7), (0.5, 0.7)
    points[1] = np.nan
    wide = widths(points)
    assert wide[0] == pytest.approx(0.5) and np.isnan(wide[1])


def test_the_table(tmp_path: Path) -> None:
    dub = {
        "met": 0.5,
        "elsewhere": 0.2,
        "narrow": 0.7,
        "round": 0.96,
        "lip_corr": 0.4,
        "lip_within": 0.5,
    }
    one = {
        "count": 3,
        "real": {"met": 1.0, "elsewhere": 0.2, "narrow": 0.5, "round": 0.94},
        "chance": {"met": 0.5},
        "plain": dub | {"met": 0.25},
        "shut": dub,
    }
    clips = {"a": one, "b": one | {"count": 1, "shut": dub | {"met": float("nan")}}}
    path = tmp_path / "closure.json"
    path.write_text(
        json.dumps({"schema_version": 1, "conditions": {}, "clips": clips, "rows": summary(clips)})
    )
    text = "\n".join(lines(path))
    assert "| real lips | 1.00 | 0.20 | 0.50 | 0.94 | - | - |" in text
    assert "| dub, nothing shuts them | 0.25 | 0.20 | 0.70 | 0.96 | 0.40 | 0.50 |" in text
    assert "2 clips, 4 p, b and m" in text
