"""The steady-camera clips of a validation beside what published systems reach on clips of that kind.

The clips differ: theirs are the authors' own, ours are those validation clips whose camera stands still by `steady.py`'s
measure. What is held against the published row is said column by column.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from rich.table import Table

from vqcodec.evaluation.validate.record import Run, ValidationResults
from vqcodec.lab.markdown import number
from vqcodec.lab.paper.paperdata import AUTHORS_CLIPS, AUTHORS_SOURCE

RIVAL = "VQTalker"
CPBD_TOLERANCE = 0.1

Values: TypeAlias = dict[str, float]

COLUMNS = (
    ("motion_kbps", "motion, kbit/s", 2),
    ("psnr_db", "PSNR, dB ↑", 2),
    ("ssim", "SSIM ↑", 3),
    ("ms_ssim", "MS-SSIM ↑", 3),
    ("perc", "perceptual distance ↓", 3),
    ("st_lpips", "ST-LPIPS ↓", 3),
    ("lmd", "landmark distance ↓", 4),
    ("lmd_mouth", "mouth ↓", 4),
    ("cpbd", "CPBD", 3),
    ("cpbd_reference", "source's CPBD", 3),
)
_MORE, _LESS = ("psnr_db", "ssim", "ms_ssim"), ("motion_kbps", "perc", "lmd", "lmd_mouth")


def best_run(results: ValidationResults) -> Run:
    """The run with most layers."""
    return max(results.runs, key=lambda run: run.layers)


def steady_part(results: ValidationResults) -> ValidationResults | None:
    """The validation of the steady clips alone; None where none was coded, or nobody looked."""
    names = {name for name, seen in results.camera.items() if seen.steady}
    runs = tuple(Run(r.layers, tuple(c for c in r.clips if c.clip in names)) for r in results.runs)
    if not all(run.clips for run in runs):
        return None
    return ValidationResults(
        results.conditions,
        {k: v for k, v in results.still.items() if k in names},
        runs,
        camera={k: v for k, v in results.camera.items() if k in names},
    )


def better(key: str, ours: Values, theirs: Values) -> bool | None:
    """Whether a figure of ours is better than theirs; CPBD: within a tenth of the source's; None: nothing to compare."""
    if key == "cpbd":
        return abs(ours[key] / ours["cpbd_reference"] - 1) <= CPBD_TOLERANCE
    if key in _MORE:
        return ours[key] > theirs[key]
    return ours[key] < theirs[key] if key in _LESS else None


def columns(results: ValidationResults) -> list[tuple[str, str, int]]:
    """COLUMNS without ST-LPIPS where a validation is from before it was measured."""
    scores = results.summary(best_run(results))["scores"]
    return [c for c in COLUMNS if not math.isnan(scores.get(c[0], 0.0))]


def _judged(ours: Values, theirs: Values, chosen: Sequence[tuple[str, str, int]]) -> list[str]:
    words = {None: "", True: "yes", False: "NO"}
    return [words[better(key, ours, theirs)] if key in theirs else "" for key, _, _ in chosen]


def _numbers(values: Values, chosen: Sequence[tuple[str, str, int]]) -> list[str]:
    return [number(values.get(key), f".{digits}f") for key, _, digits in chosen]


def rows(results: ValidationResults) -> list[tuple[str, list[str]]]:
    """Name and cells of every row, for a validation of steady clips (`steady_part`)."""
    best = best_run(results)
    summary: dict[str, Any] = results.summary(best)
    still = summary["still"] | {"motion_kbps": 0.0}
    ours = summary["scores"] | {"motion_kbps": summary["rates"]["motion_kbps"]}
    others = {o.method: o.values | {"motion_kbps": o.values["raw_kbps"]} for o in AUTHORS_CLIPS}
    chosen = columns(results)
    count = f"{summary['clips']} clips"
    return [
        *((f"{name} (their clips)", _numbers(values, chosen)) for name, values in others.items()),
        (f"still first frame (our {count})", _numbers(still, chosen)),
        (f"this codec, {best.layers} layers (our {count})", _numbers(ours, chosen)),
        (f"better than {RIVAL}?", _judged(ours, others[RIVAL], chosen)),
    ]


def title(results: ValidationResults) -> str:
    """How many clips are steady."""
    return f"steady-camera clips: {sum(seen.steady for seen in results.camera.values())} of {len(results.camera)}"


def caption(results: ValidationResults) -> str:
    """What may be compared with what; `results` holds all clips."""
    names = ", ".join(sorted(name for name, seen in results.camera.items() if seen.steady))
    return (
        f"{title(results).capitalize()} ({names}), chosen by the motion of the source picture's border alone "
        f"(`python -m vqcodec.lab steady`). "
        f"**The clips differ:** the upper rows are {AUTHORS_SOURCE}; the rows with "
        f"our clips are ours, measured the same way. Compare each codec with the still first frame of its own clips. Their "
        f"rates are raw indices or floats, ours is what is in the file. CPBD counts as better within "
        f"{CPBD_TOLERANCE:.0%} of the source's."
    )


def markdown(results: ValidationResults) -> list[str]:
    """The table with its caption, as lines of GitHub Markdown."""
    part = steady_part(results)
    if part is None:
        return ["No steady-camera clip was measured in these results."]
    chosen = columns(part)
    lines = [
        "| | " + " | ".join(name for _, name, _ in chosen) + " |",
        "|---|" + "---:|" * len(chosen),
    ]
    lines += [f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows(part)]
    return [*lines, "", caption(results)]


def lines(path: Path) -> list[str]:
    """The page's part, made from the JSON of a validation."""
    return markdown(ValidationResults.load(path))


def terminal(results: ValidationResults) -> Table | None:
    """The table for a terminal, or None without a steady clip."""
    part = steady_part(results)
    if part is None:
        return None
    made = Table(
        title=f"{title(results)}; * on the published systems' own clips", title_justify="left"
    )
    made.add_column("")
    cells = [row for _, row in rows(part)]
    names = ["still*", *(f"{o.method}*" for o in AUTHORS_CLIPS[1:]), "still", "ours", "better"]
    # 80 columns hold the rival, ours and the two stills
    kept = [
        i
        for i, name in enumerate(names)
        if name in ("still*", f"{RIVAL}*", "still", "ours", "better")
    ]
    for i in kept:
        made.add_column(names[i], justify="right")
    for j, (_, figure, _) in enumerate(columns(part)):
        made.add_row(figure, *(cells[i][j] for i in kept))
    return made
