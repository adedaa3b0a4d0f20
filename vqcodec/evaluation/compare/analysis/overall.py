"""Verdicts over all clips: medians of the clips' BD-rates, the mean curve, and from which rate on an anchor is better.

The mean curve: at each rate, the mean over the clips of the best value for no more than that rate, where at least
CLIP_SHARE of all clips can be coded at so low a rate. Rates stand on a lattice, 32 to the octave.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vqcodec.evaluation.compare.analysis.envelope import (
    DIRECTIONS,
    RATE_RANGE_KBPS,
    BdRate,
    Curve,
    EqualRate,
    Range,
    RateKind,
    Verdict,
    bd_rate,
    default_point,
    envelope,
    front,
    median_equal,
    verdict,
)
from vqcodec.evaluation.compare.results import CODECS, VQT, Results

CLIP_SHARE = 0.9
_STEPS_PER_OCTAVE = 32
_LATTICE_FROM_KBPS = 5.0

Samples = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MeanCurve:
    """A codec's mean over clips.

    Attributes:
        codec, metric: which.
        sign: 1 where higher is better, -1 where lower is.
        clips: of the comparison.
        rates_kbps: where there is a mean.
        values: the means.
        counts: clips in each.
    """

    codec: str
    metric: str
    sign: int
    clips: int
    rates_kbps: tuple[float, ...]
    values: tuple[float, ...]
    counts: tuple[int, ...]

    @property
    def curve(self) -> Curve:
        """Its envelope."""
        return front(self.rates_kbps, self.values, self.sign)

    def at(self, rate_kbps: float) -> float | None:
        """The mean at a rate; None where there is none."""
        if not self.rates_kbps or not self.rates_kbps[0] <= rate_kbps <= self.rates_kbps[-1] * (
            1 + 1e-9
        ):
            return None
        return float(np.interp(math.log(rate_kbps), np.log(self.rates_kbps), self.values))


@dataclass(frozen=True, slots=True)
class Crossing:
    """From which rate on an anchor is better than vqt, at that rate and at all higher ones in the range.

    Compared are means over the clips that both can code at a rate. A codec that most clips can't be coded with at a rate
    loses there.

    Attributes:
        kind: "from" a rate; "everywhere" or "nowhere" in the range; "unknown" where neither has a point.
        kbps: the rate, for "from".
        anchor_share: of the range (in the logarithm), where the anchor is better, 0..1.
    """

    kind: Literal["from", "everywhere", "nowhere", "unknown"]
    kbps: float | None = None
    anchor_share: float = 0.0


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


def codecs_of(results: Results) -> list[str]:
    """The codecs that have points, vqt last."""
    present = {p.codec for clip in results.clips for p in clip.points}
    return [c for c in CODECS if c in present]


def directed_metrics(results: Results) -> list[str]:
    """Metrics of which more or less is better, in the order of the results."""
    return [name for name, about in results.metrics.items() if about.get("better") in DIRECTIONS]


def lattice(results: Results, rate: RateKind, limits_kbps: Range) -> tuple[float, ...]:
    """Rates of the mean curves: from the cheapest point of all to the dearest, the range included."""
    rates = [*limits_kbps, *(float(getattr(p.kbps, rate)) for c in results.clips for p in c.points)]
    low, high = (math.log2(f(r for r in rates if r > 0) / _LATTICE_FROM_KBPS) for f in (min, max))
    steps = range(math.floor(low * _STEPS_PER_OCTAVE), math.ceil(high * _STEPS_PER_OCTAVE) + 1)
    return tuple(_LATTICE_FROM_KBPS * 2 ** (k / _STEPS_PER_OCTAVE) for k in steps)


def _samples(
    results: Results, codec: str, metric: str, rate: RateKind, rates: Sequence[float]
) -> Samples:
    """(clips, rates): the best value for no more than each rate; NaN where the clip can't be coded so low."""
    better = results.metrics[metric]["better"]
    table = np.full((len(results.clips), len(rates)), np.nan)
    for row, clip in zip(table, results.clips, strict=True):
        curve = envelope(clip, codec, metric, better, rate)
        if curve is not None:
            row[:] = np.interp(np.log(rates), np.log(curve.rates_kbps), curve.values)
            row[np.asarray(rates) < curve.rates_kbps[0]] = np.nan
    return table


def _needed(clips: int) -> int:
    return max(1, math.ceil(CLIP_SHARE * clips - 1e-9))


def _mean_curve(
    codec: str, metric: str, sign: int, rates: Sequence[float], samples: Samples
) -> MeanCurve:
    counts = np.isfinite(samples).sum(axis=0)
    kept = [int(k) for k in np.flatnonzero(counts >= _needed(len(samples)))]
    return MeanCurve(
        codec,
        metric,
        sign,
        len(samples),
        tuple(float(rates[k]) for k in kept),
        tuple(float(np.nanmean(samples[:, k])) for k in kept),
        tuple(int(counts[k]) for k in kept),
    )


def crossing(
    rates: Sequence[float], anchor: Samples, own: Samples, sign: int, limits_kbps: Range
) -> Crossing:
    """Where an anchor gets ahead for good.

    Args:
        rates: increasing.
        anchor: (clips, rates) values, NaN where a clip can't be coded at a rate.
        own: likewise, of vqt.
        sign: 1 where higher values are better, -1 where lower ones are.
        limits_kbps: the range looked at.
    """
    needed = _needed(len(anchor))
    ahead: list[tuple[float, float]] = []
    for k, rate in enumerate(rates):
        if not limits_kbps[0] * (1 - 1e-9) <= rate <= limits_kbps[1] * (1 + 1e-9):
            continue
        there = [int(np.isfinite(s[:, k]).sum()) >= needed for s in (anchor, own)]
        gain = sign * (anchor[:, k] - own[:, k])
        if all(there):
            ahead.append((rate, float(np.nanmean(gain)) if np.isfinite(gain).any() else 0.0))
        elif any(there):
            ahead.append((rate, math.inf if there[0] else -math.inf))
    return _last_change(ahead)


def _last_change(ahead: Sequence[tuple[float, float]]) -> Crossing:
    if not ahead:
        return Crossing("unknown")
    share = sum(gain > 0 for _, gain in ahead) / len(ahead)
    behind = [k for k, (_, gain) in enumerate(ahead) if gain <= 0]
    if not behind:
        return Crossing("everywhere", None, share)
    if behind[-1] == len(ahead) - 1:
        return Crossing("nowhere", None, share)
    (before, lost), (after, won) = ahead[behind[-1]], ahead[behind[-1] + 1]
    if not (math.isfinite(lost) and math.isfinite(won)):
        return Crossing("from", after, share)
    part = -lost / (won - lost)
    return Crossing("from", before * (after / before) ** part, share)


def _mean_default(results: Results, metric: str) -> float | None:
    points = [default_point(clip) for clip in results.clips]
    values = [p.mean.get(metric) for p in points if p is not None]
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known and len(known) >= _needed(len(points)) else None


def _summed(
    results: Results,
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
    results: Results, *, rate: RateKind = "file", limits_kbps: Range = RATE_RANGE_KBPS
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
        samples = {c: _samples(results, c, metric, rate, rates) for c in codecs}
        curves[metric] = {c: _mean_curve(c, metric, sign, rates, s) for c, s in samples.items()}
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
