"""What a comparison concludes, in words and short cells: the same in pages, tables and terminals."""

from __future__ import annotations

from vqcodec.comparison.analysis.envelope import EqualRate
from vqcodec.comparison.analysis.mean_curve import Crossing
from vqcodec.comparison.analysis.overall import Analysis, Overall, codecs_of
from vqcodec.comparison.results import TITLES, VQT, CodedPoint, ComparisonResults

NOTHING = "-"
MINUS = "\N{MINUS SIGN}"
ARROWS = {"higher": "↑", "lower": "↓"}
RATE_WORDS = {
    "payload": "coded pictures alone",
    "file": "whole file without sound",
    "payload_with_sound": "coded pictures and sound",
    "file_with_sound": "whole file with sound",
}
# what is shown first, where it was measured
PERCEPTUAL_METRICS = ("perc", "st_lpips")
HEADLINE_METRICS = ("perc", "st_lpips", "ssim", "vmaf", "lmd")


def title(codec: str) -> str:
    """A codec's name for people."""
    return TITLES.get(codec, codec)


def metric_title(results: ComparisonResults, metric: str, *, arrow: bool = True) -> str:
    """A metric's name, with an arrow to where it is better."""
    about = results.metrics.get(metric, {})
    name = about.get("title") or metric
    unit = f", {about['unit']}" if about.get("unit") else ""
    return f"{name}{unit} {ARROWS.get(about.get('better', ''), '')}".rstrip() if arrow else name


def headline_metrics(
    results: ComparisonResults, metrics: tuple[str, ...] = HEADLINE_METRICS
) -> list[str]:
    """Those of `metrics` that the results have, or else the first four that have a direction."""
    found = [m for m in metrics if results.metrics.get(m, {}).get("better") in ARROWS]
    return found or [m for m, about in results.metrics.items() if about.get("better") in ARROWS][:4]


def percent(value: float | None) -> str:
    """A relative rate with its sign: "+12 %"; thousands of percent as a factor."""
    if value is None:
        return NOTHING
    if value >= 900:
        return f"x {1 + value / 100:.0f}"
    digits = 0 if abs(value) >= 10 else 1
    text = f"{abs(value):.{digits}f}"
    return f"{'' if float(text) == 0 else '+' if value > 0 else MINUS}{text} %"


def kbps(value: float) -> str:
    """A rate: three digits at most."""
    return f"{value:.0f}" if value >= 99.5 else f"{value:.1f}" if value >= 9.95 else f"{value:.2g}"


def equal(found: EqualRate | None) -> str:
    """A rate at equal quality: "14.0", "below 5" or "above 40"."""
    if found is None:
        return NOTHING
    return kbps(found.kbps) if found.kind == "at" else f"{found.kind} {kbps(found.kbps)}"


def crossing(found: Crossing) -> str:
    """Like "from 18.2", "everywhere", "nowhere"."""
    if found.kind == "unknown":
        return NOTHING
    return (
        f"from {kbps(found.kbps)}"
        if found.kind == "from" and found.kbps is not None
        else found.kind
    )


def number(value: float | None) -> str:
    """A metric's value with about four digits."""
    if value is None:
        return NOTHING
    size = abs(value)
    return f"{value:.{1 if size >= 100 else 2 if size >= 10 else 3 if size >= 0.1 else 4}f}"


def size(count: float) -> str:
    """Bytes: "812 B", "14.3 kB", "1.20 MB" (thousands)."""
    if count < 1000:
        return f"{count:.0f} B"
    return f"{count / 1000:.1f} kB" if count < 1e6 else f"{count / 1e6:.2f} MB"


def label(codec: str, point: CodedPoint | None, rate: str = "file") -> str:
    """What is burnt into a picture, ASCII."""
    if point is None:
        return title(codec)
    return f"{title(codec)}  {kbps(getattr(point.kbps, rate))} kbit/s  {size(getattr(point.bytes, rate))}"


def cell(found: Overall | None) -> str:
    """The BD-rate's median with the number of clips it is of; where no curves overlap, the rate at equal quality."""
    if found is None or found.clips == 0:
        return NOTHING
    if found.bd_median is not None:
        return f"{percent(found.bd_median)} ({found.overlapping}/{found.clips})"
    return f"= {equal(found.equal)}"


def apart(found: Overall) -> str:
    """What is known of the clips whose curves don't overlap: "better throughout on 3, worse throughout on 1"; or ""."""
    sides = (("better", found.all_better), ("worse", found.all_worse))
    return ", ".join(f"{side} throughout on {many}" for side, many in sides if many)


def sentence(results: ComparisonResults, analysis: Analysis, found: Overall) -> str:
    """What one anchor and one metric say."""
    name, metric = title(found.codec), metric_title(results, found.metric, arrow=False)
    low, high = (kbps(r) for r in analysis.limits_kbps)
    if found.bd_median is not None:
        less = found.bd_median < 0
        others = f"; {apart(found)}" if apart(found) else ""
        many = (
            ""
            if found.clips == 1
            else (
                f" (median of the {found.overlapping} of {found.clips} clips whose curves overlap{others})"
            )
        )
        first = (
            f"At equal {metric}, {title(VQT)} needs {percent(abs(found.bd_median)).lstrip('+')} "
            f"{'less' if less else 'more'} rate than {name}{many}"
        )
    elif found.equal is not None and found.vqt_kbps is not None:
        how = {"at": "at", "below": "already below", "above": "only above, if at all,"}[
            found.equal.kind
        ]
        first = (
            f"What {title(VQT)} has of {metric} at {kbps(found.vqt_kbps)} kbit/s, {name} "
            f"reaches {how} {kbps(found.equal.kbps)} kbit/s{'' if found.clips == 1 else ' (median of the clips)'}"
        )
    else:
        return f"Nothing can be told of {metric} against {name}."
    second = {
        "from": f"from {kbps(found.crossing.kbps or 0)} kbit/s on, {name} is better",
        "everywhere": f"{name} is better at every rate from {low} to {high} kbit/s",
        "nowhere": f"up to {high} kbit/s, {name} never gets ahead for good",
        "unknown": "there is no common rate",
    }[found.crossing.kind]
    return f"{first}; {second}."


def sentences(
    results: ComparisonResults, analysis: Analysis, metrics: list[str] | None = None
) -> dict[str, list[str]]:
    """For each metric, a sentence per anchor."""
    said: dict[str, list[str]] = {}
    for metric in metrics or headline_metrics(results):
        rows = [analysis.find(c, metric) for c in codecs_of(results) if c != VQT]
        told = [sentence(results, analysis, row) for row in rows if row is not None and row.clips]
        if told:
            said[metric] = told
    return said


NO_OVERLAP = "Where a rate at equal quality is told instead of a percentage, the curves don't overlap between the rates compared."


def overlap_note(results: ComparisonResults, analysis: Analysis) -> str:
    """Once, what the sentences mean that tell no percentage; "" where all do."""
    rows = (
        analysis.find(codec, metric)
        for metric in headline_metrics(results)
        for codec in codecs_of(results)
        if codec != VQT
    )
    missing = any(row is not None and row.clips and row.bd_median is None for row in rows)
    return NO_OVERLAP if missing else ""


def verdict_line(results: ComparisonResults, analysis: Analysis) -> str:
    """The whole comparison in a line, by the first headline metric; "" where nothing was compared."""
    metrics, codecs = headline_metrics(results), [c for c in codecs_of(results) if c != VQT]
    if not metrics or not codecs:
        return ""
    needs, stands = [], []
    for codec in codecs:
        found, name = analysis.find(codec, metrics[0]), title(codec)
        if found is None or not found.clips:
            continue
        if found.bd_median is not None:
            amount = percent(abs(found.bd_median)).lstrip("+")
            needs.append(f"{amount} {'less' if found.bd_median < 0 else 'more'} rate than {name}")
        elif found.all_better != found.all_worse:
            stands.append(f"{'better' if found.all_better else 'worse'} throughout than {name}")
        else:
            stands.append(f"not comparable with {name}")
    said = [f"needs {', '.join(needs)}"] if needs else []
    said += [f"is {', '.join(stands)}"] if stands else []
    metric = metric_title(results, metrics[0], arrow=False)
    return f"By {metric}, {title(VQT)} {'; it '.join(said)}." if said else ""


def agreement(results: ComparisonResults, analysis: Analysis) -> str:
    """Against whom both perceptual figures have BD-rates of one sign; "" where the results lack one of the two."""
    if not all(metric in results.metrics for metric in PERCEPTUAL_METRICS):
        return ""
    agreed: list[str] = []
    open_: list[str] = []
    for codec in codecs_of(results):
        found = [analysis.find(codec, metric) for metric in PERCEPTUAL_METRICS]
        deltas = [o.bd_median for o in found if o is not None and o.bd_median is not None]
        if codec != VQT:
            signs = {delta < 0 for delta in deltas}
            (agreed if len(deltas) == 2 and len(signs) == 1 else open_).append(title(codec))
    both = " and ".join(metric_title(results, m, arrow=False) for m in PERCEPTUAL_METRICS)
    told = [f"agree against {', '.join(agreed)}"] if agreed else []
    told += [f"don't agree, or one is unknown, against {', '.join(open_)}"] if open_ else []
    return f"No claim stands unless {both} agree: they {'; they '.join(told)}." if told else ""


def count_of_clips(results: ComparisonResults) -> str:
    """Like "24 clips, 12000 frames, 480 s"."""
    clips = results.clips
    seconds = sum(c.seconds for c in clips)
    return f"{len(clips)} clip{'s' if len(clips) != 1 else ''}, {sum(c.frames for c in clips)} frames, {seconds:.0f} s"
