"""Where the `vqcodec` command begins: before anything is imported, so that an interrupt then is told as later ones are."""

from __future__ import annotations

import os

from . import signals


def main() -> None:
    """Entry point of the installed command and of `python -m vqcodec_cli`."""
    _keep_standard_descriptors()
    signals.watch(signals.leave)
    from .main import main as run

    signals.stop_tidily()
    run()


def _keep_standard_descriptors() -> None:
    """Where 0, 1 or 2 is closed, put nothing there: the next file to be opened would get the number, and what is printed."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
