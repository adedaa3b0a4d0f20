"""Curves, BD-rates, rates at equal quality and crossings, on curves known in closed form."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import compare as drawn
from vqcodec.comparison.analysis import mean_curve
from vqcodec.comparison.analysis.envelope import (
    BdRate,
    EqualRate,
    bd_rate,
    envelope,
    front,
)
from vqcodec.comparison.analysis.overall import Analysis, Overall, analyse
from vqcodec.comparison.analysis.verdict import median_equal, verdict

SSIM = {"ssim": drawn.METRICS["ssim"]}
PERC = {"perc": drawn.METRICS["perc"]}
FLAT = {"ssim": 1, "perc": -1}


def rising(shift: float = 1.0, slope: float = 0.1) -> drawn.Formula:
    """Straight over the rate's logarithm; `shift` times the rate for the same value."""
    return lambda rate: 0.5 + slope * math.log2(rate / shift / 5)


def falling(shift: float = 1.0) -> drawn.Formula:
    return lambda rate: -rising(shift)(rate)


def compared(
    anchor: drawn.Formula,
    own: drawn.Formula,
    *,
    metric: str = "ssim",
    own_rates: Sequence[float] = drawn.RATES,
    clips: int = 1,
) -> Analysis:
    made = [
        drawn.clip(
            f"c{n}",
            drawn.ladder("h264", metric, anchor),
            drawn.ladder("vqt", metric, own, own_rates),
        )
        for n in range(clips)
    ]
    return analyse(drawn.results(*made, metrics={metric: drawn.METRICS[metric]}))


def only(analysis: Analysis) -> Overall:
    (found,) = analysis.overall
    return found


def percent(delta: BdRate | None) -> float:
    assert delta is not None
    return delta.percent


@pytest.mark.parametrize(("metric", "make"), [("ssim", rising), ("perc", falling)])
@pytest.mark.parametrize(
    ("anchor", "own", "expected"), [(2.0, 1.0, -50.0), (1.0, 2.0, 100.0), (1.0, 1.0, 0.0)]
)
def test_a_shift_in_rate_is_the_bd_rate(
    metric: str, make: object, anchor: float, own: float, expected: float
) -> None:
    assert callable(make)
    row = only(compared(make(anchor), make(own), metric=metric, clips=2))
    assert row.overlapping == row.clips == 2
    assert row.bd_median == pytest.approx(expected, abs=1e-9)
    assert row.bd_mean == pytest.approx(expected, abs=1e-9)
    assert percent(row.mean_bd) == pytest.approx(expected, abs=1e-6)


def test_a_shift_on_a_bent_curve_too() -> None:
    bent = [1 - 0.5 * 2 ** (-0.4 * k) for k in range(9)]
    rates = [3.0 * 2 ** (k / 2) for k in range(9)]
    own, anchor = front(rates, bent, 1), front([1.5 * r for r in rates], bent, 1)
    assert percent(bd_rate(anchor, own, (1, 1000))) == pytest.approx(-100 / 3, abs=1e-9)


def test_no_common_quality_gives_the_rate_at_equal_quality() -> None:
    row = only(compared(rising(), lambda rate: 0.95 + 0.001 * rate))
    assert (row.overlapping, row.bd_median, row.mean_bd) == (0, None, None)
    assert row.equal == EqualRate("above", 40.0)
    assert row.equal_counts == {"at": 0, "below": 0, "above": 1}
    assert row.crossing.kind == "nowhere"
    row = only(compared(rising(), lambda rate: 0.1 + 0.001 * rate))
    assert row.equal == EqualRate("below", 5.0)
    assert row.crossing.kind == "everywhere" and row.crossing.anchor_share == 1


def test_the_verdict_says_which() -> None:
    clip = drawn.clip(
        "a", drawn.ladder("h264", "ssim", rising()), drawn.ladder("vqt", "ssim", rising(0.5), [8.0])
    )
    found = verdict(clip, "h264", "ssim", "higher")
    assert (found.kind, found.bd, found.vqt_kbps) == ("equal-quality", None, 8.0)
    assert found.equal is not None and found.equal.kind == "at"
    assert found.equal.kbps == pytest.approx(16.0)
    assert verdict(clip, "h264", "lmd", "lower").kind == "none"
    assert verdict(clip, "h265", "ssim", "higher").kind == "none"
    assert verdict(clip, "h264", "ssim", "one").kind == "none"


@pytest.mark.parametrize("rates", [[8.0], [8.0, 9.0], [8.0, 8.5, 9.0]])
def test_short_curves(rates: list[float]) -> None:
    row = only(compared(rising(), rising(0.5), own_rates=rates))
    assert (row.overlapping == 1) == (len(rates) > 1)
    if row.bd_median is not None:
        assert row.bd_median == pytest.approx(-50, abs=1e-6)
    assert row.equal is not None and row.equal.kbps == pytest.approx(
        2 * rates[min(1, len(rates) - 1)]
    )


def test_a_flat_curve_is_one_point() -> None:
    row = only(compared(rising(), lambda rate: 0.7, own_rates=[8.0, 9.0, 12.0]))
    assert row.overlapping == 0
    assert row.crossing.kind == "from"
    assert row.crossing.kbps == pytest.approx(20.0, rel=1e-3)


@pytest.mark.parametrize("metric", ["ssim", "perc"])
def test_crossing(metric: str) -> None:
    sign = FLAT[metric]
    row = only(
        compared(
            lambda r: sign * rising(slope=0.2)(r),
            lambda r: sign * (0.6 + 0.1 * math.log2(r / 5)),
            metric=metric,
        )
    )
    # 0.5 + 0.2 x = 0.6 + 0.1 x at x = 1 octave over 5
    assert row.crossing.kind == "from"
    assert row.crossing.kbps == pytest.approx(10.0, rel=1e-4)
    assert row.crossing.anchor_share == pytest.approx(2 / 3, abs=0.02)


def test_crossing_of_a_curve_that_saturates_and_of_one_that_starts_late() -> None:
    # vqt ends at 10 kbit/s with the anchor's value at 14
    row = only(compared(rising(), rising(0.5), own_rates=[5.0, 7.0]))
    assert row.crossing.kind == "from" and row.crossing.kbps == pytest.approx(14.0, rel=1e-3)
    # the anchor can't be had below 20, and is better there at once
    late = drawn.clip(
        "a",
        drawn.ladder("h264", "ssim", lambda r: 0.9 + r / 1000, [20.0, 30.0]),
        drawn.ladder("vqt", "ssim", rising()),
    )
    row = only(analyse(drawn.results(late, metrics=SSIM)))
    assert row.crossing.kind == "from" and row.crossing.kbps == pytest.approx(20.0, rel=0.03)


def test_the_envelope_takes_the_best_variant() -> None:
    points = [
        drawn.point("h264", 5, {"ssim": 0.6}, variant="256"),
        drawn.point("h264", 5, {"ssim": 0.5}),
        drawn.point("h264", 10, {"ssim": 0.55}),
        drawn.point("h264", 10, {"ssim": 0.65}, variant="256"),
        drawn.point("h264", 20, {"ssim": 0.9}),
        drawn.point("h264", 20, {"ssim": 0.66}, variant="256"),
        drawn.point("h264", 30, {"ssim": None}),
        drawn.point("vqt", 30, {"ssim": 1.0}),
    ]
    curve = envelope(drawn.clip("a", points), "h264", "ssim", "higher")
    assert curve is not None
    assert curve.rates_kbps == (5, 10, 20)
    assert curve.values == (0.6, 0.65, 0.9)
    assert curve.value_at(4.9) is None and curve.value_at(1000) == 0.9
    assert curve.value_at(math.sqrt(200)) == pytest.approx(0.775)
    with_sound = envelope(drawn.clip("a", points), "h264", "ssim", "higher", "file_with_sound")
    assert with_sound is not None and with_sound.rates_kbps == (11, 16, 26)


def test_the_mean_needs_nine_clips_in_ten() -> None:
    def clips(late: int) -> list[drawn.Clip]:
        return [
            drawn.clip(
                f"c{n}",
                drawn.ladder("h264", "ssim", rising(), [10.0 if n < late else 5.0, 40.0]),
                drawn.ladder("vqt", "ssim", rising()),
            )
            for n in range(10)
        ]

    one = analyse(drawn.results(*clips(1), metrics=SSIM)).curves["ssim"]["h264"]
    assert (
        one.rates_kbps[0] == pytest.approx(5.0)
        and one.counts[0] == 9
        and one.counts[-1] == one.clips == 10
    )
    two = analyse(drawn.results(*clips(2), metrics=SSIM)).curves["ssim"]["h264"]
    assert two.rates_kbps[0] == pytest.approx(10.0) and min(two.counts) == 10
    assert two.at(5.0) is None and two.at(20.0) == pytest.approx(rising()(20.0))


def test_metrics_without_direction_have_no_verdict() -> None:
    found = analyse(drawn.realistic())
    assert {o.metric for o in found.overall} == {"perc", "ssim", "vmaf", "lmd"}
    assert {o.codec for o in found.overall} == {"h264", "h265", "av1", "vp9"}
    assert "jitter" not in found.curves


def test_results_without_vqt_or_without_clips_have_no_verdicts() -> None:
    alone = drawn.results(drawn.clip("a", drawn.ladder("h264", "ssim", rising())), metrics=SSIM)
    assert analyse(alone).overall == () and analyse(alone).curves["ssim"]["h264"].values
    assert analyse(drawn.results(metrics=PERC)).overall == ()


def test_median_of_rates_of_which_some_are_limits() -> None:
    at, below, above = EqualRate("at", 10.0), EqualRate("below", 5.0), EqualRate("above", 40.0)
    assert median_equal([]) is None
    assert median_equal([above, at, below]) == at
    assert median_equal([above, above, at]) == above
    assert median_equal([above, at]) == above
    middle = median_equal([at, EqualRate("at", 40.0)])
    assert middle is not None and middle.kbps == pytest.approx(20.0)


rates = st.floats(0.5, 200)
values = st.floats(-100, 100)


@given(st.lists(st.tuples(rates, values), min_size=1, max_size=30), st.sampled_from([1, -1]))
def test_a_front_is_beaten_by_no_point(points: list[tuple[float, float]], sign: int) -> None:
    curve = front([r for r, _ in points], [v for _, v in points], sign)
    assert list(curve.rates_kbps) == sorted(set(curve.rates_kbps))
    assert list(curve.scores) == sorted(set(curve.scores))
    for rate, value in points:
        best = curve.value_at(rate)
        assert best is not None
        assert sign * best >= sign * value - 1e-9
    assert curve.within((1000, 2000)).rates_kbps == ()


@given(st.lists(st.floats(0.05, 5), min_size=2, max_size=12), st.floats(0.2, 5), st.floats(0.2, 5))
def test_bd_rates_of_shifted_curves(steps: list[float], first: float, second: float) -> None:
    rate = [10.0 * math.exp(sum(steps[:k]) / 10) for k in range(len(steps))]
    score = [sum(steps[:k]) for k in range(len(steps))]
    one, two = (
        front([first * r for r in rate], score, 1),
        front([second * r for r in rate], score, 1),
    )
    assert percent(bd_rate(one, two, (1e-3, 1e6))) == pytest.approx(
        100 * (second / first - 1), rel=1e-6, abs=1e-6
    )


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=40))
def test_from_the_crossing_on_the_anchor_stays_ahead(gains: list[float]) -> None:
    grid = [5.0 + k for k in range(len(gains))]
    found = mean_curve.last_change(list(zip(grid, gains, strict=True)))
    start = {"everywhere": 0.0, "nowhere": math.inf, "from": found.kbps}[found.kind]
    assert start is not None
    assert all(gain > 0 for rate, gain in zip(grid, gains, strict=True) if rate > start + 1e-9)
    if found.kind == "nowhere":
        assert gains[-1] <= 0
