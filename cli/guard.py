"""From exceptions to exit codes: 0 ok, 1 unexpected, 2..9 as `vqcodec.errors` says, 128 and more: a signal."""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Callable
from typing import ParamSpec

import typer

from vqcodec.errors import BrokenInstallError, MediaError, VqcodecError
from vqcodec.media.system import system_error

from . import console
from .signals import Stopped, reason, tidy_end

INTERRUPTED = 130
UNEXPECTED = 1

P = ParamSpec("P")


def debugging() -> bool:
    """Whether tracebacks are wanted (--debug, or VQCODEC_DEBUG=1)."""
    return os.environ.get("VQCODEC_DEBUG", "") not in ("", "0")


def report(failure: BaseException) -> int:
    """Tell a person about a failure, on stderr, and return the exit code for it."""
    console.silence(sys.stdout)
    failure = reason() or failure
    if isinstance(failure, OSError) and not isinstance(failure, VqcodecError):
        failure = _named(failure)
    if isinstance(failure, ImportError) and not isinstance(failure, VqcodecError):
        failure = _missing(failure)
    if isinstance(failure.__cause__, BrokenPipeError):
        return MediaError.exit_code  # the reader has left: nothing to say
    if debugging():
        console.traceback()
    if isinstance(failure, VqcodecError):
        console.error(str(failure), failure.hint)
        return failure.exit_code
    if isinstance(failure, Stopped):
        console.error(f"stopped by {signal.Signals(failure.number).name}")
        return failure.exit_code
    if isinstance(failure, KeyboardInterrupt):
        console.error("interrupted")
        return INTERRUPTED
    console.error(
        f"unexpected {type(failure).__name__}: {failure}",
        "" if debugging() else "Run it again with --debug for a traceback, and report it.",
    )
    return UNEXPECTED


def _named(failure: OSError) -> MediaError:
    """What the system refuses is no fault of this program's, wherever it happens."""
    told = system_error(failure, failure.filename or "a file", "read or write")
    told.__cause__ = failure
    return told


def _missing(failure: ImportError) -> VqcodecError:
    """A package that can't be imported is for the user to bring."""
    from vqcodec.runtime.extras import MissingExtraError, extra_of, install_hint

    extra = extra_of(failure.name or "")
    if extra is None:
        return BrokenInstallError(
            f"a package can't be imported: {failure}", hint="Install vqcodec anew."
        )
    return MissingExtraError(f"this needs the extra [{extra}]: {failure}", hint=install_hint(extra))


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """Wrap a command so that no exception but typer's own leaves it.

    It is done here, inside the command, because click takes any EOFError for the end of a dialogue, and
    `vqcodec.errors.TruncatedError` is one.
    """

    @functools.wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        with tidy_end():
            try:
                command(*args, **kwargs)
            except (typer.Exit, typer.Abort, typer.BadParameter):
                raise
            except (Exception, KeyboardInterrupt) as failure:
                raise typer.Exit(report(failure)) from None

    return wrapper
