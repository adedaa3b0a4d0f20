"""Stages that run at the same time: each generator in its own thread, joined by short queues.

    frames = overlapped(source.items(), depth=8)        # decodes while ...
    faces = overlapped(face_frames(frames, ...), depth=8)   # ... landmarks are found, while ...
    for item in faces: ...                              # ... the caller writes

Order is kept, at most `depth` items wait between two stages, an exception in a stage comes out of the caller's loop,
and closing the last generator (leaving its loop with an exception, Ctrl-C too) stops all of them before it returns.
The stages spend their time in libraries that release the interpreter lock: FFmpeg, MediaPipe, torch.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
_POLL_S = 0.1
_STOP_WAIT_S = 5.0


@dataclass(frozen=True, slots=True)
class _End:
    """Last item of a queue: the stage is over, with the exception that ended it, if any."""

    error: BaseException | None = None


class _Stage(Generic[T]):
    """A thread that runs an iterable into a bounded queue."""

    def __init__(self, items: Iterable[T], depth: int) -> None:
        self._items = items
        self._stop = threading.Event()
        self.queue: queue.Queue[T | _End] = queue.Queue(depth)
        # a daemon: a read from a pipe that never comes back must not keep an interrupted program alive
        self.thread = threading.Thread(target=self._run, name="vqcodec-stage", daemon=True)

    def _put(self, item: T | _End) -> bool:
        while not self._stop.is_set():
            with contextlib.suppress(queue.Full):
                self.queue.put(item, timeout=_POLL_S)
                return True
        return False

    def _run(self) -> None:
        end = _End()
        try:
            for item in self._items:
                if not self._put(item):
                    break
        except BaseException as error:
            end = _End(error)
        finally:
            close = getattr(self._items, "close", None)
            if close is not None:
                with contextlib.suppress(Exception):
                    close()
        self._put(end)

    def get(self) -> T | _End:
        """The next item; polls, so that Ctrl-C works where waiting for a lock can't be interrupted (Windows)."""
        while True:
            with contextlib.suppress(queue.Empty):
                return self.queue.get(timeout=1.0)

    def stop(self) -> None:
        """Stop the thread after the item it is working on, and wait for it, but not for a pipe that stays silent."""
        self._stop.set()
        # the collector may finish a forgotten generator in any thread, this one too
        if self.thread is not threading.current_thread():
            self.thread.join(_STOP_WAIT_S)


def overlapped(items: Iterable[T], *, depth: int) -> Generator[T, None, None]:
    """The same items, made in a background thread from the first `next()` on.

    Args:
        items: a generator or iterable; used, and closed if it can be, in that thread only.
        depth: items that may wait.

    Raises:
        BaseException: whatever `items` raised, after the items before it.
    """
    stage = _Stage(items, depth)
    stage.thread.start()
    try:
        while True:
            item = stage.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        stage.stop()
