"""What two comparisons of this codec reach of its bars, one made before a change and one after it, on the same clips.

rates          mean curves at some rates (vqcodec.comparison.analysis.mean_curve)
equal rate     each clip's envelope after, at the rates of its points before
anchors        BD-rates, and from which rate on an ordinary codec is better: of the best of its variants
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vqcodec.comparison.analysis import words
from vqcodec.comparison.analysis.envelope import envelope, rate_of, usable_points
from vqcodec.comparison.analysis.mean_curve import Crossing
from vqcodec.comparison.analysis.overall import Analysis, analyse, codecs_of
from vqcodec.comparison.results import VQT, ComparedClip, ComparisonResults
from vqcodec.lab.compare.summary import load
from vqcodec.lab.markdown import number

NOW = "compare-restored.json"
"""This codec's last comparison, among the results."""
ANCHORS = ("compare-av1.json", "compare.json")
"""Comparisons with ordinary codecs beside it; of a codec that several have, the first one's points count."""
SLACK = 1e-3
"""A clip counts as worse when its figure is, by more than this part of it."""
AT = (
    ("perc", 10.0, 0.38),
    ("perc", 20.0, 0.28),
    ("perc", 40.0, 0.22),
    ("st_lpips", 10.0, None),
    ("st_lpips", 20.0, None),
    ("st_lpips", 40.0, None),
    ("psnr_db", 20.0, 27.0),
)
"""Metric, kbit/s, bar. ST-LPIPS has its bar on files of a minute (python -m vqcodec.lab compare-long)."""
BD_PERCENT = {"av1": -40.0, "h264": -65.0, "h265": -60.0}
CROSSING_KBPS = 20.0


@dataclass(frozen=True, slots=True)
class Reached:
    """One figure.

    Attributes:
        name: for a person.
        bar: likewise; "" where there is none.
        before, after: as text; None where that comparison wasn't given.
        met: whether the last one given reaches the bar; None where there is no bar, or nothing is known.
    """

    name: str
    bar: str
    before: str
    after: str | None
    met: bool | None


def joined(own: ComparisonResults, others: Sequence[ComparisonResults]) -> ComparisonResults:
    """Vqcodec's points of one comparison with the anchors of others, on the clips that all have.

    Of a codec that several of them have, the first one's points count. Metrics are those of `own`.
    """
    known = [{c.name: c for c in other.clips} for other in others]
    clips = []
    for clip in own.clips:
        if not all(clip.name in names for names in known):
            continue
        points = [p for p in clip.points if p.codec == VQT]
        taken = {VQT}
        for names in known:
            new = {p.codec for p in names[clip.name].points} - taken
            points += [p for p in names[clip.name].points if p.codec in new]
            taken |= new
        clips.append(replace(clip, points=tuple(points)))
    return replace(own, clips=tuple(clips))


def beside(folder: Path) -> ComparisonResults:
    """This codec's last comparison with the ordinary codecs beside it, of a folder of results.

    Raises:
        UsageError, OSError: a file is missing or no comparison.
    """
    own, *others = (load(folder / name) for name in (NOW, *ANCHORS))
    return joined(own, others)


def worse_at_equal_rate(
    before: ComparisonResults, after: ComparisonResults, metric: str
) -> list[str] | None:
    """Clips that have, at the rate of one of their points before, a worse value after; None: not measured in both.

    Rates that can't be reached any more are another matter: `not_so_small`.
    """
    if metric not in before.metrics or metric not in after.metrics:
        return None
    better = before.metrics[metric]["better"]
    later = {c.name: c for c in after.clips}
    return [
        c.name for c in before.clips if c.name in later and _worse(c, later[c.name], metric, better)
    ]


def _worse(before: ComparedClip, after: ComparedClip, metric: str, better: str) -> bool:
    curve = envelope(after, VQT, metric, better)
    sign = 1 if better == "higher" else -1
    for point in usable_points(before, VQT, metric):
        old = float(point.mean[metric] or 0.0)
        new = None if curve is None else curve.value_at(rate_of(point, "file") * (1 + SLACK))
        if new is not None and sign * (new - old) < -SLACK * abs(old):
            return True
    return False


def not_so_small(before: ComparisonResults, after: ComparisonResults) -> list[str]:
    """Clips whose smallest point is larger than their smallest one before."""

    def smallest(clip: ComparedClip) -> float:
        return min((p.kbps.file for p in clip.points if p.codec == VQT), default=0.0)

    later = {c.name: c for c in after.clips}
    return [
        c.name
        for c in before.clips
        if c.name in later and smallest(later[c.name]) > smallest(c) * (1 + SLACK)
    ]


def worse_by_default(
    before: ComparisonResults, after: ComparisonResults, metrics: Sequence[str]
) -> dict[str, list[str]]:
    """Clips whose default file is larger ("size"), or worse by a metric, by more than SLACK."""
    later = {c.name: c for c in after.clips}
    found: dict[str, list[str]] = {what: [] for what in ("size", *metrics)}
    for clip in before.clips:
        pair = [
            next((p for p in c.points if p.codec == VQT and p.variant == "default"), None)
            for c in (clip, later.get(clip.name, replace(clip, points=())))
        ]
        if pair[0] is None or pair[1] is None:
            continue
        old, new = pair[0], pair[1]
        if new.bytes.file > old.bytes.file * (1 + SLACK):
            found["size"].append(clip.name)
        for metric in metrics:
            a, b = old.mean.get(metric), new.mean.get(metric)
            sign = 1 if before.metrics.get(metric, {}).get("better") == "higher" else -1
            if a is not None and b is not None and sign * (b - a) < -SLACK * abs(a):
                found[metric].append(clip.name)
    return found


def reached(
    before: ComparisonResults,
    after: ComparisonResults | None,
    anchors: Sequence[ComparisonResults],
    metrics: Sequence[str],
) -> list[Reached]:
    """All bars, and what is reached of them.

    Args:
        before: vqcodec's points before a change.
        after: those after it; None tells of `before` alone.
        anchors: comparisons with ordinary codecs on the same clips.
        metrics: those that the default setting is held against.
    """
    both = [before] if after is None else [before, after]
    rows = [
        *_at_rates(before, [analyse(joined(r, [])) for r in both]),
        *_against([analyse(joined(r, anchors)) for r in both]),
    ]
    if after is not None:
        rows += _clips(before, after, metrics)
    return rows


def _pair(texts: Sequence[str]) -> tuple[str, str | None]:
    return texts[0], texts[1] if len(texts) > 1 else None


def _at_rates(before: ComparisonResults, analyses: Sequence[Analysis]) -> list[Reached]:
    rows = []
    for metric, kbps, bar in AT:
        if metric not in before.metrics:
            continue
        more = before.metrics[metric]["better"] == "higher"
        values = []
        for analysis in analyses:
            curve = analysis.curves.get(metric, {}).get(VQT)
            values.append(None if curve is None else curve.at(kbps))
        last, form = values[-1], ".2f" if more else ".3f"
        met = None
        if bar is not None and last is not None:
            met = last >= bar if more else last <= bar
        text = "" if bar is None else f"{'at least' if more else 'at most'} {bar:g}"
        name = words.metric_title(before, metric, arrow=False)
        texts = [number(value, form) for value in values]
        rows.append(Reached(f"{name} at {kbps:g} kbit/s", text, *_pair(texts), met))
    return rows


def _against(analyses: Sequence[Analysis]) -> list[Reached]:
    rows = []
    codecs = list(dict.fromkeys(o.codec for o in analyses[-1].overall))
    for codec in codecs:
        for metric in words.PERCEPTUAL_METRICS:
            found = [a.find(codec, metric) for a in analyses]
            if found[-1] is None or not found[-1].clips:
                continue
            bar, last = BD_PERCENT.get(codec), found[-1].bd_median
            name = {"perc": "perceptual distance", "st_lpips": "ST-LPIPS"}[metric]
            rows.append(
                Reached(
                    f"BD-rate against {words.title(codec)} by {name}, median",
                    "" if bar is None else f"at most {words.percent(bar)}",
                    *_pair([words.cell(o) for o in found]),
                    None if bar is None or last is None else last <= bar,
                )
            )
            rows.append(
                Reached(
                    f"{words.title(codec)} is better by {name}",
                    f"from {CROSSING_KBPS:g} kbit/s or higher" if codec == "av1" else "",
                    *_pair(["-" if o is None else words.crossing(o.crossing) for o in found]),
                    _late(found[-1].crossing) if codec == "av1" else None,
                )
            )
    return rows


def _late(crossing: Crossing) -> bool | None:
    if crossing.kind == "unknown":
        return None
    return crossing.kind == "nowhere" or (crossing.kbps or 0.0) >= CROSSING_KBPS


def _clips(
    before: ComparisonResults, after: ComparisonResults, metrics: Sequence[str]
) -> list[Reached]:
    rows = []
    for metric in words.PERCEPTUAL_METRICS:
        worse = worse_at_equal_rate(before, after, metric)
        if worse is not None:
            name = words.metric_title(before, metric, arrow=False)
            text = f"{len(worse)}: {', '.join(worse)}" if worse else "none"
            rows.append(
                Reached(
                    f"clips worse than before at equal rate: {name}", "none", "", text, not worse
                )
            )
    small = not_so_small(before, after)
    rows.append(
        Reached(
            "clips whose smallest point is larger than before",
            "",
            "",
            f"{len(small)}: {', '.join(small)}" if small else "none",
            None,
        )
    )
    for what, names in worse_by_default(before, after, metrics).items():
        title = "size" if what == "size" else words.metric_title(before, what, arrow=False)
        text = f"{len(names)}: {', '.join(names)}" if names else "none"
        kind = "larger" if what == "size" else "worse"
        rows.append(
            Reached(f"clips {kind} at the default setting: {title}", "none", "", text, not names)
        )
    return rows


def anchor_names(anchors: Sequence[ComparisonResults]) -> list[str]:
    """Titles of the ordinary codecs at hand."""
    found = {c for results in anchors for c in codecs_of(results) if c != VQT}
    return [words.title(c) for c in sorted(found)]
