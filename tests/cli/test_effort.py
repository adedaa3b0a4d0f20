"""`vqcodec encode --effort`: what reaches the codec, and what the report says."""

from __future__ import annotations

import json
import sys
from fractions import Fraction
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

import vqcodec
from tests.cli.conftest import Run
from vqcodec import EncodeOptions, EncodeReport, ModelId, StreamSizes
from vqcodec.errors import UsageError


class StandInCodec:
    """Remembers what it was asked for; encodes nothing."""

    asked: ClassVar[list[EncodeOptions]] = []

    def __init__(self, **runtime: Any) -> None:
        pass

    def encode(
        self, source: str, target: str, options: EncodeOptions, *, force: bool, progress: Any
    ) -> EncodeReport:
        self.asked.append(options)
        name = ModelId("a", bytes(32))
        return EncodeReport(
            sizes=StreamSizes(frames=1, seconds=Fraction(1)),
            layers=4,
            motion_space=name,
            renderer=name,
            frame_rate_hz=Fraction(25),
            key_frames=1,
            low_confidence_frames=0,
            portrait_quality=50,
            elapsed_s=1.0,
            effort=options.effort,
            refinement_gain=0.05,
        )


def test_command_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    api = SimpleNamespace(Codec=StandInCodec)
    monkeypatch.setitem(sys.modules, "vqcodec.api", api)  # type: ignore[arg-type]
    monkeypatch.setattr(vqcodec, "api", api, raising=False)
    done = run("encode", "in.mp4", "o.vqt", "--effort", "3", "--json")
    assert done.code == 0 and json.loads(done.out)["refinement_gain"] == 0.05
    assert run("encode", "in.mp4", "o.vqt").code == 0
    assert [options.effort for options in StandInCodec.asked] == [3, 0]
    assert run("encode", "in.mp4", "o.vqt", "--effort", "4").code == UsageError.exit_code
    assert len(StandInCodec.asked) == 2
