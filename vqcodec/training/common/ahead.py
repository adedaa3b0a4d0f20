"""Batches made one ahead by a thread: numpy and OpenCV release the interpreter lock."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Iterator[T], depth: int = 4) -> Iterator[T]:
    """The same endless items; an error in making them is raised here."""
    ready: queue.Queue[T | BaseException] = queue.Queue(depth)

    def fill() -> None:
        try:
            for item in items:
                ready.put(item)
        except BaseException as error:
            ready.put(error)

    threading.Thread(target=fill, daemon=True).start()
    while True:
        item = ready.get()
        if isinstance(item, BaseException):
            raise item
        yield item
