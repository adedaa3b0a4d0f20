"""Tables of further portraits, refinement and cross-identity driving for the page of measured results.

    python -m vqcodec.lab.pages vqcodec/lab/results [--check]

reads refs.json, effort.json and crossid.json in that folder and writes their parts of README.md beside them; `--check`
changes nothing and exits with 1 when the page is out of step.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from vqcodec.errors import UsageError
from vqcodec.evaluation.tools.files import told
from vqcodec.lab.marked import replaced
from vqcodec.lab.rate import effort, refs

COMMAND = "python -m vqcodec.lab.pages"
CROSS = (
    ("id_portrait", "identity distance to the portrait ↓", ".3f"),
    ("id_driver", "to the driver", ".3f"),
    ("id_apart", "portrait and driver apart", ".3f"),
    ("mouth_corr", "mouth opening, correlation with the driver's ↑", ".2f"),
    ("blink_corr", "eye opening", ".2f"),
    ("yaw_corr", "turn", ".2f"),
    ("roll_corr", "tilt", ".2f"),
    ("path_ratio", "length of the path (1 is right)", ".2f"),
)

Data = dict[str, Any]


def _where(data: Data) -> str:
    known = data["conditions"]
    machine = known["machine"]
    return f"{machine['cpu']}, {machine['cores']} cores; {known['date_utc']}; `{known['motion_space']}`, `{known['renderer']}`."


def refs_lines(data: Data) -> list[str]:
    """Of `evaluation.refs`."""
    known = data["conditions"]
    return [
        *refs.show(data["rows"]).splitlines(),
        "",
        f"{known['clips']} clips, every {known['every']}th frame at {known['side_px']}x{known['side_px']}, means over "
        f"frames, then clips; not passed through H.264. {_where(data)}",
    ]


def effort_lines(data: Data) -> list[str]:
    """Of `evaluation.effort`."""
    known = data["conditions"]
    return [
        *effort.show(data["rows"]).splitlines(),
        "",
        f"The first {known['seconds']:g} s of {len(known['clips'])} clips, every frame at "
        f"{known['side_px']}x{known['side_px']}, means over clips; not passed through H.264. {_where(data)}",
    ]


def cross_lines(data: Data) -> list[str]:
    """Of `evaluation.crossid`."""
    found, known = data["summary"], data["conditions"]
    rows = [
        f"| {name} | {found[key]:{form}} |"
        for key, name, form in CROSS
        if found.get(key) is not None
    ]
    met = "met" if found["id_portrait_met"] else "missed"
    return [
        "| mean over pairs | |",
        "|---|---:|",
        *rows,
        "",
        f"{found['pairs']} pairs, 3 s each, every 5th frame; the bar for the first row, {found['id_portrait_bar']:.2f}, "
        f"is {met}; nearer to the portrait than to the driver: {found['portrait_nearer_than_driver']} of {found['pairs']}. "
        f"{known['machine']['cpu']}; {known['date_utc']}.",
    ]


PARTS: dict[str, Callable[[Data], list[str]]] = {
    "refs": refs_lines,
    "effort": effort_lines,
    "crossid": cross_lines,
}


def update(folder: Path, *, check: bool = False) -> int:
    """Bring the page in a folder up to date; 1 when `check` finds it out of step.

    Raises:
        UsageError: a JSON file or the place for its table is missing.
    """
    worst = 0
    for name, lines in PARTS.items():
        path = folder / f"{name}.json"
        if not path.is_file():
            raise UsageError(
                f"{path.name} is not in {folder}",
                hint=f"Make it: python -m vqcodec.evaluation.{name} CORPUS --json {path.name}",
            )
        data = json.loads(path.read_text(encoding="utf-8"))
        worst = max(worst, replaced(folder / "README.md", name, COMMAND, lines(data), check=check))
    return worst


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog=COMMAND, description="Tables of refs.json, effort.json and crossid.json."
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit code 1 when out of step"
    )
    options = parser.parse_args(arguments)
    return told(lambda: update(options.folder, check=options.check))


if __name__ == "__main__":
    sys.exit(main())
