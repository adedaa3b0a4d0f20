"""A batch from its manifest to its end: what is done stays done, what failed for the machine's sake is tried again."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vqcodec.batch import cluster, local
from vqcodec.batch.ledger import Entry, Ledger, as_csv
from vqcodec.batch.options import options_of
from vqcodec.batch.places import sizes_of
from vqcodec.batch.tasks import Task, distinct, manifest, read_manifest
from vqcodec.config import RuntimeOptions
from vqcodec.errors import OutputExistsError, UsageError
from vqcodec.media.out.atomic import atomic_output
from vqcodec.media.system import system_faults
from vqcodec.progress import Progress, ProgressEvent, silent
from vqcodec.runtime.device import usable_cores

MANIFEST, LEDGER, TABLE, LOCK, WORK = (
    "manifest.jsonl",
    "ledger.jsonl",
    "ledger.csv",
    "batch.lock",
    "work",
)
Backend = Callable[[Sequence[Task], int], Iterator[Entry]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSettings:
    """How a batch is run.

    Attributes:
        state: folder for manifest, ledger and work that isn't whole; made if need be.
        jobs: workers; None takes one for two cores of this machine, or of the cluster.
        retries: further tries of what failed for the machine's sake, within this run.
        timeout_s: a task that takes longer is ended, and failed for the machine's sake; not on a cluster.
        force: replace outputs that are there before the batch begins.
        again: try what failed for the input's sake, too.
        cluster: address of a Ray cluster, or "local" for one on this machine; None works without Ray.
        runtime: of each worker's Codec.
    """

    state: Path
    jobs: int | None = None
    retries: int = 2
    timeout_s: float | None = None
    force: bool = False
    again: bool = False
    cluster: str | None = None
    runtime: RuntimeOptions = field(default_factory=RuntimeOptions)


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What became of a batch.

    Attributes:
        total: tasks of the manifest.
        done: of them, those that are made, in this run or before.
        made: in this run.
        failed: the last entries of those that aren't made.
        frames, media_s: of what this run made.
        elapsed_s: wall-clock seconds of this run.
        state: where manifest and ledger lie.
    """

    total: int
    done: int
    made: int
    failed: tuple[Entry, ...]
    frames: int
    media_s: float
    elapsed_s: float
    state: Path

    @property
    def exit_code(self) -> int:
        """0, or what the first failed task would have exited with."""
        return next((entry.exit_code or 1 for entry in self.failed), 0)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready fields, named with units."""
        kinds = ("input-failed", "machine-failed")
        return {
            "tasks": self.total,
            "done": self.done,
            "made_now": self.made,
            **{
                kind.replace("-", "_"): [
                    {"input": e.input, "exit_code": e.exit_code, "error": e.error, "hint": e.hint}
                    for e in self.failed
                    if e.state == kind
                ]
                for kind in kinds
            },
            "frames": self.frames,
            "media_s": round(self.media_s, 3),
            "elapsed_s": round(self.elapsed_s, 3),
            "frames_per_s": round(self.frames / self.elapsed_s, 2) if self.elapsed_s else 0.0,
            "state": str(self.state),
        }


def run(tasks: Sequence[Task], settings: BatchSettings, progress: Progress = silent) -> BatchReport:
    """Do what of a batch isn't done yet.

    Args:
        tasks: all of them; those that the folder's manifest has and these haven't are kept in it, but not done.
        settings: see BatchSettings.
        progress: called when a task ends.

    Returns:
        what became of them. Failed tasks don't raise.

    Raises:
        OutputExistsError: an output was there before the batch, and `force` is false; before anything is done.
        UsageError: options that a job doesn't have, or another batch runs in the same folder.
        MediaError: manifest or ledger can't be read or written.
        MissingExtraError: what runs the workers isn't installed.
    """
    if settings.jobs is not None and settings.jobs < 1:
        raise UsageError("a batch needs at least one worker")
    for task in tasks:
        options_of(task.do, task.options)
    with system_faults(settings.state, "write"):
        settings.state.mkdir(parents=True, exist_ok=True)
    with _alone(settings.state):
        ledger = Ledger(settings.state / LEDGER)
        _write_manifest(tasks, settings)
        try:
            return _Run(tasks, settings, ledger, progress).run()
        finally:
            shutil.rmtree(settings.state / WORK, ignore_errors=True)
            with atomic_output(settings.state / TABLE, force=True) as sink:
                sink.write(as_csv(ledger.last.values()).encode())


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(state / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UsageError(
            f"another batch runs in {state}", hint="Wait for it, or give this one its own --state."
        ) from None
    try:
        yield
    finally:
        lock.release()


def _write_manifest(tasks: Sequence[Task], settings: BatchSettings) -> None:
    """Add what is new to the manifest, before anything is done."""
    path = settings.state / MANIFEST
    before = read_manifest(path) if path.exists() else []
    known = {task.id for task in before}
    fresh = [task for task in tasks if task.id not in known]
    there = [] if settings.force else list(sizes_of(task.output for task in fresh))
    if there:
        others = f" and {len(there) - 1} others" if len(there) > 1 else ""
        raise OutputExistsError(
            f"{there[0]}{others} exist" + "s" * (not others),
            hint="Choose another --out, or replace them with --force.",
        )
    outputs = {task.output for task in fresh}
    kept = [task for task in before if task.output not in outputs]
    with atomic_output(path, force=True) as sink:
        sink.write(manifest(distinct([*kept, *fresh])).encode())


class _Run:
    """One run."""

    def __init__(
        self, tasks: Sequence[Task], settings: BatchSettings, ledger: Ledger, progress: Progress
    ) -> None:
        self._tasks, self._settings, self._ledger = tasks, settings, ledger
        self._progress, self._start = progress, time.monotonic()
        self._left = self._ended = self._made = self._frames = 0
        self._media_s = 0.0

    def run(self) -> BatchReport:
        todo = self._todo()
        self._left = len(todo)
        backend = self._backend()
        for attempt in range(1, self._settings.retries + 2):
            self._tell()
            again = set()
            for entry in backend(todo, attempt) if todo else ():
                self._ledger.add(entry)
                last = attempt > self._settings.retries
                if entry.state == "machine-failed" and not last:
                    again.add(entry.task)
                else:
                    self._ended += 1
                if entry.state == "done":
                    self._made += 1
                    self._frames += entry.frames
                    self._media_s += entry.media_s
                self._tell()
            todo = [task for task in todo if task.id in again]
        return self._report()

    def _todo(self) -> list[Task]:
        """The tasks that aren't done."""
        last = self._ledger.last
        done = {t.id for t in self._tasks if t.id in last and last[t.id].state == "done"}
        sizes = sizes_of(task.output for task in self._tasks if task.id in done)

        def is_left(task: Task) -> bool:
            if task.id in done:
                return sizes.get(task.output) != last[task.id].bytes
            failed = task.id in last and last[task.id].state == "input-failed"
            return not failed or self._settings.again

        return [task for task in self._tasks if is_left(task)]

    def _backend(self) -> Backend:
        settings = self._settings
        if settings.cluster is not None:
            address = settings.cluster
            return lambda todo, attempt: cluster.entries(
                todo, attempt, address=address, jobs=settings.jobs, runtime=settings.runtime
            )
        jobs = settings.jobs or max(1, usable_cores() // 2)
        work = settings.state / WORK
        work.mkdir(exist_ok=True)
        return lambda todo, attempt: local.entries(
            todo,
            attempt,
            jobs=jobs,
            runtime=settings.runtime,
            folder=work,
            timeout_s=settings.timeout_s,
        )

    def _tell(self) -> None:
        elapsed = time.monotonic() - self._start
        failed = self._ended - self._made
        words = [f"{failed} failed"] * bool(failed)
        if self._made:
            words.append(f"{self._frames / elapsed:.0f} frames/s")
            words.append(
                f"about {_length(elapsed / self._ended * (self._left - self._ended))} left"
            )
        self._progress(
            ProgressEvent(
                "batch",
                frames=self._ended,
                total_frames=self._left,
                unit="files",
                message=", ".join(words),
            )
        )

    def _report(self) -> BatchReport:
        last = [self._ledger.last.get(task.id) for task in self._tasks]
        failed = tuple(entry for entry in last if entry is not None and entry.state != "done")
        return BatchReport(
            total=len(self._tasks),
            done=sum(entry is not None and entry.state == "done" for entry in last),
            made=self._made,
            failed=failed,
            frames=self._frames,
            media_s=self._media_s,
            elapsed_s=time.monotonic() - self._start,
            state=self._settings.state,
        )


def _length(seconds: float) -> str:
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
