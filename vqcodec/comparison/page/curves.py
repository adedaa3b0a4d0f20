"""Rate-distortion curves: one picture per metric, as SVG and PNG.

Every point of every clip is a faint mark; the line is the envelope (one clip) or the mean curve (several). Metrics without
a direction have marks only. Colours and markers are those of palette.py. The SVG is the same for the same results.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from vqcodec.comparison.analysis import words
from vqcodec.comparison.analysis.envelope import Range, RateKind, default_point, rate_of
from vqcodec.comparison.analysis.overall import Analysis, analyse, codecs_of
from vqcodec.comparison.page.axes import axis_range
from vqcodec.comparison.page.palette import COLOURS, MARKERS
from vqcodec.comparison.results import VQT, ComparisonResults
from vqcodec.evaluation.tools.extras import require

TICKS_KBPS = (2, 3, 5, 7, 10, 15, 20, 30, 40, 60, 80, 100, 150, 200)
_SIZE_INCHES = (8.2, 4.3)
_INK, _PAPER, _GRID = "#1b1b1f", "#fefefe", "#cdced4"
_BETTER = {"higher": "higher is better ↑", "lower": "lower is better ↓", "one": "1 is right"}
_MARGIN = 1.12  # of the range, on both sides


def _axis_limits(analysis: Analysis) -> Range:
    low, high = analysis.limits_kbps
    return low / _MARGIN, high * _MARGIN


def _value_limits(
    results: ComparisonResults, analysis: Analysis, metric: str, limits: Range
) -> Range | None:
    """Limits of the value axis: the lines and most points inside the rates; the worst points may fall outside."""
    lines = [
        v
        for curve in analysis.curves.get(metric, {}).values()
        for r, v in zip(curve.rates_kbps, curve.values, strict=True)
        if limits[0] <= r <= limits[1]
    ]
    points = [
        v
        for c in results.clips
        for p in c.points
        if limits[0] <= rate_of(p, analysis.rate) <= limits[1]
        and (v := p.mean.get(metric)) is not None
    ]
    if not points:
        return None
    spread = [float(np.percentile(points, q)) for q in ((15, 85) if lines else (1, 99))]
    right = 1.0 if results.metrics[metric].get("better") == "one" else None
    return axis_range([*lines, *spread], right)


def _draw_points(
    axis: Any, results: ComparisonResults, metric: str, codec: str, rate: RateKind
) -> None:
    points = [
        p
        for c in results.clips
        for p in c.points
        if p.codec == codec and p.mean.get(metric) is not None
    ]
    many = len(results.clips) > 4
    axis.plot(
        [rate_of(p, rate) for p in points],
        [p.mean[metric] for p in points],
        linestyle="none",
        marker=MARKERS[codec],
        color=COLOURS[codec],
        markersize=2.4 if many else 3.4,
        alpha=0.16 if many else 0.38,
        markeredgewidth=0,
        zorder=2,
    )


def _draw_line(
    axis: Any, results: ComparisonResults, analysis: Analysis, metric: str, codec: str
) -> None:
    curve = analysis.curves.get(metric, {}).get(codec)
    own = codec == VQT
    style = {
        "color": COLOURS[codec],
        "marker": MARKERS[codec],
        "label": words.title(codec),
        "zorder": 5 if own else 4,
        "linewidth": 2.6 if own else 1.7,
        "markersize": 7.5 if own else 6,
        "markeredgecolor": _PAPER,
        "markeredgewidth": 0.7,
    }
    if curve is None or not curve.rates_kbps:
        axis.plot([], [], **(style if metric in analysis.curves else style | {"linestyle": "none"}))
        return
    # dotted where all clips have come to their dearest point: nothing gets better for more
    rates, values = curve.rates_kbps, curve.values
    end = max((k for k in range(1, len(values)) if values[k] != values[k - 1]), default=0)
    axis.plot(
        rates[: end + 1],
        values[: end + 1],
        markevery=_marks(rates[: end + 1], _axis_limits(analysis)),
        **style,
    )
    axis.plot(
        rates[end:],
        values[end:],
        color=COLOURS[codec],
        linestyle=(0, (1, 2)),
        linewidth=style["linewidth"],
        zorder=3,
    )


def _marks(rates: Sequence[float], limits: Range) -> list[int]:
    """Where a line has its marker: every half octave, and at its ends."""
    wanted = [5 * 2 ** (k / 2) for k in range(-6, 14)]
    inside = [w for w in wanted if max(limits[0], rates[0]) <= w <= min(limits[1], rates[-1])]
    return sorted(
        {0, len(rates) - 1, *(int(np.argmin(np.abs(np.asarray(rates) - w))) for w in inside)}
    )


def _draw_default(axis: Any, results: ComparisonResults, metric: str, rate: RateKind) -> None:
    """A ring at vqt's default setting, the mean over clips."""
    found = [
        p
        for c in results.clips
        if (p := default_point(c)) is not None and p.mean.get(metric) is not None
    ]
    if found:
        axis.plot(
            [float(np.mean([rate_of(p, rate) for p in found]))],
            [float(np.mean([p.mean[metric] for p in found if p.mean[metric] is not None]))],
            linestyle="none",
            marker="o",
            markersize=12,
            markerfacecolor="none",
            markeredgecolor=COLOURS[VQT],
            markeredgewidth=1.4,
            zorder=6,
            label="its default setting",
        )


def _finish(axis: Any, results: ComparisonResults, analysis: Analysis, metric: str) -> None:
    about, limits = results.metrics[metric], _axis_limits(analysis)
    axis.set_xscale("log")
    axis.set_xlim(*limits)
    ticks = [t for t in TICKS_KBPS if limits[0] <= t <= limits[1]]
    axis.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axis.set_xticks([], minor=True)
    values = _value_limits(results, analysis, metric, limits)
    if values is not None:
        axis.set_ylim(*values)
    unit = f", {about['unit']}" if about.get("unit") else ""
    axis.set_xlabel(f"kbit/s, {words.RATE_WORDS[analysis.rate]}")
    axis.set_ylabel(
        f"{about.get('title') or metric}{unit}: {_BETTER.get(about.get('better', ''), '')}".rstrip(
            ": "
        )
    )
    if about.get("better") == "one":
        axis.axhline(1.0, color=_INK, linewidth=0.8, alpha=0.6)
    axis.grid(color=_GRID, linewidth=0.6)
    axis.set_axisbelow(True)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


def _subtitle(results: ComparisonResults, directed: bool) -> str:
    clips = len(results.clips)
    if not directed:
        return f"all points of {clips} clip{'s' if clips != 1 else ''}"
    mean = f"mean of {clips} clips, " if clips != 1 else ""
    return f"{mean}best for no more than each rate; dotted: no dearer points; faint: all points"


def _entitle(axis: Any, results: ComparisonResults, analysis: Analysis, metric: str) -> None:
    title = words.metric_title(results, metric, arrow=False)
    axis.set_title(title, loc="left", fontsize=12, fontweight="bold", pad=20)
    below = _subtitle(results, metric in analysis.curves)
    axis.text(0, 1.02, below, transform=axis.transAxes, fontsize=8, alpha=0.75, va="bottom")


def figure(results: ComparisonResults, analysis: Analysis, metric: str) -> Any:
    """Draw one metric; a matplotlib figure, not known to pyplot.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    require("matplotlib", "drawing curves")
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    ink = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    paper = ("axes.facecolor", "figure.facecolor")
    settings: Any = {
        **dict.fromkeys(ink, _INK),
        **dict.fromkeys(paper, _PAPER),
        "font.size": 10,
        "font.family": "DejaVu Sans",
    }
    with matplotlib.rc_context(settings):
        drawn = Figure(figsize=_SIZE_INCHES, layout="constrained")
        FigureCanvasAgg(drawn)
        axis = drawn.add_subplot()
        for codec in sorted(
            codecs_of(results), key=lambda c: c != VQT
        ):  # vqt is first in the legend
            _draw_points(axis, results, metric, codec, analysis.rate)
            _draw_line(axis, results, analysis, metric, codec)
            if codec == VQT:
                _draw_default(axis, results, metric, analysis.rate)
        _finish(axis, results, analysis, metric)
        _entitle(axis, results, analysis, metric)
        drawn.legend(
            loc="outside right upper", frameon=False, fontsize=9, handlelength=2.2, labelspacing=0.7
        )
    return drawn


def svg(drawn: Any) -> str:
    """The figure as SVG, the same each time; text stays text."""
    import matplotlib

    sink = BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "vqcodec", "svg.fonttype": "none"}):
        drawn.savefig(sink, format="svg", metadata={"Date": None, "Creator": "vqcodec"})
    return sink.getvalue().decode("utf-8")


def inline(text: str, name: str) -> str:
    """An SVG for the inside of an HTML page: without XML head and addresses, in the page's colours.

    Args:
        text: from `svg`.
        name: what a screen reader says; escaped here.
    """
    from html import escape

    body = text[text.index("<svg") :]
    body = re.sub(r"<(metadata|style)\b.*?</\1>", "", body, flags=re.DOTALL)
    head, inner = body[: body.index(">") + 1], body[body.index(">") + 1 :]
    box = re.search(r'viewBox="([^"]*)"', head)
    inner = re.sub(r'<(g|path|text) id="[^"]*_\d+"', r"<\1", inner)
    inner = re.sub(r"^\s*(?:<!--.*?-->)\s*$", "", inner, flags=re.MULTILINE)
    inner = (
        inner.replace("xlink:href=", "href=")
        .replace(_INK, "var(--ink)")
        .replace(_PAPER, "var(--panel)")
    )
    inner = inner.replace(_GRID, "var(--line)").replace("'DejaVu Sans'", "inherit")
    return f'<svg role="img" aria-label="{escape(name)}" viewBox="{box.group(1) if box else "0 0 533 317"}">{inner}'


def draw_all(
    results: ComparisonResults,
    folder: Path,
    *,
    analysis: Analysis | None = None,
    metrics: Sequence[str] | None = None,
) -> dict[str, str]:
    """Write <metric>.svg and <metric>.png of each metric that any point has.

    Args:
        results: of a comparison.
        folder: made if need be.
        analysis: of these results, where it was made before.
        metrics: all by default.

    Returns:
        The SVGs by metric.
    """
    known = analysis or analyse(results)
    folder.mkdir(parents=True, exist_ok=True)
    made: dict[str, str] = {}
    for metric in metrics or results.metrics:
        if not any(p.mean.get(metric) is not None for c in results.clips for p in c.points):
            continue
        drawn = figure(results, known, metric)
        made[metric] = svg(drawn)
        (folder / f"{metric}.svg").write_text(made[metric], encoding="utf-8")
        drawn.savefig(folder / f"{metric}.png", dpi=160)
    return made
