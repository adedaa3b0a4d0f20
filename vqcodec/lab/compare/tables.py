"""Tables of a comparison for a Markdown page, made from results.json or its summary.

    python -m vqcodec.lab compare-tables summary.json [--metrics perc,ssim,vmaf,lmd] [--rate file] [--range 5,40] [--short]

Three tables: BD-rates of vqt against each anchor with the rates at equal quality; from which rate on an anchor is better;
the mean of each metric at 5, 10, 20 and 40 kbit/s.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from vqcodec.comparison.analysis import words
from vqcodec.comparison.analysis.envelope import RATE_RANGE_KBPS, Range, RateKind
from vqcodec.comparison.analysis.overall import Analysis, Overall, analyse, codecs_of
from vqcodec.comparison.analysis.tables import caption, value_rows
from vqcodec.comparison.results import VQT, ComparisonResults
from vqcodec.errors import UsageError
from vqcodec.lab.command import perform, publish
from vqcodec.lab.compare.against import beside
from vqcodec.lab.compare.summary import load

SHOWN = ("perc", "st_lpips", "ssim", "vmaf", "lmd")
"""Metrics of the laboratory's page: no claim stands unless the first two agree."""

NOT_MEASURED = "not measured"


def _plain(text: str) -> str:
    """Nothing that would end a cell or begin a tag."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def _lines(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(map(_plain, heads)) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    return lines + ["| " + " | ".join(map(_plain, row)) + " |" for row in rows]


def _anchors(results: ComparisonResults) -> list[str]:
    return [c for c in codecs_of(results) if c != VQT]


def bd_rows(
    results: ComparisonResults, analysis: Analysis, metrics: Sequence[str]
) -> tuple[list[str], list[list[str]]]:
    """Heads and cells: a row per anchor; per metric the BD-rate (median, mean, mean curve) and the rate at equal quality."""
    heads = ["BD-rate of vqcodec against"]
    for metric in metrics:
        name = words.metric_title(results, metric)
        heads += [f"{name}: median (clips)", "mean", "mean curve", "equal quality at, kbit/s"]
    rows = []
    for codec in _anchors(results):
        row = [words.title(codec)]
        for metric in metrics:
            found = analysis.find(codec, metric)
            if found is None or not found.clips:
                row += [words.NOTHING] * 4
                continue
            many = f" ({found.overlapping}/{found.clips}{'; ' if words.apart(found) else ''}{words.apart(found)})"
            row += [
                words.percent(found.bd_median) + many,
                words.percent(found.bd_mean),
                words.percent(found.mean_bd.percent if found.mean_bd else None),
                words.equal(found.equal),
            ]
        rows.append(row)
    return heads, rows


def crossing_rows(
    results: ComparisonResults, analysis: Analysis, metrics: Sequence[str]
) -> tuple[list[str], list[list[str]]]:
    """Heads and cells: from which rate on an anchor is better, for good."""
    rows = []
    for codec in _anchors(results):
        found = [analysis.find(codec, metric) for metric in metrics]
        rows.append(
            [
                words.title(codec),
                *(words.crossing(o.crossing) if o and o.clips else words.NOTHING for o in found),
            ]
        )
    return ["better than vqcodec, kbit/s", *(words.metric_title(results, m) for m in metrics)], rows


def tables(
    results: ComparisonResults,
    *,
    metrics: Sequence[str] | None = None,
    rate: RateKind = "file",
    limits_kbps: Range = RATE_RANGE_KBPS,
) -> list[str]:
    """Markdown lines of all tables and their caption.

    Raises:
        UsageError: a metric that the results don't have, or that has no direction.
    """
    chosen = list(metrics) if metrics is not None else words.headline_metrics(results)
    for metric in chosen:
        if results.metrics.get(metric, {}).get("better") not in words.ARROWS:
            raise UsageError(
                f"no metric with a direction is called {metric!r}",
                hint=f"There are: {', '.join(results.metrics)}.",
            )
    analysis = analyse(results, rate=rate, limits_kbps=limits_kbps)
    lines: list[str] = []
    for metric in chosen:
        lines += [*_lines(*bd_rows(results, analysis, [metric])), ""]
    lines += [*_lines(*crossing_rows(results, analysis, chosen)), ""]
    for metric in chosen:
        lines += [*_lines(*value_rows(results, analysis, [metric])), ""]
    return [*lines, caption(results, analysis)]


def short(
    results: ComparisonResults,
    *,
    metrics: Sequence[str] | None = None,
    rate: RateKind = "file",
    limits_kbps: Range = RATE_RANGE_KBPS,
) -> list[str]:
    """Markdown lines of one table for a front page: per anchor and metric the median BD-rate and where the anchor leads."""
    analysis = analyse(results, rate=rate, limits_kbps=limits_kbps)
    metrics = words.headline_metrics(results) if metrics is None else list(metrics)
    rows = []
    for codec in _anchors(results):
        found = [analysis.find(codec, metric) for metric in metrics]
        rows.append(
            [
                words.title(codec),
                *(_cell(o) if o and o.clips else NOT_MEASURED for o in found),
            ]
        )
    known = results.conditions
    note = (
        f"{words.count_of_clips(results)}; {words.RATE_WORDS[rate]}. First: median BD-rate between {limits_kbps[0]:g} and "
        f"{limits_kbps[1]:g} kbit/s, negative where vqcodec needs less, over the clips whose qualities overlap (how many of "
        "how many), and what is known of the others. Last: from which rate on, in kbit/s, the ordinary codec is better on "
        f"average. {known.get('date_utc', '')}."
    )
    return [
        *_lines(["vqcodec against", *(words.metric_title(results, m) for m in metrics)], rows),
        "",
        note,
    ]


def _cell(outcome: Overall) -> str:
    parts = words.cell(outcome), words.apart(outcome), words.crossing(outcome.crossing)
    return "; ".join(part for part in parts if part)


def page_part(path: Path) -> list[str]:
    """A page's part: all tables of this codec's last comparison and the ordinary codecs beside it."""
    return tables(beside(path.parent), metrics=SHOWN)


def short_part(path: Path) -> list[str]:
    """A page's part: the one table of the same."""
    return short(beside(path.parent), metrics=SHOWN)


def _range(text: str) -> Range:
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(
            f"{text!r} is no range of rates", hint="Give two numbers, such as 5,40."
        ) from error
    if not 0 < low < high:
        raise UsageError(
            f"{text!r} is no range of rates", hint="The first must be above 0 and below the second."
        )
    return low, high


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("results", type=Path, help="results.json or its summary")
    parser.add_argument(
        "--short", action="store_true", help="one table for a front page instead of all"
    )
    parser.add_argument("--metrics", help="names, separated by commas (perc,ssim,vmaf,lmd)")
    parser.add_argument(
        "--rate", choices=get_args(RateKind), default="file", help="how bytes are counted (file)"
    )
    parser.add_argument("--range", default="5,40", help="kbit/s of BD-rates (5,40)")


def _job(options: Namespace) -> int:
    metrics = options.metrics.split(",") if options.metrics else None
    results, limits = load(options.results), _range(options.range)
    made = (
        short(results, rate=options.rate, limits_kbps=limits)
        if options.short
        else tables(results, metrics=metrics, rate=options.rate, limits_kbps=limits)
    )
    return publish("\n".join(made))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("compare-tables", _options, _job, arguments)
