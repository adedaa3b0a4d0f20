"""`vqcodec dub`: what is parsed and printed, and the command as a process."""

from __future__ import annotations

import json
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import vqcodec
from tests.cli.conftest import Run
from vqcodec.config import DubOptions
from vqcodec.errors import NoFaceError
from vqcodec.reports import DubReport
from vqcodec.types import Crop, ModelId, StreamSizes

SPACE, RENDERER, TOKENIZER, GENERATOR, BEHAVIOUR = (
    ModelId(name, bytes(32)) for name in ("space", "renderer", "speech", "generator", "behaviour")
)
SIZES = StreamSizes(
    portrait=8000, motion=5000, audio=12_000, container=600, frames=250, seconds=Fraction(10)
)


def report(**named: Any) -> DubReport:
    return DubReport(
        sizes=SIZES,
        layers=4,
        motion_space=SPACE,
        renderer=RENDERER,
        tokenizer=TOKENIZER,
        generator=GENERATOR,
        behaviour=BEHAVIOUR,
        portrait_quality=50,
        audio_bps=12_000,
        seed=3,
        temperature=0.5,
        poses=named.pop("poses", ""),
        elapsed_s=5.0,
        crop=Crop(512, 512, 0, 0, 512),
        **named,
    )


class Api:
    """Remembers the call; gives `answer`, or raises it."""

    def __init__(self) -> None:
        self.runtime: dict[str, Any] = {}
        self.output: list[dict[str, Any]] = []
        self.calls: list[tuple[Any, ...]] = []
        self.answer: DubReport | Exception = report(warnings=("two [x] faces",))

    def Codec(self, **runtime: Any) -> Api:
        self.runtime = runtime
        return self

    def dub(self, *arguments: Any, progress: Any, **output: Any) -> DubReport:
        self.calls.append(arguments)
        self.output.append(output)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    stand_in = Api()
    monkeypatch.setitem(sys.modules, "vqcodec.api", stand_in)  # type: ignore[arg-type]
    monkeypatch.setattr(vqcodec, "api", stand_in, raising=False)
    return stand_in


@pytest.fixture
def dub(run: Run) -> Run:
    """Run `vqcodec dub ...`."""
    return lambda *arguments: run("dub", *arguments)


def test_defaults(api: Api, dub: Run) -> None:
    done = dub("folder/speech.wav", "portrait.png")
    assert done.code == 0 and done.out == ""
    assert api.calls == [
        ("folder/speech.wav", Path("portrait.png"), str(Path("folder/speech.vqt")), DubOptions())
    ]
    assert "warning: two [x] faces" in done.err and "20.480 kbit/s" in done.err
    assert "250 frames, 10.00 s, head motion made up, 50.0 frames per second -> folder" in done.err
    assert done.err.endswith("synthetic: motion made from speech\n")
    assert dub("-", "portrait.png").code == 0 and api.calls[1][2] == "-"


def test_every_option(api: Api, dub: Run) -> None:
    api.answer = report(video_size_px=(800, 600), poses="from.vqt")
    line = (
        "a.wav b.png -o c.mp4 --poses from.vqt --no-blink --seed 7 --temperature 0.5 --portrait-quality 80 "
        "--audio-bitrate 24k --size 256 --crf 20 --paste-back --device cpu --face-model face.task --force"
    )
    done = dub(*line.split())
    assert done.code == 0, done.err
    assert api.calls == [
        (
            "a.wav",
            Path("b.png"),
            "c.mp4",
            DubOptions(
                poses=Path("from.vqt"),
                blink="still",
                seed=7,
                temperature=0.5,
                portrait_quality=80,
                audio_bps=24_000,
                size_px=256,
                paste_back=True,
            ),
        )
    ]
    assert api.output == [{"crf": 20, "force": True}]
    assert api.runtime == {
        "device": "cpu",
        "precision": "auto",
        "face_model": Path("face.task"),
    }
    assert (
        "250 frames, 10.00 s at 800x600, head motion from from.vqt" in done.err
        and "kbit/s" not in done.err
    )


def test_json(api: Api, dub: Run) -> None:
    fields = json.loads(dub("a.wav", "b.png", "--json").out)
    assert (
        fields["synthetic"] is True
        and fields["seed"] == 3
        and fields["dub_fps"] == 50
        and fields["file_kbps"] == 20.48
    )
    assert fields["warnings"] == ["two [x] faces"] and fields["generator"].startswith("generator@")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "a.wav",
        "a.wav b.png c.vqt",
        "a.wav b.png --seed -1",
        "a.wav b.png --seed x",
        "a.wav b.png --temperature 3",
        "a.wav b.png --audio-bitrate copy",
        "a.wav b.png --audio-bitrate 5k",
        "a.wav b.png --audio-bitrate loud",
        "a.wav b.png --portrait-quality 0",
        "a.wav b.png --size 300",
        "a.wav b.png --crf 60",
        "a.wav b.png -o - --json",
        "a.wav b.png --device tpu",
    ],
)
def test_usage(api: Api, dub: Run, line: str) -> None:
    done = dub(*line.split())
    assert done.code == 2 and done.out == "" and done.err and api.calls == []


def test_errors_have_hints(api: Api, dub: Run) -> None:
    api.answer = NoFaceError("no face in b.png", hint="do")
    done = dub("a.wav", "b.png")
    assert done.code == 5 and done.err == "error: no face in b.png\nhint: do\n"


@pytest.mark.parametrize("synthetic", [False, True])
def test_info_says_it_in_words(synthetic: bool) -> None:
    from vqcodec.reports import size_fields
    from vqcodec_cli.info import lines

    shown = [
        line.split(maxsplit=1) for line in lines({"synthetic": synthetic, **size_fields(SIZES)})
    ]
    assert ["synthetic", "motion made from speech" if synthetic else "no"] in shown
