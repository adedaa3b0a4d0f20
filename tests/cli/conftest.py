"""The commands in process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from vqcodec_cli import main as cli_main

Run = Callable[..., SimpleNamespace]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `vqcodec ...` in this process; gives code, out and err."""

    def call(*arguments: str) -> SimpleNamespace:
        monkeypatch.setattr(sys, "argv", ["vqcodec", *arguments])
        with pytest.raises(SystemExit) as exit_:
            cli_main.main()
        out, err = capsys.readouterr()
        return SimpleNamespace(code=exit_.value.code or 0, out=out, err=err)

    return call
