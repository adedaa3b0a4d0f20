"""Figures of dubs: of lips and of motion, their means, bars and files."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from tests.support.dub_results import FRAMES, drawn_clip, result, speaking
from vqcodec.errors import UsageError
from vqcodec.format import to_indices
from vqcodec.lab.dub.motion import features_of
from vqcodec.lab.dub.results import (
    BARS,
    FIGURES,
    DubResult,
    load,
    references,
    save,
    summarize,
)
from vqcodec.lab.dub.sync import LIP_FIGURES, distances, lip_sync, motion_sync, shipped_basis
from vqcodec.quantize.grfsq import dequantize, quantize

ROOT = Path(__file__).resolve().parents[2]


VAL = ROOT / "vqcodec" / "lab" / "results" / "val.json"


def test_lips_in_time_late_frozen_and_unseen() -> None:
    basis = shipped_basis()
    real, late = list(basis.landmarks(speaking())), list(basis.landmarks(speaking(late=2)))
    same = lip_sync(real, real)
    assert (
        same["lip_corr"] == pytest.approx(1)
        and same["lip_lag_ms"] == 0
        and same["opening_ratio"] == pytest.approx(1)
    )
    behind = lip_sync(real, late)
    assert behind["lip_lag_ms"] == 80 and behind["lip_best"] > 0.99 > behind["lip_corr"]
    assert same["lip_within"] == pytest.approx(1) and behind["lip_within"] == behind["lip_best"]
    later = lip_sync(real, list(basis.landmarks(speaking(late=4))))
    assert (
        later["lip_lag_ms"] == 160 and later["lip_corr"] <= later["lip_within"] < later["lip_best"]
    )
    assert (
        distances(real, real) == {"lmd": 0, "lmd_mouth": 0}
        and distances(real, late)["lmd_mouth"] > 0.001
    )
    # a dub whose lips never move, or that shows no face, counts as 0 and not as unknown
    for dead in ([real[0]] * FRAMES, [None] * FRAMES):
        found = lip_sync(real, dead)
        assert found["lip_corr"] == found["opening_ratio"] == 0 and math.isnan(found["lip_lag_ms"])
    assert all(math.isnan(v) for v in lip_sync([real[0]] * FRAMES, real).values())
    assert all(math.isnan(v) for v in lip_sync(real[:5], real[:5]).values())


def test_motion_is_measured_without_pictures() -> None:
    clip, units = drawn_clip(), shipped_basis().units
    exact = motion_sync(clip.tokens, clip, clip.points)
    assert (
        set(exact) == {*LIP_FIGURES, "lmd", "lmd_mouth"}
        and exact["lip_corr"] > 0.98
        and exact["lmd_mouth"] < 0.01
    )
    values = quantize(speaking(), units)
    assert motion_sync(values, clip, clip.real_points)["lip_corr"] == pytest.approx(
        exact["lip_corr"], abs=0.01
    )
    unseen = clip.points.copy()
    unseen[::2] = np.nan
    assert motion_sync(clip.tokens, clip, unseen)["lip_corr"] > 0.95
    assert (
        motion_sync(to_indices(quantize(speaking(late=1), units)), clip, clip.points)["lip_lag_ms"]
        == 40
    )
    assert np.array_equal(features_of(clip, clip.tokens, units), dequantize(values, units))


def test_means_and_bars() -> None:
    found = summarize(
        [
            result(),
            result("c", corr=0.5, lag_ms=-80, shuffled=0.4),
            result("d", corr=math.nan, lag_ms=math.nan),
        ]
    )
    assert found["dub"]["lip_corr"] == pytest.approx(0.6) and found["dub"][
        "lip_lag_ms"
    ] == pytest.approx(-20)
    assert (
        found["lag_size_ms"] == 60
        and found["lag_within"] == 1
        and found["margin"] == pytest.approx(0.3)
    )
    assert (
        found["clips"] == 3
        and found["clips_with_lips"] == 2
        and found["realtime"] == pytest.approx(8)
    )
    assert all(bar.met(found) for bar in BARS) and "codec" not in found
    odd = summarize(
        [result(opening_ratio=v) for v in (0.8, 40.0, 1.2)]
    )  # somebody's lips hardly moved
    assert odd["dub"]["opening_ratio"] == pytest.approx(1.2)
    missed = summarize([result(corr=0.4, lag_ms=120, shuffled=0.3)])
    assert not any(bar.met(missed) for bar in BARS)
    lost = summarize(
        [result(lag_ms=math.nan), result()]
    )  # lips that never move have no lag: not within
    assert lost["lag_within"] == 0.5


def test_result_files(tmp_path: Path) -> None:
    path, results = (
        tmp_path / "dub.json",
        [result().beside("codec", dict.fromkeys(FIGURES, 0.25) | {"cpbd": None})],
    )
    save(path, {"level": "full"}, results, {})
    known, back, beside = load(path)
    assert (
        known == {"level": "full"}
        and beside == {}
        and [r.to_json() for r in back] == [r.to_json() for r in results]
    )
    data = json.loads(path.read_text(encoding="utf-8"))
    assert data["kind"] == "dub" and data["clips"][0]["variants"]["shuffled"]["ssim"] is None
    assert (
        set(data["clips"][0]["variants"]["dub"]) == set(FIGURES)
        and data["summary"]["margin"] == 0.5
    )
    assert isinstance(DubResult.from_json(data["clips"][0]), DubResult)
    path.write_text(json.dumps(data | {"kind": "table4"}), encoding="utf-8")
    with pytest.raises(UsageError):
        load(path)


def test_the_codecs_own_figures_stand_beside() -> None:
    found = references(VAL, ["v0451", "v0452"])
    assert 0 < found["codec"]["lmd_mouth"] < found["still"]["lmd_mouth"] and found[
        "renderer"
    ].startswith("renderer-")
    assert (
        references(VAL, ["nobody"]) == {}
        and references(VAL.with_name("none.json"), ["v0451"]) == {}
    )
