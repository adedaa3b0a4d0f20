"""Figures of a decoded clip: right against the modules they come from, and sampled as promised."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.support.evaluation import blurred, moving
from vqcodec.comparison.measure import COSTLY_EVERY, Gauge, Instruments
from vqcodec.comparison.optional import set_figures
from vqcodec.evaluation.metrics import fidelity
from vqcodec.evaluation.metrics.catalogue import CATALOGUE
from vqcodec.evaluation.metrics.frechet import set_distance
from vqcodec.evaluation.metrics.lipsync import lip_correlation, opening_track
from vqcodec.evaluation.metrics.suite import Suite

FRAMES = 13
RATE_HZ = Fraction(25)


@pytest.fixture(scope="module")
def tools() -> Iterator[Instruments]:
    with Instruments() as found:
        yield found


@pytest.fixture(scope="module")
def source() -> Any:
    return moving(FRAMES)


def test_frames_are_spread_and_leave_out_the_first(tools: Instruments, source: Any) -> None:
    gauge = Gauge(tools, source, RATE_HZ, every=5, tracks=False)
    assert gauge.numbers == [2, 7, 12] and gauge.needed == {2, 3, 7, 8, 12}
    assert Gauge(tools, source, RATE_HZ, every=5, tracks=True).needed == set(range(FRAMES))
    assert Gauge(tools, source[:3], RATE_HZ, every=15, tracks=False).numbers == [
        2
    ]  # a clip shorter than half a step


def test_figures_are_those_of_the_modules(tools: Instruments, source: Any) -> None:
    gauge = Gauge(tools, source, RATE_HZ, every=4, tracks=True)
    shown = blurred(source, 1.5)
    mean, per_frame = gauge.measure(enumerate(shown))
    chosen = gauge.numbers
    assert per_frame["numbers"] == chosen
    assert per_frame["psnr_db"] == pytest.approx(
        fidelity.psnr_db(source[chosen], shown[chosen]), abs=1e-3
    )
    with Suite(2) as suite:
        whole = suite.measure(source, shown)
    assert per_frame["perc"] == pytest.approx(whole.perc[chosen], rel=1e-3)
    assert per_frame["lmd"] == pytest.approx(
        [whole.lmd[whole.sampled.index(n)] for n in chosen], rel=1e-3
    )
    assert mean["ssim"] == pytest.approx(float(whole.ssim[chosen].mean()), abs=1e-4)
    costly = [n for n, v in zip(chosen, per_frame["cpbd"], strict=True) if v is not None]
    assert costly == chosen[COSTLY_EVERY // 2 :: COSTLY_EVERY]
    assert mean["id_dist"] == pytest.approx(whole.id_dist[whole.sampled.index(costly[0])], rel=1e-3)
    assert mean["jitter"] == pytest.approx(1, abs=0.3)
    real, track = (opening_track([tools.points(p) for p in clip]) for clip in (source, shown))
    sync = lip_correlation(real, track, RATE_HZ)
    assert mean["lip_corr"] == pytest.approx(sync.correlation, rel=1e-4)
    assert mean["lip_lag_ms"] == abs(sync.lag_ms)
    # everything in the catalogue is either measured or said to be absent
    assert set(mean) | set(tools.absent) == set(CATALOGUE)


def test_a_perfect_copy_scores_perfectly(tools: Instruments, source: Any) -> None:
    mean, _ = Gauge(tools, source, RATE_HZ, every=7, tracks=False).measure(enumerate(source))
    assert mean["psnr_db"] == pytest.approx(100) and mean["ssim"] == pytest.approx(1)
    assert mean["perc"] == 0 and mean["lmd"] == 0 and mean["id_dist"] == 0 and mean["jitter"] == 1
    assert mean["vmaf"] is not None and mean["vmaf"] > 95
    assert "msi" not in mean  # needs every frame


def test_worse_is_worse(tools: Instruments, source: Any) -> None:
    gauge = Gauge(tools, source, RATE_HZ, every=7, tracks=False)
    little, much = (gauge.measure(enumerate(blurred(source, s)))[0] for s in (1, 4))
    for name in ("psnr_db", "ssim", "ms_ssim", "vmaf", "perc", "id_dist", "lmd", "cpbd"):
        a, b = little[name], much[name]
        assert a is not None and b is not None
        assert (a > b) == (CATALOGUE[name].better == "higher"), name


def test_pictures_without_a_face_are_none_not_nan(tools: Instruments) -> None:
    grey = np.full((9, 256, 256, 3), 90, np.uint8)
    mean, per_frame = Gauge(tools, grey, RATE_HZ, every=4, tracks=True).measure(enumerate(grey))
    assert (
        mean["lmd"] is None
        and mean["id_dist"] is None
        and mean["lip_corr"] is None
        and mean["jitter"] is None
    )
    assert per_frame["lmd"] == [None, None] and mean["psnr_db"] == pytest.approx(100)


def test_sets_are_compared_where_networks_are_here() -> None:
    deep: Any = SimpleNamespace(
        features={
            "fid": lambda frames: frames.mean(axis=(1, 2)).astype(np.float32),
            "fvd": lambda frames: frames[::16].mean(axis=(1, 2)).astype(np.float32),
        }
    )
    rng = np.random.default_rng(3)
    first, second = (rng.integers(0, 256, (40, 8, 8, 3), dtype=np.uint8) for _ in range(2))
    figures = set_figures(deep, first, second, consecutive=True)
    fid = deep.features["fid"]
    assert (
        figures["fid"] == pytest.approx(set_distance(fid(first), fid(second)))
        and figures["fvd"] > 0
    )
    assert set(set_figures(deep, first, second, consecutive=False)) == {"fid"}
    assert set_figures(deep, first[:1], second[:1], consecutive=False) == {}
