"""This codec before and after a change, clip by clip at its default setting and at its bit rates, and against its bars.

    python -m vqcodec.lab compare-change then.json now.json [--anchors av1.json ...] [--short]

Each file is the results.json of `vqcodec compare`, or a summary of it (compare-summary). Ordinary codecs come from the files
after --anchors; without any, from `now.json`, if it has some. Compared is what the files have in common.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from vqcodec.comparison.analysis import words
from vqcodec.comparison.analysis.overall import codecs_of
from vqcodec.comparison.results import VQT, CodedPoint, ComparedClip, ComparisonResults
from vqcodec.errors import UsageError
from vqcodec.lab.command import perform, publish
from vqcodec.lab.compare.against import ANCHORS, NOW, Reached, anchor_names, reached
from vqcodec.lab.compare.summary import load
from vqcodec.lab.markdown import number

METRICS = (
    ("perc", "perc ↓", ".3f"),
    ("st_lpips", "ST-LPIPS ↓", ".3f"),
    ("psnr_db", "PSNR, dB ↑", ".2f"),
    ("ssim", "SSIM ↑", ".3f"),
    ("lmd", "lmd ↓", ".4f"),
)
SETTINGS = ("default", "bitrate 5", "bitrate 10", "bitrate 20", "bitrate 40")

Pair = tuple[CodedPoint | None, CodedPoint | None]


def _point(clip: ComparedClip | None, setting: str) -> CodedPoint | None:
    points = () if clip is None else clip.points
    return next((p for p in points if p.codec == VQT and p.variant == setting), None)


def _values(pair: Pair, key: str) -> tuple[float | None, float | None]:
    first, second = (
        None if p is None else p.kbps.file if key == "kbps" else p.mean.get(key) for p in pair
    )
    return first, second


def _cells(values: tuple[float | None, float | None], form: str) -> list[str]:
    """Then, now, difference."""
    then, now = values
    gap = "-" if then is None or now is None else format(now - then, f"+{form}")
    return [number(then, form), number(now, form), gap]


def _mean(pairs: Sequence[Pair], key: str) -> tuple[float | None, float | None]:
    """Over the clips that have both."""
    known = [_values(pair, key) for pair in pairs]
    both = [(a, b) for a, b in known if a is not None and b is not None]
    if not both:
        return None, None
    return sum(a for a, _ in both) / len(both), sum(b for _, b in both) / len(both)


def clip_table(then: ComparisonResults, now: ComparisonResults, setting: str) -> list[str]:
    """Markdown lines: a row a clip, then their mean over those that have the point in both; [] where nobody has it."""
    later = {c.name: c for c in now.clips}
    pairs: dict[str, Pair] = {
        c.name: (_point(c, setting), _point(later.get(c.name), setting)) for c in then.clips
    }
    if not any(p for pair in pairs.values() for p in pair):
        return []
    columns = [("kbps", "kbit/s", ".1f"), *METRICS]
    heads = [f"{name}: then | now | change" for _, name, _ in columns]
    lines = [f"| {setting} | " + " | ".join(heads) + " |", "|---|" + "---:|" * 3 * len(columns)]
    for name, pair in pairs.items():
        cells = [cell for key, _, form in columns for cell in _cells(_values(pair, key), form)]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    many = sum(a is not None and b is not None for a, b in pairs.values())
    cells = [
        cell for key, _, form in columns for cell in _cells(_mean([*pairs.values()], key), form)
    ]
    return [*lines, f"| **mean of {many}** | " + " | ".join(cells) + " |"]


def bar_table(rows: Sequence[Reached]) -> list[str]:
    """Markdown lines: what is reached of the bars."""
    alone = all(row.after is None for row in rows)
    lines = (
        ["| | bar | reached | |", "|---|---|---:|---|"]
        if alone
        else ["| | bar | then | now | |", "|---|---|---:|---:|---|"]
    )
    for row in rows:
        met = {None: "", True: "met", False: "MISSED"}[row.met]
        after = [] if alone else [row.after or "-"]
        lines.append("| " + " | ".join([row.name, row.bar, row.before, *after, met]) + " |")
    return lines


def caption(
    then: ComparisonResults, now: ComparisonResults | None, anchors: Sequence[ComparisonResults]
) -> str:
    """How the figures were made."""
    told = []
    for name, results in (("then", then), ("now", now)):
        if results is None:
            continue
        models = ", ".join(f"`{m}`" for m in results.conditions.get("models", {}).values())
        refused = sum(len(c.refused) for c in results.clips)
        told.append(
            f"{name if now else 'measured'}: {results.conditions.get('date_utc', '')}, {models}, every "
            f"{results.settings.get('every')}th frame, {refused} points refused by the encoder"
        )
    common = {c.name for c in then.clips}.intersection(
        *({c.name for c in a.clips} for a in anchors)
    )
    beside = (
        f" Against {', '.join(anchor_names(anchors))}, the best of all variants at each rate, on {len(common)} clips."
        if anchors
        else ""
    )
    return (
        f"{words.count_of_clips(then)}; whole files without sound, measured at 256x256; values at a rate: the mean over the "
        f"clips of the best for no more than that rate; {'; '.join(told)}.{beside} No claim stands unless perceptual distance "
        "and ST-LPIPS agree."
    )


def lines(
    then: ComparisonResults,
    now: ComparisonResults | None,
    anchors: Sequence[ComparisonResults],
    *,
    short: bool = False,
) -> list[str]:
    """Markdown lines of all tables.

    Args:
        then: before a change.
        now: after it; None tells of `then` alone.
        anchors: comparisons with ordinary codecs.
        short: only the bars, not clip by clip.
    """
    names = [key for key, _, _ in METRICS if key in then.metrics]
    made = [*bar_table(reached(then, now, anchors, names)), ""]
    if now is not None and not short:
        tables = [clip_table(then, now, setting) for setting in SETTINGS]
        made += [line for table in tables if table for line in (*table, "")]
    return [*made, caption(then, now, anchors)]


def page_part(path: Path) -> list[str]:
    """A page's part: before and after the portrait stream, against the ordinary codecs of the first comparison."""
    anchors = [load(path.with_name(name)) for name in ANCHORS]
    return lines(load(path), load(path.with_name(NOW)), anchors)


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("then", type=Path, help="before: results.json or its summary")
    parser.add_argument("now", type=Path, help="after: likewise")
    parser.add_argument(
        "--anchors",
        type=Path,
        nargs="+",
        default=[],
        help="with ordinary codecs, on the same clips",
    )
    parser.add_argument("--short", action="store_true", help="only the bars, not clip by clip")


def _job(options: Namespace) -> int:
    then, now = load(options.then), load(options.now)
    if not {c.name for c in then.clips} & {c.name for c in now.clips}:
        raise UsageError("the two comparisons have no clip in common")
    anchors = [load(path) for path in options.anchors]
    if not anchors and any(codec != VQT for codec in codecs_of(now)):
        anchors = [now]
    return publish("\n".join(lines(then, now, anchors, short=options.short)))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("compare-change", _options, _job, arguments)
