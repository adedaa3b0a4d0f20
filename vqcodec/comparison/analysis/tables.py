"""Mean values of a comparison at some rates, and how all its figures were made."""

from __future__ import annotations

from collections.abc import Sequence

from vqcodec.comparison.analysis import words
from vqcodec.comparison.analysis.mean_curve import CLIP_SHARE
from vqcodec.comparison.analysis.overall import Analysis, codecs_of
from vqcodec.comparison.results import ComparisonResults

RATES_KBPS = (5.0, 10.0, 20.0, 40.0)


def value_rows(
    results: ComparisonResults,
    analysis: Analysis,
    metrics: Sequence[str],
    rates_kbps: Sequence[float] = RATES_KBPS,
) -> tuple[list[str], list[list[str]]]:
    """Heads and cells: mean values at some rates; vqt, which saturates, keeps its last."""
    rows = []
    for codec in codecs_of(results):
        row = [words.title(codec)]
        for metric in metrics:
            curve = analysis.curves.get(metric, {}).get(codec)
            row += [words.number(curve.at(r) if curve is not None else None) for r in rates_kbps]
        rows.append(row)
    heads = [
        f"{words.metric_title(results, m)} at {r:g} kbit/s" if r == rates_kbps[0] else f"at {r:g}"
        for m in metrics
        for r in rates_kbps
    ]
    return ["mean", *heads], rows


def caption(results: ComparisonResults, analysis: Analysis) -> str:
    """How the figures were made."""
    known, (low, high) = results.conditions, (f"{r:g}" for r in analysis.limits_kbps)
    return (
        f"{words.count_of_clips(results)}; rates: {words.RATE_WORDS[analysis.rate]}; BD-rates from {low} to {high} kbit/s, "
        "negative where vqcodec needs less, over the clips whose curves overlap (how many of how many); each codec's best "
        "variant at each rate. Equal quality: median of the rates at which the anchor reaches what vqcodec has at its "
        "default setting. Mean values: of the best for no more than that rate, where at least "
        f"{100 * CLIP_SHARE:.0f} % of the clips can be coded so low. {known.get('date_utc', '')}. "
        f"{words.agreement(results, analysis)}"
    ).rstrip()
