"""Figures of the README are those of the results: its sentences and its table, counted again from the JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path
from statistics import fmean, median
from typing import Any

import pytest

from vqcodec.comparison.analysis.overall import Analysis, analyse
from vqcodec.lab.compare import summary

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "vqcodec" / "lab" / "results"
PAGE = re.sub(r"\s+", " ", (ROOT / "README.md").read_text(encoding="utf-8"))
VAL: dict[str, Any] = json.loads((RESULTS / "val.json").read_text(encoding="utf-8"))
CLIPS: list[dict[str, Any]] = VAL["runs"][-1]["clips"]


@pytest.fixture(scope="module")
def comparison() -> Analysis:
    return analyse(summary.load(RESULTS / "compare.json"))


def test_the_first_sentence() -> None:
    motion = fmean(c["rates"]["motion_kbps"] for c in CLIPS)
    landmarks = fmean(c["scores"]["lmd"] for c in CLIPS)
    speed = {key: median(c[key] for c in CLIPS) for key in ("encode_fps", "decode_fps")}
    assert f"On {len(CLIPS)} clips of people it never saw" in PAGE
    assert f"the motion takes {motion:.1f} kbit/s" in PAGE
    assert f"landmarks are off by {landmarks:.1%}".replace("%", " %") in PAGE
    assert f"encode {speed['encode_fps']:.0f} and decode {speed['decode_fps']:.0f} frames" in PAGE
    assert all(c["tokens_identical"] for c in CLIPS) and "every token decodes exactly" in PAGE
    assert VAL["conditions"]["machine"]["cores"] == 2 and "two CPU cores" in PAGE


def test_from_which_rate_on_others_are_better(comparison: Analysis) -> None:
    def better_from(codec: str, metric: str) -> float:
        found = comparison.find(codec, metric)
        assert found is not None and found.crossing.kbps is not None
        return found.crossing.kbps

    older = [better_from(codec, "perc") for codec in ("h264", "h265", "vp9")]
    assert f"From {better_from('av1', 'perc'):.0f} kbit/s on, AV1" in PAGE
    assert f"(there from {better_from('av1', 'lmd'):.0f} kbit/s)" in PAGE
    assert f"the older codecs from {min(older):.0f} to {max(older):.0f}." in PAGE
    av1 = comparison.find("av1", "perc")
    assert av1 is not None and f"(on {av1.all_worse} of 24 clips AV1 looks better" in PAGE


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
    for metric, rate, digits in (("perc", 8.0, 3), ("perc", 20.0, 3), ("lmd", 12.0, 3)):
        values = [comparison.curves[metric][c].at(rate) for c in ("vqt", "h264", "av1")]
        cells = ["-" if v is None else f"{v:.{digits}f}" for v in values]
        assert f"at {rate:g} kbit/s" in PAGE and f"↓ | {' | '.join(cells)} |" in PAGE
