"""From exceptions to exit codes: 0 ok, 1 unexpected, 2..8 as `vqcodec.errors` says, 130 interrupted."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import ParamSpec

import typer

from vqcodec.errors import VqcodecError

from . import console

INTERRUPTED = 130
UNEXPECTED = 1

P = ParamSpec("P")


def debugging() -> bool:
    """Whether tracebacks are wanted (--debug, or VQCODEC_DEBUG=1)."""
    return os.environ.get("VQCODEC_DEBUG", "") not in ("", "0")


def report(failure: BaseException) -> int:
    """Tell a person about a failure, on stderr, and return the exit code for it."""
    if isinstance(failure, BrokenPipeError) or isinstance(failure.__cause__, BrokenPipeError):
        # the reader has left: nothing to say, and the interpreter must not complain while it flushes
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNEXPECTED
    if debugging():
        console.traceback()
    if isinstance(failure, VqcodecError):
        console.error(str(failure), failure.hint)
        return failure.exit_code
    if isinstance(failure, KeyboardInterrupt):
        console.error("interrupted")
        return INTERRUPTED
    console.error(
        f"unexpected {type(failure).__name__}: {failure}",
        "" if debugging() else "Run it again with --debug for a traceback, and report it.",
    )
    return UNEXPECTED


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """Wrap a command so that no exception but typer's own leaves it.

    It is done here, inside the command, because click takes any EOFError for the end of a dialogue, and
    `vqcodec.errors.TruncatedError` is one.
    """

    @functools.wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except (Exception, KeyboardInterrupt) as failure:
            raise typer.Exit(report(failure)) from None

    return wrapper
