"""Bring the tables of a page up to date.

    python -m vqcodec.lab table [PAGE.md ...] [--results DIR] [--only PART] [--check]

A page (by default this folder's README.md, the models' card and the front page) has a place for each part: two comment
lines, which `marked.py` writes. What stands between them is made from the JSON files of a folder (by default results/);
everything else is left alone. `--check` changes nothing and exits with 1 when a page is out of step.

    python -m vqcodec.lab table --finding "What the table shows." --only dub-table-4

puts a sentence into the JSON of a dub's table, to stand under it.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vqcodec.errors import UsageError
from vqcodec.evaluation.tools.files import save_json
from vqcodec.lab import frontpage, resulttable
from vqcodec.lab.command import command, perform
from vqcodec.lab.compare import against, change, long, tables
from vqcodec.lab.dub import closure, redub
from vqcodec.lab.dub import table as dubtable
from vqcodec.lab.faces import crossfigures, frozen, scene
from vqcodec.lab.live import live
from vqcodec.lab.loss import report
from vqcodec.lab.markdown import read
from vqcodec.lab.marked import begin, names, replaced
from vqcodec.lab.paper import codebook_table, papertable, steadytable
from vqcodec.lab.rate import effort, fieldtable, first_portrait, layertable, rates, rdcurve, refs

HERE = Path(__file__).parent
RESULTS = HERE / "results"
PAGES = (
    HERE / "README.md",
    HERE.parent / "models" / "CARD.md",
    HERE.parent.parent / "README.md",
)
COMMAND = command("table")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a page.

    Attributes:
        source: name of the JSON file.
        lines: makes the part's lines from the file.
    """

    source: str
    lines: Callable[[Path], list[str]]


PARTS: Mapping[str, Part] = {
    "results": Part("val.json", resulttable.lines),
    "front-page": Part("val.json", frontpage.lines),
    "steady": Part("val.json", steadytable.lines),
    "rates": Part("rates.json", rates.lines),
    "rate-distortion": Part("rdo.json", rdcurve.lines),
    "loss": Part("loss.json", report.lines),
    "compare": Part(against.NOW, tables.page_part),
    "compare-long": Part("compare-long.json", long.lines),
    "compare-short": Part(against.NOW, tables.short_part),
    "bars": Part("compare-motion-2-renderer-3.json", change.page_part),
    "paper-table-1": Part("val.json", papertable.lines),
    "codebooks": Part("codebooks.json", codebook_table.lines),
    "layers": Part("layers.json", layertable.lines),
    "refs": Part("refs.json", refs.lines),
    "first-portrait": Part("first-portrait.json", first_portrait.lines),
    "frozen": Part("frozen.json", frozen.lines),
    "scene": Part("scene.json", scene.lines),
    "live": Part("live.json", live.lines),
    "effort": Part("effort.json", effort.lines),
    "field": Part("field.json", fieldtable.lines),
    "crossid": Part("crossid.json", crossfigures.lines),
    "dub": Part("dub.json", dubtable.lines),
    "redub": Part("redub.json", redub.lines),
    "closure": Part("closure.json", closure.lines),
    "dub-checks": Part("dubchecks.json", dubtable.lines),
    "dub-table-4": Part("table4.json", dubtable.lines),
}


def update(page: Path, results: Path, only: str | None = None, *, check: bool = False) -> list[str]:
    """Bring a page up to date.

    Args:
        page: the Markdown file.
        results: folder of the JSON files.
        only: this part alone.
        check: change nothing.

    Returns:
        the parts that `check` finds out of step.

    Raises:
        UsageError: the page has a place for no part, not for the wanted one, or for one that nobody knows; or a JSON file
            is something else.
        OSError: a file can't be read.
    """
    wanted = [only] if only is not None else names(page.read_text(encoding="utf-8"))
    if not wanted:
        raise UsageError(
            f"{page} has no place for a part",
            hint=f"Add lines such as {begin('results', COMMAND)}.",
        )
    if unknown := [name for name in wanted if name not in PARTS]:
        raise UsageError(
            f"no part is called {unknown[0]!r}", hint=f"There are: {', '.join(PARTS)}."
        )
    return [
        name
        for name in wanted
        if replaced(
            page, name, COMMAND, PARTS[name].lines(results / PARTS[name].source), check=check
        )
    ]


def put_finding(path: Path, finding: str) -> None:
    """Write a sentence into the JSON of a dub's table.

    Raises:
        UsageError: it holds no such table.
    """
    data = read(path)
    if "kind" not in data:
        raise UsageError(f"{path} holds no results of dubs", hint="Name one with --only.")
    save_json(path, data | {"finding": finding})


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("pages", type=Path, nargs="*", default=PAGES, help="Markdown files")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the JSON files")
    parser.add_argument("--only", metavar="PART", help="this part of the page alone")
    parser.add_argument("--finding", help="sentence to keep in the JSON of --only")
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 if a page is out of step"
    )


def _job(options: Namespace) -> int:
    if options.finding is not None:
        if options.only not in PARTS:
            raise UsageError("--finding belongs to one table", hint="Name it with --only.")
        put_finding(options.results / PARTS[options.only].source, options.finding)
    stale = [
        f"{page}: {name}"
        for page in options.pages
        for name in update(page, options.results, options.only, check=options.check)
    ]
    sys.stderr.write("".join(f"out of step: {line}\n" for line in stale))
    return int(bool(stale))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code: 0, or 1 when --check finds a page out of step."""
    return perform("table", _options, _job, arguments)
