"""What is known of vqt against one anchor on one clip, by one metric."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from vqcodec.comparison.analysis.envelope import (
    RATE_RANGE_KBPS,
    BdRate,
    EqualRate,
    Range,
    RateKind,
    bd_rate,
    default_point,
    envelope,
    rate_of,
    side_of,
)
from vqcodec.comparison.results import VQT, ComparedClip


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of vqt against one anchor, on one clip, by one metric.

    Attributes:
        clip, codec, metric: which; the codec is the anchor.
        kind: "bd-rate" where the curves overlap, else "equal-quality" where only `equal` is known, else "none".
        bd: negative where vqt needs less; None without overlap.
        equal: the rate at which the anchor reaches what vqt has at its default setting, whole curve, not only the range.
        vqt_kbps: rate of that setting.
        side: where there is no overlap, whether all of vqt's curve is "better" or "worse" than the anchor's; else None.
    """

    clip: str
    codec: str
    metric: str
    kind: Literal["bd-rate", "equal-quality", "none"]
    bd: BdRate | None
    equal: EqualRate | None
    vqt_kbps: float | None
    side: Literal["better", "worse"] | None = None


def verdict(
    clip: ComparedClip,
    codec: str,
    metric: str,
    better: str,
    *,
    rate: RateKind = "file",
    limits_kbps: Range = RATE_RANGE_KBPS,
) -> Verdict:
    """How vqt does against an anchor on one clip; `kind` says what could be told."""
    anchor, own = (
        envelope(clip, codec, metric, better, rate),
        envelope(clip, VQT, metric, better, rate),
    )
    delta, side = None, None
    if anchor is not None and own is not None:
        delta, side = bd_rate(anchor, own, limits_kbps), side_of(anchor, own, limits_kbps)
    point = default_point(clip)
    value = None if point is None else point.mean.get(metric)
    equal = anchor.rate_of(value) if anchor is not None and value is not None else None
    kind: Literal["bd-rate", "equal-quality", "none"] = (
        "bd-rate" if delta is not None else "equal-quality" if equal is not None else "none"
    )
    return Verdict(
        clip.name,
        codec,
        metric,
        kind,
        delta,
        equal,
        None if point is None else rate_of(point, rate),
        side,
    )


def median_equal(found: Sequence[EqualRate]) -> EqualRate | None:
    """The median of rates of which some are only known to be below or above something.

    Of an even number, the middle two: their geometric mean where both are known, else the upper one.
    """
    if not found:
        return None
    order = {"below": 0, "at": 1, "above": 2}
    ranked = sorted(found, key=lambda e: (order[e.kind], e.kbps))
    lower, upper = ranked[(len(ranked) - 1) // 2], ranked[len(ranked) // 2]
    if lower.kind == upper.kind:
        return EqualRate(lower.kind, math.sqrt(lower.kbps * upper.kbps))
    return upper
