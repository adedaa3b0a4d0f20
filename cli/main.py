"""The `vqcodec` command."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from vqcodec import __version__
from vqcodec.runtime.allocator import tune_allocator
from vqcodec.runtime.native_log import own_stderr

from . import output, signals
from .commands import LazyGroup

app = typer.Typer(
    name="vqcodec",
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Talking-head video at the rate of a modem: portraits, motion tokens and sound in one file.",
)


def _version(wanted: bool) -> None:
    if wanted:
        output.print_lines([f"vqcodec {__version__}"])
        raise typer.Exit()


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks; also VQCODEC_DEBUG=1.")
    ] = False,
) -> None:
    if debug:
        os.environ["VQCODEC_DEBUG"] = "1"


def main() -> None:
    """Entry point; exits with the codes of `guard`."""
    tune_allocator()  # a process of our own: networks run faster on warm pages
    own_stderr()  # likewise: what libraries greet with is kept off the terminal
    signals.keep_descriptors()
    output.name_standard_output()
    signals.watch(signals.leave)  # until a command begins: typer would keep an interrupt to itself
    try:
        app(prog_name="vqcodec")
    except (Exception, KeyboardInterrupt) as failure:
        from . import guard

        sys.exit(guard.report(failure))
