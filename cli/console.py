"""What a person sees: stderr only, so that stdout carries data and nothing else."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from vqcodec.progress import Progress as Callback
from vqcodec.progress import ProgressEvent, silent

err = Console(stderr=True, highlight=False, soft_wrap=True)


def error(message: str, hint: str = "") -> None:
    """One line on what went wrong and, dim, one on what to do."""
    err.print(f"[bold red]error:[/] {escape(message)}")
    if hint:
        err.print(f"[dim]hint: {escape(hint)}[/]")


def warning(message: str) -> None:
    err.print(f"[yellow]warning:[/] {escape(message)}")


def note(message: str) -> None:
    err.print(escape(message))


def traceback() -> None:
    """The exception being handled, for --debug."""
    err.print_exception(width=None, word_wrap=True)


class Bar:
    """Draws ProgressEvents: one line per stage with frames per second, kbit/s and the time left."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._stage = ""
        self._task: TaskID | None = None
        self._since = 0.0

    def __call__(self, event: ProgressEvent) -> None:
        total, done = _extent(event)
        if event.stage != self._stage or self._task is None:
            self._stage, self._since = event.stage, time.monotonic()
            self._task = self._progress.add_task(event.stage, total=total, facts="")
        elapsed = time.monotonic() - self._since
        facts = [] if event.message and not event.frames else [f"{event.frames} {event.unit}"]
        if event.message:
            facts.append(escape(event.message))
        if elapsed > 0.2 and event.unit == "frames":
            facts.append(f"{event.frames / elapsed:.1f} fps")
        if event.file_bytes and event.media_s > 0:
            facts.append(f"{event.file_kbps:.1f} kbit/s")
        self._progress.update(self._task, completed=done, total=total, facts="  ".join(facts))


def _extent(event: ProgressEvent) -> tuple[float | None, float]:
    """Total and done in one unit: frames when their number is known, else seconds."""
    if event.total_frames is not None:
        return float(max(event.total_frames, event.frames)), float(event.frames)
    if event.total_s is not None:
        return float(max(event.total_s, event.media_s)), float(event.media_s)
    return None, float(event.frames)


@contextmanager
def progress_bar() -> Iterator[Callback]:
    """A progress callback that draws on stderr, or does nothing when stderr is no terminal."""
    if not err.is_terminal or os.environ.get("TERM") == "dumb":
        yield silent
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:>8}"),
        BarColumn(bar_width=32),
        TextColumn("{task.fields[facts]}"),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=err, transient=True, refresh_per_second=8) as progress:
        yield Bar(progress)
