"""Where the `vqcodec` command begins: before anything is imported, so that an interrupt then is told as later ones are."""

from __future__ import annotations

from . import signals


def main() -> None:
    """Entry point of the installed command and of `python -m vqcodec_cli`."""
    signals.keep_descriptors()
    signals.watch(signals.leave)
    from .main import main as run

    run()
