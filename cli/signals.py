"""Signals that end a program: an exception first, so that no half of a file stays; the end at once if they come again.

And the standard descriptors, which whoever starts a program may have closed.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_ENDING = ("SIGINT", "SIGTERM", "SIGHUP")
_OF_A_SIGNAL = 128


class Stopped(KeyboardInterrupt):
    """A signal asked the program to end.

    Attributes:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number

    @property
    def exit_code(self) -> int:
        """As a shell shows a program that a signal ended."""
        return _OF_A_SIGNAL + self.number


class _Stopper:
    """Attribute `reason`: what was raised for the first signal, None before."""

    def __init__(self) -> None:
        self.reason: KeyboardInterrupt | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.reason is not None:
            leave(number, frame)
        self.reason = KeyboardInterrupt() if number == signal.SIGINT else Stopped(number)
        raise self.reason


def leave(number: int, frame: FrameType | None) -> None:
    """End at once, with the files removed that are only begun."""
    pending = sys.modules.get("vqcodec.media.out.pending")
    if pending is not None:
        pending.discard_all()
    told = "interrupted" if number == signal.SIGINT else f"stopped by {signal.Signals(number).name}"
    with suppress(OSError):
        os.write(2, f"error: {told}\n".encode())
    os._exit(_OF_A_SIGNAL + number)


def reason() -> KeyboardInterrupt | None:
    """The signal that ends this program, if one does: libraries turn what it raises into errors of their own."""
    handler = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    return next((h.reason for h in handler if isinstance(h, _Stopper)), None)


def watch(handler: signal._HANDLER) -> None:
    """Set a handler for the signals that end a program, but for those that whoever started it wants ignored."""
    for name in _ENDING:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


@contextmanager
def tidy_end() -> Iterator[None]:
    """Inside the block such a signal is raised as KeyboardInterrupt, or as Stopped; only the first thread can have it so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        name: signal.getsignal(getattr(signal, name)) for name in _ENDING if hasattr(signal, name)
    }
    watch(_Stopper())
    try:
        yield
    finally:
        for name, handler in before.items():
            if handler is not None:
                signal.signal(getattr(signal, name), handler)


def keep_descriptors() -> None:
    """Where 0, 1 or 2 is closed, put nothing there: the next file to be opened would get the number, and what is printed."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
