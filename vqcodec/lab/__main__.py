"""`python -m vqcodec.lab NAME ...`: the one entry to all experiments; `--help` lists them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from vqcodec.errors import UsageError
from vqcodec.lab.command import EXPERIMENTS
from vqcodec.runtime.native_log import own_stderr


def listing() -> str:
    """All experiments, a line each."""
    width = max(map(len, EXPERIMENTS))
    return "\n".join(
        [
            "usage: python -m vqcodec.lab NAME ...",
            "",
            "Experiments (each has its own --help):",
            *(f"  {name:<{width}}  {known.summary}" for name, known in EXPERIMENTS.items()),
            "",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment named first; returns its exit code."""
    name, *rest = (sys.argv[1:] if arguments is None else arguments) or [""]
    if name in ("-h", "--help"):
        sys.stdout.write(listing())
        return 0
    if name not in EXPERIMENTS:
        sys.stderr.write(f"error: no experiment is called {name!r}\n{listing()}")
        return UsageError.exit_code
    return int(import_module(f"vqcodec.lab.{EXPERIMENTS[name].module}").main(rest))


if __name__ == "__main__":
    own_stderr()  # what libraries greet with is kept off the terminal
    sys.exit(main())
