"""Two threads that render, or measure, at the same time, each with half of the cores.

Much of a frame is done by one core: small tensors, OpenCV, Python. With all cores on one batch they wait for each other
meanwhile; with two batches of half the size they don't. Frames of a batch don't depend on each other, so pictures are the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

PARTS = 2

Rows = NDArray[Any]


def _take_threads(count: int) -> None:
    """Let the calling thread, and only it, use `count` cores in torch."""
    torch.get_num_threads()  # the first look in a thread takes over the process' number; later ones don't
    torch.set_num_threads(count)


class Workers:
    """Runs a function of rows on two halves of them at once.

    Args:
        threads: torch's number of threads, of which each half gets half; at least 2.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._pool = ThreadPoolExecutor(
            PARTS, "vqcodec-render", _take_threads, (max(threads // PARTS, 1),)
        )
        met = threading.Barrier(PARTS)
        list(
            self._pool.map(lambda _: met.wait(), range(PARTS))
        )  # both threads have begun, so the number can be put back
        torch.set_num_threads(threads)

    def __call__(self, function: Callable[[Rows], NDArray[Any]], rows: Rows) -> NDArray[Any]:
        """`function` of (N, ...) rows, N > 1, made of both halves in order."""
        middle = (len(rows) + 1) // 2
        return np.concatenate(list(self._pool.map(function, (rows[:middle], rows[middle:]))))


class Halves:
    """Workers for torch's number of threads, made when first needed, and once where several threads need them."""

    _beginning = (
        threading.Lock()
    )  # of all renderers: while workers begin, torch's number of threads is another

    def __init__(self) -> None:
        self._workers: Workers | None = None

    def workers(self) -> Workers | None:
        """What runs two halves at once; None on one core."""
        with self._beginning:
            threads = torch.get_num_threads()
            if threads == 1:
                return None
            if self._workers is None or self._workers.threads != threads:
                self._workers = Workers(threads)
            return self._workers
