"""What stands on the page of a comparison, as plain values for its template; nothing here is escaped yet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from vqcodec.comparison.analysis import words
from vqcodec.comparison.analysis.overall import Analysis, codecs_of
from vqcodec.comparison.analysis.tables import RATES_KBPS, caption, value_rows
from vqcodec.comparison.page.palette import COLOURS, ORIGINAL, ORIGINAL_TITLE, SIGNS
from vqcodec.comparison.results import VQT, CodedPoint, ComparedClip, ComparisonResults

_BETTER = {"higher": "higher", "lower": "lower", "one": "1 is right"}


def look(codec: str) -> dict[str, str]:
    """Title, colour and sign of a codec or the original."""
    title = ORIGINAL_TITLE if codec == ORIGINAL else words.title(codec)
    return {"codec": codec, "title": title, "colour": COLOURS[codec], "sign": SIGNS[codec]}


def ordered_codecs(results: ComparisonResults) -> list[str]:
    """The codecs that have points: vqt, then the anchors."""
    return sorted(codecs_of(results), key=lambda c: c != VQT)


def headline(
    results: ComparisonResults, analysis: Analysis, metrics: Sequence[str]
) -> dict[str, Any]:
    """The table of BD-rates: heads and, per anchor, one cell per metric."""
    rows = []
    for codec in ordered_codecs(results):
        if codec == VQT:
            continue
        cells = []
        for metric in metrics:
            found = analysis.find(codec, metric)
            known = found is not None and found.bd_median is not None
            many = (
                f"{found.overlapping} of {found.clips} clip{'s' if found.clips != 1 else ''}"
                if found is not None
                else ""
            )
            cells.append(
                {
                    "bd": words.percent(found.bd_median) if found is not None and known else "",
                    "clips": many,
                    "less": found is not None and (found.bd_median or 0) < 0,
                    "equal": _equal(words.equal(found.equal if found is not None else None)),
                    "apart": words.apart(found) if found is not None else "",
                    "crossing": _equal(words.crossing(found.crossing))
                    if found is not None
                    else words.NOTHING,
                }
            )
        rows.append(look(codec) | {"cells": cells})
    return {
        "heads": [words.metric_title(results, m) for m in metrics],
        "rows": rows if VQT in codecs_of(results) else [],
    }


def _equal(text: str) -> str:
    return f"{text} kbit/s" if text[-1:].isdigit() else text


def value_tables(
    results: ComparisonResults, analysis: Analysis, metrics: Sequence[str]
) -> list[dict[str, Any]]:
    """Mean values at some rates: a table per metric."""
    tables = []
    order = codecs_of(results)
    for metric in metrics:
        _, rows = value_rows(results, analysis, [metric])
        named = {
            codec: look(codec) | {"cells": row[1:]} for codec, row in zip(order, rows, strict=True)
        }
        heads = [words.metric_title(results, metric), *(f"{r:g} kbit/s" for r in RATES_KBPS)]
        tables.append({"heads": heads, "rows": [named[c] for c in ordered_codecs(results)]})
    return tables


def point_heads(results: ComparisonResults) -> list[str]:
    """Heads of the tables of points."""
    return [
        "codec",
        "coded as",
        "kbit/s",
        "bytes",
        "encode, frames/s",
        "decode, frames/s",
        *(words.metric_title(results, m) for m in results.metrics),
    ]


def point_row(results: ComparisonResults, point: CodedPoint, rate: str) -> dict[str, Any]:
    """One point, as cells for `point_heads`."""
    coded = " · ".join(dict.fromkeys(t for t in (point.variant, point.setting) if t))
    cells = [
        coded,
        words.kbps(getattr(point.kbps, rate)),
        f"{getattr(point.bytes, rate):.0f}",
        f"{point.encode_fps:.1f}",
        f"{point.decode_fps:.1f}",
        *(words.number(point.mean.get(m)) for m in results.metrics),
    ]
    return look(point.codec) | {"cells": cells}


def clip_context(results: ComparisonResults, clip: ComparedClip, rate: str) -> dict[str, Any]:
    """A clip without its pictures: what is told of it, and its tables."""
    order = {codec: k for k, codec in enumerate(ordered_codecs(results))}
    points = sorted(clip.points, key=lambda p: (order[p.codec], getattr(p.kbps, rate)))
    about = (
        f"{clip.frames} frames, {clip.seconds:.1f} s at {clip.frame_rate_hz} Hz, {clip.side_px}x{clip.side_px}, "
        f"{'with' if clip.sound else 'without'} sound"
        + "".join(f"; no point at {name}: {why}" for name, why in clip.refused.items())
    )
    return {
        "name": clip.name,
        "about": about,
        "sound": clip.sound,
        "heads": point_heads(results),
        "films": [],
        "sheet": "",
        "note": "",
        "matched": [point_row(results, p, rate) for p in points if p.matched],
        "points": [point_row(results, p, rate) for p in points],
    }


def flat(values: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested values as lines: names with blanks for underscores, and text."""
    lines: list[tuple[str, str]] = []
    for key, value in values.items():
        name = f"{prefix}{str(key).replace('_', ' ')}"
        if isinstance(value, dict):
            lines += flat(value, f"{name}: ")
        elif value is None:
            lines.append((name, words.NOTHING))
        elif isinstance(value, bool):
            lines.append((name, "yes" if value else "no"))
        elif isinstance(value, list | tuple):
            lines.append(
                (
                    name,
                    ", ".join(
                        str(v) if isinstance(v, str | int | float) else json.dumps(v) for v in value
                    ),
                )
            )
        else:
            lines.append((name, str(value)))
    return lines


def context(results: ComparisonResults, analysis: Analysis) -> dict[str, Any]:
    """Everything but curves, pictures and videos."""
    metrics = words.headline_metrics(results)
    said = words.sentences(results, analysis, metrics)
    return {
        "title_vqt": words.title(VQT),
        "anchors": [look(c) for c in ordered_codecs(results) if c != VQT],
        "count": words.count_of_clips(results),
        "conditions_date": str(results.conditions.get("date_utc", "")),
        "verdict": words.verdict_line(results, analysis),
        "overlap_note": words.overlap_note(results, analysis),
        "said": [(words.metric_title(results, m, arrow=False), told) for m, told in said.items()],
        "headline": headline(results, analysis, metrics),
        "table_caption": caption(results, analysis),
        "values": value_tables(results, analysis, metrics) if codecs_of(results) else [],
        "clips": [clip_context(results, clip, analysis.rate) for clip in results.clips],
        "metrics": [
            {
                "title": words.metric_title(results, m, arrow=False),
                "better": _BETTER.get(a.get("better", ""), ""),
                "source": a.get("source", ""),
            }
            for m, a in results.metrics.items()
        ],
        "absent": sorted(results.absent.items()),
        "settings": flat(results.settings),
        "conditions": flat(results.conditions),
    }
