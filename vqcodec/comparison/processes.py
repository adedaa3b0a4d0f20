"""The processes that a comparison's work is shared out over, or the one process that does it all."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from typing import Any

from vqcodec.comparison.task import Task
from vqcodec.comparison.worker import Worker
from vqcodec.runtime.device import usable_cores

_POLL_S = 0.5


# of this process: its networks are loaded once; and where it reports what it has done
_worker: Worker | None = None


_tell: Callable[[str], object] = str


Job = tuple[Callable[..., Any], tuple[Any, ...]]


class Hands:
    """Does jobs in this process or in several others."""

    def __init__(self, pool: ProcessPoolExecutor | None, told: Any) -> None:
        self._pool, self._told = pool, told
        self._others = set(multiprocessing.active_children())

    def all(self, jobs: Sequence[Job], done: Callable[[str], None]) -> list[Any]:
        """Results in the order of the jobs; the first error stops the rest."""
        global _tell
        if self._pool is None:
            _tell = done
            return [job(*arguments) for job, arguments in jobs]
        futures: list[Future[Any]] = [self._pool.submit(job, *arguments) for job, arguments in jobs]
        left = set(futures)
        try:
            while left:
                finished, left = wait(left, timeout=_POLL_S, return_when=FIRST_EXCEPTION)
                for future in finished:
                    future.result()
                self._drain(done)
        except BaseException:
            # a task may take minutes, and nothing is lost: what it measured is stored point by point
            self._pool.shutdown(wait=False, cancel_futures=True)
            for child in set(multiprocessing.active_children()) - self._others:
                child.terminate()
            raise
        self._drain(done)
        return [future.result() for future in futures]

    def _drain(self, done: Callable[[str], None]) -> None:
        while True:
            try:
                done(self._told.get_nowait())
            except queue.Empty:
                return


@contextmanager
def hands(jobs: int) -> Iterator[Hands]:
    """Processes for so many jobs at once, each with its share of the cores; 1 stands for this process."""
    global _worker
    if jobs == 1:
        try:
            yield Hands(None, None)
        finally:
            if _worker is not None:
                _worker.close()
            _worker = None
        return
    context = multiprocessing.get_context("spawn")
    threads = max(1, usable_cores() // jobs)
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = str(threads)  # read when a process starts
    try:
        with context.Manager() as manager:
            told = manager.Queue()
            with ProcessPoolExecutor(
                jobs, mp_context=context, initializer=_begin, initargs=(threads, told.put)
            ) as pool:
                yield Hands(pool, told)
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before


def tell(text: str) -> None:
    """Report, from whatever process this is, that something is done."""
    _tell(text)


def _begin(threads: int, report: Callable[[str], None]) -> None:
    """A worker process starts: its share of the cores."""
    import torch

    from vqcodec.runtime.allocator import tune_allocator
    from vqcodec.runtime.native_log import own_stderr

    global _tell
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C goes to the whole group; the first process ends the others
    tune_allocator()
    own_stderr()
    torch.set_num_threads(threads)
    _tell = report


def do(task: Task) -> dict[str, str]:
    """Run one task in this process; tells which metrics are absent."""
    global _worker
    _worker = _worker or Worker()
    _worker.run(task, tell)
    return _worker.absent
