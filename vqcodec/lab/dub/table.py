"""Tables of dubs for pages and terminals, made from the JSON of the experiments dub, table4 and dubchecks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from vqcodec.errors import UsageError
from vqcodec.lab.dub import results as dubresults
from vqcodec.lab.dub.results import BARS, DubResult, summarize
from vqcodec.lab.markdown import measured, number, read, table, where

COLUMNS = (
    ("ssim", "SSIM ↑", ".3f"),
    ("perc", "perceptual distance ↓", ".3f"),
    ("st_lpips", "ST-LPIPS ↓", ".3f"),
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


def figure_rows(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """A table of COLUMNS, without those that no row knows."""
    known = measured(COLUMNS, (values for _, values in rows))
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


def checks_lines(data: Data) -> list[str]:
    """Of `dubchecks`."""
    known = data["conditions"]
    lines = ["| check | bar | reached | |", "|---|---|---:|---|"]
    for row in data["checks"]:
        met = {True: "met", False: "MISSED", None: ""}[row["met"]]
        lines.append(
            f"| {row['name']} | {row['bar'] or ''} | {number(row['value'], '.3g')} | {met} |"
        )
    models = ("motion_space", "renderer", "speech_tokenizer", "generator", "behaviour")
    return [*lines, "", where(known, *models)]


def lines(path: Path) -> list[str]:
    """The page's part, made from the JSON of any of the three, with its finding below.

    Raises:
        UsageError: it holds something else.
    """
    kind = dubresults.kind_of(path)
    if kind not in _LINES:
        raise UsageError(
            f"{path} holds {kind!r}, which is no table of dubs", hint=f"Known: {', '.join(_LINES)}."
        )
    finding = read(path).get("finding")
    return [*_LINES[kind](path), *(["", f"**{finding}**"] if finding else [])]


_LINES: dict[str, Callable[[Path], list[str]]] = {
    "dub": lambda path: dub_lines(*dubresults.load(path)),
    "table4": lambda path: table4_lines(read(path)),
    "checks": lambda path: checks_lines(read(path)),
}
