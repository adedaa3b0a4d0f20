"""The mean over clips of what a codec reaches at each rate, and from which rate on an anchor is better than vqt.

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

from vqcodec.comparison.analysis.envelope import (
    Curve,
    Range,
    RateKind,
    envelope,
    front,
)
from vqcodec.comparison.results import ComparisonResults

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


def lattice(results: ComparisonResults, rate: RateKind, limits_kbps: Range) -> tuple[float, ...]:
    """Rates of the mean curves: from the cheapest point of all to the dearest, the range included."""
    rates = [*limits_kbps, *(float(getattr(p.kbps, rate)) for c in results.clips for p in c.points)]
    low, high = (math.log2(f(r for r in rates if r > 0) / _LATTICE_FROM_KBPS) for f in (min, max))
    steps = range(math.floor(low * _STEPS_PER_OCTAVE), math.ceil(high * _STEPS_PER_OCTAVE) + 1)
    return tuple(_LATTICE_FROM_KBPS * 2 ** (k / _STEPS_PER_OCTAVE) for k in steps)


def samples_of(
    results: ComparisonResults, codec: str, metric: str, rate: RateKind, rates: Sequence[float]
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


def needed(clips: int) -> int:
    """How many clips a mean is of, at least."""
    return max(1, math.ceil(CLIP_SHARE * clips - 1e-9))


def mean_curve(
    codec: str, metric: str, sign: int, rates: Sequence[float], samples: Samples
) -> MeanCurve:
    """The mean over clips, where there are enough of them.

    Args:
        codec: whose curve it is.
        metric: of which figure.
        sign: 1 where higher is better, -1 where lower is.
        rates: increasing, kbit/s.
        samples: (clips, rates) values, NaN where a clip can't be coded at a rate.
    """
    counts = np.isfinite(samples).sum(axis=0)
    kept = [int(k) for k in np.flatnonzero(counts >= needed(len(samples)))]
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
    least = needed(len(anchor))
    ahead: list[tuple[float, float]] = []
    for k, rate in enumerate(rates):
        if not limits_kbps[0] * (1 - 1e-9) <= rate <= limits_kbps[1] * (1 + 1e-9):
            continue
        there = [int(np.isfinite(s[:, k]).sum()) >= least for s in (anchor, own)]
        gain = sign * (anchor[:, k] - own[:, k])
        if all(there):
            ahead.append((rate, float(np.nanmean(gain)) if np.isfinite(gain).any() else 0.0))
        elif any(there):
            ahead.append((rate, math.inf if there[0] else -math.inf))
    return last_change(ahead)


def last_change(ahead: Sequence[tuple[float, float]]) -> Crossing:
    """Where the gain of an anchor becomes positive for good.

    Args:
        ahead: rate in kbit/s and gain, by rate; infinite where only one of the two can be coded.
    """
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
