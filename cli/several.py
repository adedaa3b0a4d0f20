"""Several inputs in one call, `vqcodec encode a.mp4 b.mp4 clips/ --out-dir coded`: what each becomes, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import typer

from vqcodec.errors import UsageError
from vqcodec.media.picture.formats import VIDEO_SUFFIXES

from . import console, guard, output
from .shared import default_target

Pair: TypeAlias = tuple[str, str]
"""Source and target."""


def pairs(named: Sequence[str], out_dir: Path | None, suffix: str) -> list[Pair]:
    """Sources and targets of what was named on the command line.

    Args:
        named: without `out_dir` a source and perhaps its target; with it any number of sources, folders among them.
        out_dir: where targets go.
        suffix: of a target that isn't named.

    Raises:
        UsageError: too many names, a folder or standard input where they can't be, or two sources of one target.
    """
    if out_dir is None:
        if len(named) > 2:
            raise UsageError(
                f"{len(named)} files are named: one input and one output at most",
                hint="With --out-dir FOLDER every file is an input, and their outputs go there.",
            )
        if Path(named[0]).is_dir():
            raise UsageError(
                f"{named[0]} is a folder", hint="--out-dir FOLDER says where its videos go."
            )
        return [(named[0], named[1] if len(named) == 2 else default_target(named[0], suffix))]
    sources = [source for name in named for source in _sources(name)]
    targets = [str(out_dir / Path(source).with_suffix(suffix).name) for source in sources]
    for number, target in enumerate(targets):
        first = targets.index(target)
        if first != number:
            raise UsageError(
                f"{sources[first]} and {sources[number]} would both become {target}",
                hint="Code them into different folders.",
            )
    return list(zip(sources, targets, strict=True))


def _sources(name: str) -> list[str]:
    """A file, or the videos of a folder by name."""
    if name == "-":
        raise UsageError(
            "standard input has no name for --out-dir", hint="Name an output instead: - OUT.vqt"
        )
    if not Path(name).is_dir():
        return [name]
    found = sorted(p for p in Path(name).iterdir() if p.suffix.lower() in VIDEO_SUFFIXES)
    if not found:
        raise UsageError(f"there is no video in {name}", hint="Name the files themselves.")
    return [str(path) for path in found]


def each(
    todo: Sequence[Pair],
    action: Callable[[str, str], Any],
    show: Callable[[Any, str], None],
    *,
    as_json: bool,
) -> None:
    """Work on all, one after the other; one that fails is told, and the others go on.

    Args:
        todo: sources and targets; the folder of the first target is made.
        action: makes a report of a source and a target.
        show: tells a report.
        as_json: one object for all of them instead, at the end.

    Raises:
        typer.Exit: some failed; with the exit code of the first of those.
    """
    Path(todo[0][1]).parent.mkdir(parents=True, exist_ok=True)
    reports, code = [], 0
    for number, (source, target) in enumerate(todo, 1):
        console.note(f"{number} of {len(todo)}: {source}")
        try:
            report = action(source, target)
        except Exception as failure:
            console.warning(f"{source} is left out")
            code = code or guard.report(failure)
            continue
        reports.append({"source": source, "target": target, **report.to_json()})
        if not as_json:
            show(report, target)
    if as_json:
        output.print_report({"reports": reports})
    if code:
        raise typer.Exit(code)
