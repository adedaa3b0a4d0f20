"""The commands in process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest

import vqcodec
from vqcodec.reports import DecodeReport, EncodeReport
from vqcodec.types import ModelId, StreamSizes
from vqcodec_cli import main as cli_main

Run = Callable[..., SimpleNamespace]
SPACE, RENDERER = ModelId("space", bytes(32)), ModelId("renderer", bytes(range(32)))
SIZES = StreamSizes(
    portrait=8000, motion=5000, audio=12_000, container=600, frames=250, seconds=Fraction(10)
)
ENCODED = EncodeReport(
    sizes=SIZES,
    layers=4,
    motion_space=SPACE,
    renderer=RENDERER,
    frame_rate_hz=Fraction(25),
    key_frames=1,
    low_confidence_frames=3,
    portrait_quality=60,
    elapsed_s=5.0,
    warnings=("a warning [x]",),
)
DECODED = DecodeReport(
    frames=250,
    seconds=Fraction(10),
    layers=4,
    size_px=512,
    renderer=RENDERER,
    device="cpu",
    elapsed_s=8.0,
)


class Api:
    """Remembers the calls, those of its Codec, too; raises `failure` instead if it is set."""

    def __init__(self) -> None:
        self.runtime: dict[str, Any] = {}
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.failure: BaseException | None = None

    def Codec(self, **runtime: Any) -> Api:
        self.runtime = runtime
        return self

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            self.calls.append((name, arguments, named))
            if self.failure is not None:
                raise self.failure
            return {"encode": ENCODED, "decode": DECODED, "thin": SIZES}.get(name)

        return call


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    stand_in = Api()
    monkeypatch.setitem(sys.modules, "vqcodec.api", stand_in)  # type: ignore[arg-type]
    monkeypatch.setattr(vqcodec, "api", stand_in, raising=False)
    monkeypatch.delenv("VQCODEC_DEBUG", raising=False)
    return stand_in


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
