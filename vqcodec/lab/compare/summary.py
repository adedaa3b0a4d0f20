"""A comparison without its per-frame values, small enough for a repository: tables and curves need no more.

    python -m vqcodec.lab compare-summary results.json summary.json

JSON: {"schema_version": 1, "kind": "summary", "settings", "conditions", "metrics", "absent": as in results.json,
"columns": names, "clips": [{"name", "frames", "seconds", "frame_rate_hz", "side_px", "sound", "points": [row, ...]}]}.
A row has one value per column: codec, variant, side_px, frame_divisor, setting, target_kbps, matched, the four rates in
kbit/s, encode_fps, decode_fps, then the mean of each metric. Figures have five digits. Sizes in bytes follow from the rates.
"""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vqcodec.comparison.results import COMMAND as COMPARE
from vqcodec.comparison.results import Amount, CodedPoint, ComparedClip, ComparisonResults
from vqcodec.errors import UsageError
from vqcodec.evaluation.tools.files import load_json
from vqcodec.lab.command import perform

SCHEMA_VERSION = 1
KIND = "summary"
RATES = ("payload", "file", "payload_with_sound", "file_with_sound")
_PLAIN = ("codec", "variant", "side_px", "frame_divisor", "setting", "target_kbps", "matched")
_SPEEDS = ("encode_fps", "decode_fps")
_BYTES_PER_KBIT = 125


def _short(value: Any) -> Any:
    """Floats to five digits, and as whole numbers where they are."""
    if not isinstance(value, float):
        return value
    short = float(f"{value:.5g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


def summarise(results: ComparisonResults) -> dict[str, Any]:
    """The JSON-ready summary of a comparison."""
    metrics = list(results.metrics)

    def row(p: CodedPoint) -> list[Any]:
        values = [
            *(getattr(p, name) for name in _PLAIN),
            *(getattr(p.kbps, name) for name in RATES),
            *(getattr(p, name) for name in _SPEEDS),
            *(p.mean.get(name) for name in metrics),
        ]
        return [_short(v) for v in values]

    clips = [
        {
            "name": c.name,
            "frames": c.frames,
            "seconds": c.seconds,
            "frame_rate_hz": c.frame_rate_hz,
            "side_px": c.side_px,
            "sound": c.sound,
            **({"refused": c.refused} if c.refused else {}),
            "points": [row(p) for p in c.points],
        }
        for c in results.clips
    ]
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": KIND,
        "settings": results.settings,
        "conditions": results.conditions,
        "metrics": results.metrics,
        "absent": results.absent,
        "columns": [*_PLAIN, *(f"{name}_kbps" for name in RATES), *_SPEEDS, *metrics],
        "clips": clips,
    }


def _point(row: Sequence[Any], metrics: Sequence[str], seconds: float) -> CodedPoint:
    plain, rest = dict(zip(_PLAIN, row, strict=False)), row[len(_PLAIN) :]
    rates, rest = [float(v) for v in rest[: len(RATES)]], rest[len(RATES) :]
    speeds, means = rest[: len(_SPEEDS)], rest[len(_SPEEDS) :]
    return CodedPoint(
        **plain,
        bytes=Amount(*(round(r * _BYTES_PER_KBIT * seconds) for r in rates)),
        kbps=Amount(*rates),
        encode_fps=float(speeds[0]),
        decode_fps=float(speeds[1]),
        mean=dict(zip(metrics, means, strict=True)),
    )


def expanded(data: dict[str, Any]) -> ComparisonResults:
    """The inverse of `summarise`, without schema_version, as far as it goes: no per-frame values, bytes within rounding.

    Raises:
        KeyError, TypeError: for anything else.
    """
    metrics = data["columns"][len(_PLAIN) + len(RATES) + len(_SPEEDS) :]
    if metrics != list(data["metrics"]) or any(
        len(row) != len(data["columns"]) for c in data["clips"] for row in c["points"]
    ):
        raise KeyError("columns")
    clips = [
        ComparedClip(
            **{**c, "points": tuple(_point(row, metrics, c["seconds"]) for row in c["points"])}
        )
        for c in data["clips"]
    ]
    return ComparisonResults(
        data["settings"], data["conditions"], data["metrics"], data["absent"], tuple(clips)
    )


def save(results: ComparisonResults, path: Path) -> None:
    """Write the summary, whole or not at all: one point per line."""
    data = summarise(results)
    clips = data.pop("clips")
    lines = [json.dumps(data, ensure_ascii=False, allow_nan=False)[:-1] + ', "clips": [']
    for number, clip in enumerate(clips):
        points = clip.pop("points")
        lines.append(json.dumps(clip, ensure_ascii=False, allow_nan=False)[:-1] + ', "points": [')
        rows = [
            json.dumps(row, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
            for row in points
        ]
        lines.append(",\n".join(rows))
        lines.append("]}" + ("," if number < len(clips) - 1 else ""))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text("\n".join([*lines, "]}", ""]), encoding="utf-8")
    os.replace(part, path)


def load(path: Path) -> ComparisonResults:
    """Read a summary or a whole results.json.

    Raises:
        UsageError: it is neither.
        OSError: it can't be read.
    """
    try:
        kind = json.loads(path.read_text(encoding="utf-8")).get("kind")
    except (json.JSONDecodeError, AttributeError) as error:
        raise UsageError(
            f"{path} is not a comparison: {error!r}", hint=f"Write one with {COMPARE} --out."
        ) from error
    if kind == KIND:
        return load_json(
            path, SCHEMA_VERSION, expanded, what="a summary of a comparison", command=COMPARE
        )
    return ComparisonResults.load(path)


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("results", type=Path, help="results.json of vqcodec compare")
    parser.add_argument("summary", type=Path, help="JSON file to write")


def _job(options: Namespace) -> int:
    save(load(options.results), options.summary)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("compare-summary", _options, _job, arguments)
