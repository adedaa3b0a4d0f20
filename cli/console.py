"""What a person sees: stderr only, so that stdout carries data and nothing else."""

from __future__ import annotations

import functools
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from vqcodec.progress import Progress as Callback
from vqcodec.progress import ProgressEvent, silent

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

_quiet = False


@functools.cache
def err() -> Console:
    """What draws on standard error; rich is imported when there is something to say."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def be_quiet(wanted: bool = True) -> None:
    """From now on only errors and warnings are shown."""
    global _quiet
    _quiet = wanted


def error(message: str, hint: str = "") -> None:
    """One line on what went wrong and, dim, one on what to do."""
    with _heard_or_not():
        err().print(f"[bold red]error:[/] {_escape(message)}")
        if hint:
            err().print(f"[dim]hint: {_escape(hint)}[/]")


def warning(message: str) -> None:
    with _heard_or_not():
        err().print(f"[yellow]warning:[/] {_escape(message)}")


def note(message: str) -> None:
    if not _quiet:
        with _heard_or_not():
            err().print(_escape(message))


def traceback() -> None:
    """The exception being handled, for --debug."""
    with _heard_or_not():
        err().print_exception(width=None, word_wrap=True)


def silence(stream: TextIO | None) -> None:
    """Let what a standard stream still holds go nowhere if nobody takes it: the interpreter would complain at its end."""
    if stream is None:
        return
    try:
        stream.flush()
    except (OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


@contextmanager
def _heard_or_not() -> Iterator[None]:
    """What can't be told, on a full disk for one, neither ends the work nor changes its exit code."""
    try:
        yield
    except (OSError, ValueError):
        silence(sys.stderr)


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)


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
            facts.append(_escape(event.message))
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
    """A progress callback that draws on stderr, or does nothing when stderr is no terminal, or with --quiet.

    On a terminal it says at once that something has begun: what a command imports behind it may take seconds.
    """
    if _quiet or not err().is_terminal or os.environ.get("TERM") == "dumb":
        yield silent
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:>8}"),
        BarColumn(bar_width=32),
        TextColumn("{task.fields[facts]}"),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=err(), transient=True, refresh_per_second=8) as progress:
        starting = progress.add_task("starting", total=None, facts="loading")
        bar = Bar(progress)

        def show(event: ProgressEvent) -> None:
            progress.update(starting, visible=False)
            bar(event)

        yield show
