"""Figures of the README are those of the results: its sentences and its table, counted again from the JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from vqcodec.comparison.analysis.overall import Analysis, analyse
from vqcodec.comparison.results import VQT
from vqcodec.lab.compare.against import beside

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "vqcodec" / "lab" / "results"
PAGE = re.sub(r"\s+", " ", (ROOT / "README.md").read_text(encoding="utf-8"))
VAL: dict[str, Any] = json.loads((RESULTS / "val.json").read_text(encoding="utf-8"))
CLIPS: list[dict[str, Any]] = VAL["runs"][-1]["clips"]


@pytest.fixture(scope="module")
def comparison() -> Analysis:
    return analyse(beside(RESULTS))


def test_the_first_sentence(comparison: Analysis) -> None:
    landmarks = comparison.curves["lmd"][VQT].at(10.0)
    assert landmarks is not None
    assert f"On {len(CLIPS)} clips of people it never saw" in PAGE
    assert f"10 kbit/s keep facial landmarks within {landmarks:.1%}".replace("%", " %") in PAGE
    assert all(c["tokens_identical"] for c in CLIPS) and "every token decodes exactly" in PAGE


def test_from_which_rate_on_others_are_better(comparison: Analysis) -> None:
    def better_from(codec: str, metric: str = "perc") -> float | None:
        found = comparison.find(codec, metric)
        assert found is not None
        return found.crossing.kbps

    av1 = better_from("av1")
    assert av1 is not None and f"from {av1:.0f} kbit/s on, AV1" in PAGE
    sharper = better_from("av1", "st_lpips")
    assert sharper is not None and f"from {sharper:.0f} by ST-LPIPS" in PAGE
    assert [better_from(codec) for codec in ("h264", "h265", "vp9")] == [None] * 3
    assert "the older codecs nowhere up to 40" in PAGE


def test_the_table(comparison: Analysis) -> None:
    steady = {name for name, seen in VAL["camera"].items() if seen["steady"]}
    own = [c for c in CLIPS if c["clip"] in steady]
    share = fmean(c["scores"]["perc"] for c in own) / fmean(
        VAL["still"][c["clip"]]["perc"] for c in own
    )
    motion = fmean(c["rates"]["motion_kbps"] for c in own)
    assert f"{len(steady)} clips with a steady camera" in PAGE
    assert f"motion, kbit/s ↓ | {motion:.1f} |" in PAGE
    assert f"share of the first frame held ↓ | {share:.0%}".replace("%", " %") in PAGE
    for metric, rate, digits in (("perc", 10.0, 3), ("perc", 20.0, 3), ("lmd", 20.0, 3)):
        values = [comparison.curves[metric][c].at(rate) for c in (VQT, "h264", "av1")]
        cells = ["-" if v is None else f"{v:.{digits}f}" for v in values]
        assert f"at {rate:g} kbit/s" in PAGE and f"↓ | {' | '.join(cells)} |" in PAGE
