"""What libraries in C write to standard error on their own, kept off a terminal, in a process that is ours alone.

MediaPipe logs six lines whenever it starts. Neither GLOG_minloglevel, TF_CPP_MIN_LOG_LEVEL, GOOGLE_STDERRTHRESHOLD nor
its logging callback stops them, so only file descriptor 2 is left to turn, and that belongs to the whole process. A
library has no right to it: here nothing happens until a program says `own_stderr()`, as the command line does.

    sys.stderr ----> a descriptor of its own ----> the terminal        always
    C libraries ---> descriptor 2 -------------+-> the terminal
                                               +-> nowhere             inside `quiet()`
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

_STDERR = 2
# SVT-AV1 greets unless its environment says that only errors are wanted
_SETTINGS = {"SVT_LOG": "1"}
_lock = threading.Lock()
_owned = False
_depth = 0
_terminal = -1  # what descriptor 2 was, while it is turned away


def own_stderr() -> bool:
    """Let `quiet()` work in this process, and give `sys.stderr` a descriptor that it doesn't touch. For programs only.

    Libraries that heed a setting are told by it to be silent, unless the user has set it.

    Returns:
        Whether it could be done: not where standard error is closed, or isn't descriptor 2. A second call does nothing.
    """
    global _owned
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    with _lock:
        if _owned:
            return True
        try:
            if sys.stderr is None or sys.stderr.fileno() != _STDERR:
                return False
            sys.stderr.flush()
            own = os.dup(_STDERR)
        except (OSError, ValueError):
            return False
        # by line, as the interpreter's own; it lives as long as the process
        sys.stderr = open(  # noqa: SIM115
            own, "w", buffering=1, encoding=sys.stderr.encoding, errors=sys.stderr.errors
        )
        _owned = True
        return True


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Turn what C libraries write to standard error away; does nothing unless `own_stderr()` was said before.

    Blocks of several threads may overlap: the first to begin turns the descriptor away, the last to end turns it back.
    """
    turned = _turn_away()
    try:
        yield
    finally:
        if turned:
            _turn_back()


@contextlib.contextmanager
def printed_aside() -> Iterator[None]:
    """What a library prints goes to standard error: standard output is for results, in a program of one thread."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


def _turn_away() -> bool:
    global _depth, _terminal
    with _lock:
        if not _owned:
            return False
        if _depth == 0:
            _terminal = os.dup(_STDERR)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, _STDERR)
            os.close(nowhere)
        _depth += 1
        return True


def _turn_back() -> None:
    global _depth, _terminal
    with _lock:
        _depth -= 1
        if _depth == 0:
            os.dup2(_terminal, _STDERR)
            os.close(_terminal)
            _terminal = -1
