"""The main results as a part of a page, made from the JSON of a validation."""

from __future__ import annotations

from pathlib import Path

from vqcodec.evaluation.validate.record import ValidationResults
from vqcodec.evaluation.validate.table import rows


def caption(results: ValidationResults) -> str:
    """One paragraph: how many clips, on what, when, with which models."""
    known, summary = results.conditions, results.summary(results.runs[0])
    machine = known.get("machine", {})
    parts = [
        f"{summary['clips']} clips, {summary['frames']} frames",
        f"{machine.get('cpu', 'unknown CPU')}, {machine.get('cores', '?')} cores",
        str(known.get("date_utc", "")),
    ]
    parts += [
        f"{name.replace('_', ' ')} `{known[name]}`"
        for name in ("motion_space", "renderer")
        if known.get(name)
    ]
    if results.failed:
        parts.append(f"NOT CODED: {', '.join(sorted(results.failed))}")
    return (
        "Means over frames, then clips, at 256x256; one portrait, the first frame; coded at 512x512; file to file. "
        + "; ".join(parts)
        + "."
    )


def markdown(results: ValidationResults) -> list[str]:
    """The table with its caption, as lines of GitHub Markdown."""
    heads, table = rows(results)
    lines = ["| | " + " | ".join(heads) + " |", "|---|" + "---:|" * len(heads)]
    lines += [f"| {name} | " + " | ".join(cells) + " |" for name, cells in table]
    return [*lines, "", caption(results)]


def lines(path: Path) -> list[str]:
    """The page's part, made from the JSON."""
    return markdown(ValidationResults.load(path))
