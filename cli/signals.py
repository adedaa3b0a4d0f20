"""Signals that end a program: an exception first, so that no half of a file stays; the end at once if they come again."""

from __future__ import annotations

import os
import signal
import sys
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
    def __init__(self) -> None:
        self._stopping = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self._stopping:
            leave(number, frame)
        self._stopping = True
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise Stopped(number)


def leave(number: int, frame: FrameType | None) -> None:
    """End at once, with the files removed that are only begun."""
    pending = sys.modules.get("vqcodec.media.out.pending")
    if pending is not None:
        pending.discard_all()
    if number == signal.SIGINT:
        os.write(2, b"error: interrupted\n")
    os._exit(_OF_A_SIGNAL + number)


def watch(handler: signal._HANDLER) -> None:
    """Set a handler for the signals that end a program, but for those that whoever started it wants ignored."""
    for name in _ENDING:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def stop_tidily() -> None:
    """From now on such a signal is raised as KeyboardInterrupt, or as Stopped."""
    watch(_Stopper())
