"""Tables of dubs for pages and terminals, made from the JSON of dubbing, table4 and dubchecks.

    python -m vqcodec.lab.dub.table RESULT.json... PAGE.md [--check] [--finding "What the table shows."]

Each file's table stands between two comment lines of the page, named dub, dub-table-4 and dub-checks. `--finding` puts a
sentence under a table and keeps it in its JSON.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from vqcodec.errors import UsageError
from vqcodec.evaluation.tools.files import save_json, told
from vqcodec.lab.dub import results as dubresults
from vqcodec.lab.dub.results import BARS, DubResult, summarize
from vqcodec.lab.marked import replaced

COMMAND = "python -m vqcodec.lab.dub.table"
COLUMNS = (
    ("ssim", "SSIM ↑", ".3f"),
    ("perc", "perceptual distance ↓", ".3f"),
    ("id_dist", "identity distance ↓", ".3f"),
    ("lmd", "landmark distance ↓", ".4f"),
    ("lmd_mouth", "mouth ↓", ".4f"),
    ("cpbd", "CPBD", ".3f"),
    ("lip_corr", "lip sync correlation ↑", ".2f"),
    ("lip_within", "within 80 ms", ".2f"),
    ("lip_best", "at the best lag", ".2f"),
    ("lip_lag_ms", "best lag, ms", "+.0f"),
    ("opening_ratio", "opening, median (1 is right)", ".2f"),
)
_NAMES = {
    "still": "portrait held",
    "shuffled": "another clip's sound",
    "dub": "its own sound",
    "codec": "real motion, coded",
}

Data = dict[str, Any]


def number(value: Any, form: str) -> str:
    """A figure, or "-" for one that was not measured."""
    return "-" if value is None or math.isnan(value) else format(value, form)


def table(heads: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """Lines of a Markdown table whose first column has the rows' names."""
    return [
        "| | " + " | ".join(heads) + " |",
        "|---|" + "---:|" * len(heads),
        *(f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows),
    ]


def figure_rows(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """A table of COLUMNS, without those that no row knows."""
    known = [c for c in COLUMNS if any(number(values.get(c[0]), c[2]) != "-" for _, values in rows)]
    return table(
        [title for _, title, _ in known],
        [
            (name, [number(values.get(key), form) for key, _, form in known])
            for name, values in rows
        ],
    )


def bars(summary: dict[str, Any]) -> list[str]:
    """A table of the bars, and what was reached."""
    return [
        "| bar | | reached | |",
        "|---|---|---:|---|",
        *(
            f"| {bar.name} | {bar} | {number(bar.value(summary), '.3g')} | {'met' if bar.met(summary) else 'MISSED'} |"
            for bar in BARS
        ),
    ]


def where(known: Mapping[str, Any], *names: str) -> str:
    """Machine, date and models."""
    machine = known["machine"]
    models = ", ".join(f"`{known[name]}`" for name in names if known.get(name))
    return f"{machine['cpu']}, {machine['cores']} cores; {known['date_utc']}; {models}."


def dub_lines(
    known: Mapping[str, Any], results: Sequence[DubResult], beside: Mapping[str, Any]
) -> list[str]:
    """Of `dubbing`: figures, bars, conditions."""
    summary = summarize(results)
    full = known["level"] == "full"
    validated = beside if full else {}  # of pictures; landmarks of motion are another measure
    rows = [
        (title, values)
        for name, title in _NAMES.items()
        if (values := summary.get(name) or validated.get(name))
    ]
    how = (
        "rendered at 512x512, H.264, measured at 256x256; lip sync by MediaPipe on every frame"
        if full
        else "not rendered: landmarks of the generated motion"
    )
    apart = (
        f"; rows of figures without lip sync: `validate` with `{validated['renderer']}`"
        if validated
        else ""
    )
    return [
        *figure_rows(rows),
        "",
        *bars(summary),
        "",
        f"{summary['clips']} clips, each from its first frame, with its own pose, gaze and blinks; {how}; means over frames, "
        f"then clips{apart}. Motion is made {number(summary['realtime'], '.1f')} times as fast as it plays. "
        f"{where(known, 'motion_space', 'renderer', 'speech_tokenizer', 'generator')}",
    ]


def show(known: Mapping[str, Any], results: Sequence[DubResult], beside: Mapping[str, Any]) -> str:
    """The same for a terminal."""
    return "\n".join([*dub_lines(known, results, beside), ""])


def _dub_page(path: Path, data: Data) -> list[str]:
    return dub_lines(*dubresults.load(path))


def table4_lines(data: Data) -> list[str]:
    """Of `table4`."""
    known = data["conditions"]
    rows = [
        (f"{row['row']}: {row['speech']} in, {row['motion']} out", row["means"])
        for row in data["rows"]
    ]
    short = "" if known["clips"] == known["all_clips"] else f" of {known['all_clips']}"
    return [
        *figure_rows(rows),
        "",
        f"X-Y: speech in, motion out; C continuous, D discrete. {known['clips']}{short} clips, as in the table above. "
        f"{where(known, 'motion_space', 'renderer')}",
    ]


def _table4_page(path: Path, data: Data) -> list[str]:
    return table4_lines(data)


def checks_lines(data: Data) -> list[str]:
    """Of `dubchecks`."""
    known = data["conditions"]
    lines = ["| check | bar | reached | |", "|---|---|---:|---|"]
    for row in data["checks"]:
        met = {True: "met", False: "MISSED", None: ""}[row["met"]]
        lines.append(
            f"| {row['name']} | {row['bar'] or ''} | {number(row['value'], '.3g')} | {met} |"
        )
    return [*lines, "", where(known, "motion_space", "renderer", "speech_tokenizer", "generator")]


def _checks_page(path: Path, data: Data) -> list[str]:
    return checks_lines(data)


PARTS: dict[str, tuple[str, Callable[[Path, Data], list[str]]]] = {
    "dub": ("dub", _dub_page),
    "table4": ("dub-table-4", _table4_page),
    "checks": ("dub-checks", _checks_page),
}


def update(path: Path, page: Path, *, check: bool = False, finding: str | None = None) -> int:
    """Bring a result file's part of a page up to date; 1 when `check` finds it out of step.

    Raises:
        UsageError: no such result, or no place for it on the page.
    """
    kind = dubresults.kind_of(path)
    if kind not in PARTS:
        raise UsageError(
            f"{path} holds {kind!r}, which is no table of dubs", hint=f"Known: {', '.join(PARTS)}."
        )
    data: Data = json.loads(path.read_text(encoding="utf-8"))
    if finding is not None and not check:
        data["finding"] = finding
        save_json(path, data)
    part, lines = PARTS[kind]
    told_so = data.get("finding")
    return replaced(
        page,
        part,
        COMMAND,
        [*lines(path, data), *(["", f"**{told_so}**"] if told_so else [])],
        check=check,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code: 0, or 1 when --check finds the page out of step."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Tables of dubs in a Markdown page.")
    parser.add_argument(
        "results", type=Path, nargs="+", help="JSON of dubbing, table4 or dubchecks"
    )
    parser.add_argument("page", type=Path, help="Markdown file with a place for each")
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 if the page is out of step"
    )
    parser.add_argument("--finding", help="sentence to put under the table (with one result file)")
    options = parser.parse_args(arguments)

    def job() -> int:
        if options.finding is not None and len(options.results) != 1:
            raise UsageError("--finding belongs to one table", hint="Name one result file.")
        return max(
            update(path, options.page, check=options.check, finding=options.finding)
            for path in options.results
        )

    return told(job)


if __name__ == "__main__":
    sys.exit(main())
