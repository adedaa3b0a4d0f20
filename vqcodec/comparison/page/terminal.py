"""The short table of a comparison for a terminal, as plain values: cli/compare_table.py draws it."""

from __future__ import annotations

from dataclasses import dataclass

from vqcodec.comparison.analysis import words
from vqcodec.comparison.analysis.envelope import RateKind, rate_of
from vqcodec.comparison.analysis.overall import Analysis, analyse, codecs_of
from vqcodec.comparison.page.palette import COLOURS, SIGNS
from vqcodec.comparison.results import VQT, ComparisonResults


@dataclass(frozen=True, slots=True)
class TerminalRow:
    """One codec.

    Attributes:
        sign, colour: as everywhere; the colour as "#rrggbb".
        title: of the codec.
        matched: mean rate and bytes of its points of about vqt's size.
        cells: per metric, up to three texts: mean value of those points; BD-rate of vqt against it, or the rate at equal
            quality where curves don't overlap; from which rate on it is better.
    """

    sign: str
    colour: str
    title: str
    matched: str
    cells: list[list[str]]


@dataclass(frozen=True, slots=True)
class TerminalTable:
    """All of it: the verdict in a line, names of the metrics, rows (vqt first), and what the columns mean."""

    verdict: str
    heads: list[str]
    rows: list[TerminalRow]
    caption: str


def _matched(results: ComparisonResults, codec: str, rate: RateKind) -> str:
    points = [p for c in results.clips for p in c.points if p.codec == codec and p.matched]
    if not points:
        return words.NOTHING
    kbps, count = (
        sum(values) / len(points)
        for values in (
            [rate_of(p, rate) for p in points],
            [float(getattr(p.bytes, rate)) for p in points],
        )
    )
    return f"{words.kbps(kbps)} kbit/s\n{words.size(count)}"


def _cell(results: ComparisonResults, analysis: Analysis, codec: str, metric: str) -> list[str]:
    values = [
        p.mean.get(metric)
        for c in results.clips
        for p in c.points
        if p.codec == codec and p.matched
    ]
    known = [v for v in values if v is not None]
    lines = [words.number(sum(known) / len(known) if known else None)]
    found = analysis.find(codec, metric)
    if found is None:
        return lines
    lines.append(words.cell(found))
    return [*lines, words.crossing(found.crossing)]


def terminal_table(
    results: ComparisonResults, rate: RateKind = "file", analysis: Analysis | None = None
) -> TerminalTable:
    """The table of a comparison.

    Args:
        results: of the comparison.
        rate: how bytes are counted.
        analysis: of these results, where it was made before.
    """
    known, metrics = analysis or analyse(results, rate=rate), words.headline_metrics(results)
    codecs = sorted(codecs_of(results), key=lambda c: c != VQT)
    rows = [
        TerminalRow(
            SIGNS[c],
            COLOURS[c],
            words.title(c),
            _matched(results, c, known.rate),
            [_cell(results, known, c, m) for m in metrics],
        )
        for c in codecs
    ]
    caption = (
        f"{words.count_of_clips(results)}; {words.RATE_WORDS[known.rate]}. Value: at about vqcodec's size. Needs: what "
        "vqcodec needs more (+) or less (\N{MINUS SIGN}) than this codec at equal quality, by so many clips; with =, the "
        "kbit/s at which this codec has the quality, as the curves don't overlap. Ahead: from which kbit/s on it is better."
    )
    titles = [words.metric_title(results, m) for m in metrics]
    return TerminalTable(words.verdict_line(results, known), titles, rows, caption)
