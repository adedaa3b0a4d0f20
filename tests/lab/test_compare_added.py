"""ST-LPIPS added to a comparison that lacks it: only to the very points that were compared."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.support.evaluation import moving, write_video
from vqcodec.comparison.anchors import codecs as anchors
from vqcodec.comparison.anchors.variants import Variant
from vqcodec.comparison.reference import YuvFrames, prepare
from vqcodec.comparison.results import VQT, Amount, CodedPoint, ComparedClip, ComparisonResults
from vqcodec.evaluation.metrics.catalogue import CATALOGUE
from vqcodec.lab.compare import added
from vqcodec.lab.compare.summary import load, save

FRAMES, CRF, EVERY = 9, 40, 4
SMALL = Variant(128, 1)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "val").mkdir()
    write_video(folder / "val" / "v1.mp4", moving(FRAMES, side_px=256))
    return folder


def point(kbps: float, codec: str = "h264") -> CodedPoint:
    amount = Amount(kbps, kbps, kbps, kbps)
    return CodedPoint(
        codec, SMALL.name, 128, 1, f"crf {CRF}", 5.0, amount, amount, 9.0, 9.0, {"perc": None}
    )


@pytest.fixture(scope="module")
def compared(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> ComparisonResults:
    """One clip with one point of x264, as a comparison of some years ago would have it."""
    reference = prepare(corpus / "val" / "v1.mp4", tmp_path_factory.mktemp("reference"))
    coded = anchors.encode(
        anchors.ANCHOR_CODECS["h264"], YuvFrames(reference, SMALL), 128, Fraction(25), CRF
    )
    kbps = coded.payload_bytes * 8 / float(reference.seconds) / 1000
    clip = ComparedClip(
        "v1",
        FRAMES,
        float(reference.seconds),
        "25",
        reference.side_px,
        False,
        (point(kbps), point(3.0, VQT)),
    )
    settings = {"every": EVERY, "quick": False, "cut_s": None}
    return ComparisonResults(settings, {}, {"perc": CATALOGUE["perc"].to_json()}, {}, (clip,))


def run(compared: ComparisonResults, corpus: Path, folder: Path, *more: str) -> int:
    save(compared, folder / "summary.json")
    work = str(folder / "work")
    return added.main(
        [str(folder / "summary.json"), "--data", str(corpus), "--work", work, "--jobs", "1", *more]
    )


def test_points_get_the_figure_and_are_kept(
    compared: ComparisonResults,
    corpus: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(compared, corpus, tmp_path) == 0
    assert f"v1: h264 128 crf {CRF}" in capsys.readouterr().out
    found = load(tmp_path / "summary.json")
    own, other = found.clips[0].points
    assert found.metrics["st_lpips"]["better"] == "lower"
    assert own.mean["st_lpips"] is not None and 0 < own.mean["st_lpips"] < 1
    assert other.mean["st_lpips"] is None and other.kbps == compared.clips[0].points[1].kbps
    monkeypatch.setattr(anchors, "encode", lambda *_, **__: pytest.fail("it is known"))
    assert run(compared, corpus, tmp_path) == 0
    assert load(tmp_path / "summary.json").clips == found.clips
    kept = json.loads((tmp_path / "work" / "v1.json").read_text())
    assert list(kept["st_lpips"]) == [f"h264 128 crf {CRF}"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (dict(kbps=1.01), "kbit/s"),
        (dict(perc=0.9), "perceptual distance"),
        (dict(frames=8), "is not the v1"),
    ],
)
def test_what_comes_out_otherwise_is_refused(
    compared: ComparisonResults,
    corpus: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: dict[str, float],
    words: str,
) -> None:
    clip = compared.clips[0]
    first = clip.points[0]
    rate = first.kbps.payload * change.get("kbps", 1.0)
    changed = replace(
        first, kbps=replace(first.kbps, payload=rate), mean={"perc": change.get("perc")}
    )
    other = replace(
        clip, points=(changed, clip.points[1]), frames=int(change.get("frames", FRAMES))
    )
    before = replace(compared, clips=(other,))
    assert run(before, corpus, tmp_path) != 0
    assert words in capsys.readouterr().err
    assert "st_lpips" not in load(tmp_path / "summary.json").metrics


def test_only_codecs_that_are_named(
    compared: ComparisonResults, corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(compared, corpus, tmp_path, "--codecs", "vp9") == 0
    mean = load(tmp_path / "summary.json").clips[0].points[0].mean
    assert np.isnan(mean["st_lpips"] or np.nan)
    assert run(compared, corpus, tmp_path, "--codecs", "h263") != 0
    assert "no list of" in capsys.readouterr().err
