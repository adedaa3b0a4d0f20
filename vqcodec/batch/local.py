"""Workers on this machine: processes, each with its own models. One that dies costs the task it was at, and is replaced."""

from __future__ import annotations

import multiprocessing
import queue
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from vqcodec.batch.ledger import Entry
from vqcodec.batch.tasks import Task
from vqcodec.batch.work import Worker
from vqcodec.config import RuntimeOptions
from vqcodec.runtime.device import usable_cores
from vqcodec.runtime.extras import check_extra

_AHEAD = 2
"""Tasks that wait for each worker: enough that none waits for us."""

_worker: Worker | None = None


def lost(task: Task, attempt: int, why: str) -> Entry:
    """The entry of a task whose worker is gone."""
    return Entry.of(task, "machine-failed", exit_code=1, error=why, attempt=attempt)


def entries(
    tasks: Sequence[Task],
    attempt: int,
    *,
    jobs: int,
    runtime: RuntimeOptions,
    folder: Path,
    timeout_s: float | None,
) -> Iterator[Entry]:
    """Do tasks; their entries come as they end. Closing the iterator stops the workers.

    Args:
        tasks: what to do.
        attempt: which try this is.
        jobs: processes.
        runtime: of their Codec; threads None shares the cores between them.
        folder: for files that aren't whole yet.
        timeout_s: a task that takes longer is ended, with its worker.

    Raises:
        MissingExtraError: pebble isn't installed.
    """
    check_extra("batch", "a batch on this machine")
    from pebble import ProcessPool

    threads = runtime.threads or max(1, usable_cores() // jobs)
    pool: Any = ProcessPool(
        max_workers=jobs,
        initializer=_begin,
        initargs=(replace(runtime, threads=threads), folder),
        context=multiprocessing.get_context("spawn"),
    )
    try:
        for task, future in _ended(
            tasks,
            lambda task: pool.schedule(_do, (task, attempt), timeout=timeout_s),
            jobs * _AHEAD,
        ):
            yield _entry(task, attempt, future, timeout_s)
    finally:
        pool.stop()
        pool.join()


def _ended(
    tasks: Iterable[Task], start: Callable[[Task], Future[Any]], ahead: int
) -> Iterator[tuple[Task, Future[Any]]]:
    """Start tasks, so many ahead of those that have ended; gives each as it ends."""
    ended: queue.SimpleQueue[tuple[Task, Future[Any]]] = queue.SimpleQueue()
    waiting, under_way = iter(tasks), 0
    while True:
        for task in islice(waiting, ahead - under_way):
            start(task).add_done_callback(partial(_put, ended, task))
            under_way += 1
        if not under_way:
            return
        yield ended.get()
        under_way -= 1


def _put(
    ended: queue.SimpleQueue[tuple[Task, Future[Any]]], task: Task, future: Future[Any]
) -> None:
    ended.put((task, future))


def _entry(task: Task, attempt: int, future: Future[Any], timeout_s: float | None) -> Entry:
    from pebble import ProcessExpired

    try:
        entry: Entry = future.result()
        return entry
    except TimeoutError:
        return lost(task, attempt, f"it took longer than {timeout_s:g} s")
    except ProcessExpired as error:
        return lost(task, attempt, f"its worker ended: {error}")
    except (CancelledError, Exception) as error:
        return lost(task, attempt, f"its worker failed: {type(error).__name__}: {error}")


def _begin(runtime: RuntimeOptions, folder: Path) -> None:
    global _worker
    from vqcodec.runtime.allocator import tune_allocator

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started us is told, and ends us
    tune_allocator()
    _worker = Worker(runtime, folder)


def _do(task: Task, attempt: int) -> Entry:
    assert _worker is not None
    # so that files in the making go; between tasks, and while the process ends, a signal ends it without a word
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        return _worker(task, attempt)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
