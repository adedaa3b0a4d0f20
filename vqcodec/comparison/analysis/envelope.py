"""The best of a codec's points at each rate, and what one such curve needs more or less than another.

A codec is coded at several sizes, frame rates and settings. Its curve is the upper envelope: the points that no cheaper
point of the same codec equals. Between two of them the value runs straight over the logarithm of the rate.

Two curves are compared by Bjontegaard's delta rate (ITU-T VCEG-M33, 2001): the mean of the difference of the rates'
logarithms over the qualities that both reach, by piecewise cubic interpolation, with the package `bjontegaard`. Where they
have no quality in common there is none, and the rate at which the anchor reaches one quality is told instead.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from vqcodec.comparison.results import VQT, CodedPoint, ComparedClip
from vqcodec.evaluation.tools.extras import require

RateKind: TypeAlias = Literal["payload", "file", "payload_with_sound", "file_with_sound"]
Range: TypeAlias = tuple[float, float]

RATE_RANGE_KBPS: Range = (5.0, 40.0)
# Of the qualities of the tested curve, so much must be reached by the other one, too: over a sliver the delta means nothing.
MIN_OVERLAP = 0.1
DIRECTIONS = {"higher": 1, "lower": -1}


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of one codec, each dearer and better than the one before.

    Attributes:
        sign: 1 where higher values are better, -1 where lower ones are.
        rates_kbps: strictly increasing, above 0.
        scores: `sign` times the metric, strictly increasing.
    """

    sign: int
    rates_kbps: tuple[float, ...]
    scores: tuple[float, ...]

    @property
    def values(self) -> tuple[float, ...]:
        """The metric at each point."""
        return tuple(self.sign * s for s in self.scores)

    def value_at(self, rate_kbps: float) -> float | None:
        """The best value for no more than a rate; None below the cheapest point, the last point's above the dearest."""
        if rate_kbps < self.rates_kbps[0]:
            return None
        return self.sign * float(
            np.interp(math.log(rate_kbps), np.log(self.rates_kbps), self.scores)
        )

    def rate_of(self, value: float) -> EqualRate:
        """The lowest rate at which a value is reached."""
        score = self.sign * value
        if score < self.scores[0]:
            return EqualRate("below", self.rates_kbps[0])
        if score > self.scores[-1]:
            return EqualRate("above", self.rates_kbps[-1])
        return EqualRate(
            "at", math.exp(float(np.interp(score, self.scores, np.log(self.rates_kbps))))
        )

    def within(self, limits_kbps: Range) -> Curve:
        """The part between two rates; where the curve crosses one, it ends there. May be empty."""
        low, high = limits_kbps
        kept = {r: s for r, s in zip(self.rates_kbps, self.scores, strict=True) if low <= r <= high}
        for edge in limits_kbps:
            if (
                self.rates_kbps
                and self.rates_kbps[0] < edge < self.rates_kbps[-1]
                and edge not in kept
            ):
                value = self.value_at(edge)
                assert value is not None
                kept[edge] = self.sign * value
        return front(kept.keys(), (self.sign * s for s in kept.values()), self.sign)


@dataclass(frozen=True, slots=True)
class EqualRate:
    """The rate at which a codec reaches a quality.

    Attributes:
        kind: "at" the rate given; "below" it, the codec's cheapest point being better already; "above" it, its dearest
            point being worse still.
        kbps: the rate.
    """

    kind: Literal["at", "below", "above"]
    kbps: float


@dataclass(frozen=True, slots=True)
class BdRate:
    """What the tested curve needs more (above 0) or less (below 0) than the anchor at equal quality.

    Attributes:
        percent: mean over the common qualities; -50 is half the rate.
        worst, best: the common qualities, as values of the metric.
        overlap: their share of the tested curve's qualities, 0..1.
    """

    percent: float
    worst: float
    best: float
    overlap: float


def front(rates_kbps: Iterable[float], values: Iterable[float], sign: int) -> Curve:
    """The points that are strictly better than all cheaper ones (of several of one rate, the best).

    Args:
        rates_kbps: in any order; those not above 0 or not finite are left out.
        values: of the metric, as many.
        sign: 1 where higher is better, -1 where lower is.
    """
    usable = [
        (r, sign * v)
        for r, v in zip(rates_kbps, values, strict=True)
        if r > 0 and math.isfinite(r) and math.isfinite(v)
    ]
    rates: list[float] = []
    scores: list[float] = []
    for rate, score in sorted(usable, key=lambda point: (point[0], -point[1])):
        if not scores or score > scores[-1]:
            rates.append(float(rate))
            scores.append(float(score))
    return Curve(sign, tuple(rates), tuple(scores))


def rate_of(point: CodedPoint, rate: RateKind) -> float:
    """A point's rate in kbit/s, counted in one of the four ways."""
    return float(getattr(point.kbps, rate))


def usable_points(clip: ComparedClip, codec: str, metric: str) -> list[CodedPoint]:
    """The codec's points of which the metric is known."""
    return [p for p in clip.points if p.codec == codec and p.mean.get(metric) is not None]


def envelope(
    clip: ComparedClip, codec: str, metric: str, better: str, rate: RateKind = "file"
) -> Curve | None:
    """A codec's curve on a clip over all its variants.

    Args:
        clip: with its points.
        codec: one of results.CODECS.
        metric: name of a metric.
        better: "higher" or "lower"; anything else has no envelope.
        rate: how bytes are counted.

    Returns:
        The curve, or None without a direction or without points.
    """
    points = usable_points(clip, codec, metric)
    if better not in DIRECTIONS or not points:
        return None
    curve = front(
        (rate_of(p, rate) for p in points),
        (float(p.mean[metric] or 0.0) for p in points),
        DIRECTIONS[better],
    )
    return curve if curve.rates_kbps else None


def bd_rate(anchor: Curve, tested: Curve, limits_kbps: Range = RATE_RANGE_KBPS) -> BdRate | None:
    """Bjontegaard's delta rate of `tested` against `anchor`.

    Args:
        anchor: what the result is relative to.
        tested: the curve in question.
        limits_kbps: only what the curves have between these rates counts.

    Returns:
        The delta, or None where a curve has fewer than two points in the range, or less than MIN_OVERLAP of the tested
        curve's qualities are common.
    """
    first, second = anchor.within(limits_kbps), tested.within(limits_kbps)
    if len(first.rates_kbps) < 2 or len(second.rates_kbps) < 2:
        return None
    low, high = max(first.scores[0], second.scores[0]), min(first.scores[-1], second.scores[-1])
    overlap = (high - low) / (second.scores[-1] - second.scores[0])
    if overlap < MIN_OVERLAP:
        return None
    percent = float(
        require("bjontegaard", "BD-rates").bd_rate(
            first.rates_kbps,
            first.scores,
            second.rates_kbps,
            second.scores,
            method="pchip",
            require_matching_points=False,
            min_overlap=0,
        )
    )
    if not math.isfinite(percent):
        return None
    return BdRate(percent, anchor.sign * low, anchor.sign * high, min(1.0, overlap))


def side_of(
    anchor: Curve, tested: Curve, limits_kbps: Range = RATE_RANGE_KBPS
) -> Literal["better", "worse"] | None:
    """Whether all that `tested` reaches in the range is better, or worse, than all that `anchor` reaches; else None."""
    first, second = anchor.within(limits_kbps), tested.within(limits_kbps)
    if not first.scores or not second.scores:
        return None
    return (
        "better"
        if second.scores[0] > first.scores[-1]
        else "worse"
        if second.scores[-1] < first.scores[0]
        else None
    )


def default_point(clip: ComparedClip) -> CodedPoint | None:
    """The .vqt of default settings, which the others' `matched` points are near in size."""
    own = [p for p in clip.points if p.codec == VQT]
    return next(
        (p for p in own if p.matched), next((p for p in own if p.variant == "default"), None)
    )
