"""Verdicts over all clips: medians of the clips' BD-rates, the mean curve, and from which rate on an anchor is better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vqcodec.comparison.analysis.envelope import (
    DIRECTIONS,
    RATE_RANGE_KBPS,
    BdRate,
    EqualRate,
    Range,
    RateKind,
    bd_rate,
    default_point,
)
from vqcodec.comparison.analysis.mean_curve import (
    Crossing,
    MeanCurve,
    crossing,
    lattice,
    mean_curve,
    needed,
    samples_of,
)
from vqcodec.comparison.analysis.verdict import Verdict, median_equal, verdict
from vqcodec.comparison.results import CODECS, VQT, ComparisonResults


@dataclass(frozen=True, slots=True)
class Overall:
    """What is known of vqt against one anchor by one metric, over all clips.

    Attributes:
        codec, metric: which; the codec is the anchor.
        clips: clips of which either a BD-rate or a rate at equal quality is known.
        overlapping: clips with a BD-rate.
        all_better: of the others, clips on which all of vqt's curve is better than all of the anchor's, in the range.
        all_worse: likewise, worse. What is left touches too little, or a curve is a single point.
        bd_median, bd_mean: over those, percent.
        equal: median of the rates at which the anchor reaches vqt's default quality.
        equal_counts: clips by kind: at, below, above.
        vqt_kbps: median rate of vqt's default setting.
        mean_bd: BD-rate of the two mean curves.
        mean_equal: where the anchor's mean curve reaches the mean of vqt's default quality.
        crossing: of the mean curves.
    """

    codec: str
    metric: str
    clips: int
    overlapping: int
    all_better: int
    all_worse: int
    bd_median: float | None
    bd_mean: float | None
    equal: EqualRate | None
    equal_counts: dict[str, int]
    vqt_kbps: float | None
    mean_bd: BdRate | None
    mean_equal: EqualRate | None
    crossing: Crossing


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything that is concluded from a comparison.

    Attributes:
        rate: how bytes are counted.
        limits_kbps: the range.
        verdicts: per clip.
        overall: per anchor and metric.
        curves: mean curves by metric, then codec.
    """

    rate: RateKind
    limits_kbps: Range
    verdicts: tuple[Verdict, ...]
    overall: tuple[Overall, ...]
    curves: dict[str, dict[str, MeanCurve]]

    def find(self, codec: str, metric: str) -> Overall | None:
        """The row of an anchor and a metric."""
        return next((o for o in self.overall if o.codec == codec and o.metric == metric), None)


def codecs_of(results: ComparisonResults) -> list[str]:
    """The codecs that have points, vqt last."""
    present = {p.codec for clip in results.clips for p in clip.points}
    return [c for c in CODECS if c in present]


def directed_metrics(results: ComparisonResults) -> list[str]:
    """Metrics of which more or less is better, in the order of the results."""
    return [name for name, about in results.metrics.items() if about.get("better") in DIRECTIONS]


def _mean_default(results: ComparisonResults, metric: str) -> float | None:
    points = [default_point(clip) for clip in results.clips]
    values = [p.mean.get(metric) for p in points if p is not None]
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known and len(known) >= needed(len(points)) else None


def _summed(
    results: ComparisonResults,
    verdicts: Sequence[Verdict],
    curves: dict[str, MeanCurve],
    cross: Crossing,
    limits_kbps: Range,
) -> Overall:
    codec, metric = verdicts[0].codec, verdicts[0].metric
    deltas = [v.bd.percent for v in verdicts if v.bd is not None]
    equals = [v.equal for v in verdicts if v.equal is not None]
    own_rates = [v.vqt_kbps for v in verdicts if v.vqt_kbps is not None]
    anchor, own = curves[codec].curve, curves[VQT].curve
    quality = _mean_default(results, metric)
    sides = [v.side for v in verdicts if v.bd is None]
    return Overall(
        codec,
        metric,
        sum(v.kind != "none" for v in verdicts),
        len(deltas),
        sides.count("better"),
        sides.count("worse"),
        float(np.median(deltas)) if deltas else None,
        float(np.mean(deltas)) if deltas else None,
        median_equal(equals),
        {k: sum(e.kind == k for e in equals) for k in ("at", "below", "above")},
        float(np.median(own_rates)) if own_rates else None,
        bd_rate(anchor, own, limits_kbps),
        anchor.rate_of(quality) if quality is not None and anchor.rates_kbps else None,
        cross,
    )


def analyse(
    results: ComparisonResults, *, rate: RateKind = "file", limits_kbps: Range = RATE_RANGE_KBPS
) -> Analysis:
    """Everything that can be told of a comparison; anchors without points and metrics without direction are left out.

    Args:
        results: of one or more clips; per-frame values aren't needed.
        rate: how bytes are counted.
        limits_kbps: the rates that BD-rates and crossings look at.
    """
    codecs, rates = codecs_of(results), lattice(results, rate, limits_kbps)
    verdicts: list[Verdict] = []
    overall: list[Overall] = []
    curves: dict[str, dict[str, MeanCurve]] = {}
    for metric in directed_metrics(results):
        better = results.metrics[metric]["better"]
        sign = DIRECTIONS[better]
        samples = {c: samples_of(results, c, metric, rate, rates) for c in codecs}
        curves[metric] = {c: mean_curve(c, metric, sign, rates, s) for c, s in samples.items()}
        for codec in codecs:
            if codec == VQT or VQT not in codecs:
                continue
            found = [
                verdict(clip, codec, metric, better, rate=rate, limits_kbps=limits_kbps)
                for clip in results.clips
            ]
            verdicts += found
            cross = crossing(rates, samples[codec], samples[VQT], sign, limits_kbps)
            overall.append(_summed(results, found, curves[metric], cross, limits_kbps))
    return Analysis(rate, limits_kbps, tuple(verdicts), tuple(overall), curves)
