"""`vqcodec dub`: what is parsed and printed, and the command as a process."""

from __future__ import annotations

import json
import sys
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

import vqcodec
from tests.conftest import Cli
from tests.support.dub import spoken, write_portrait, write_wav
from vqcodec.config import DubOptions
from vqcodec.errors import NoFaceError
from vqcodec.reports import SYNTHETIC_NOTICE, DubReport
from vqcodec.types import Crop, ModelId, StreamSizes
from vqcodec_cli import main as cli_main

SPACE, RENDERER, TOKENIZER, GENERATOR = (
    ModelId(name, bytes(32)) for name in ("space", "renderer", "speech", "generator")
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
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*arguments: str) -> SimpleNamespace:
        monkeypatch.setattr(sys, "argv", ["vqcodec", "dub", *arguments])
        with pytest.raises(SystemExit) as exit_:
            cli_main.main()
        out, err = capsys.readouterr()
        return SimpleNamespace(code=exit_.value.code or 0, out=out, err=err)

    return call


def test_defaults(api: Api, run: Any) -> None:
    done = run("folder/speech.wav", "portrait.png")
    assert done.code == 0 and done.out == ""
    assert api.calls == [
        ("folder/speech.wav", Path("portrait.png"), str(Path("folder/speech.vqt")), DubOptions())
    ]
    assert "warning: two [x] faces" in done.err and "20.480 kbit/s" in done.err
    assert "250 frames, 10.00 s, head motion made up, 50.0 frames per second -> folder" in done.err
    assert done.err.endswith("synthetic: motion made from speech\n")
    assert run("-", "portrait.png").code == 0 and api.calls[1][2] == "-"


def test_every_option(api: Api, run: Any) -> None:
    api.answer = report(video_size_px=(800, 600), poses="from.vqt")
    done = run(
        "a.wav",
        "b.png",
        "-o",
        "c.mp4",
        "--poses",
        "from.vqt",
        "--no-blink",
        "--seed",
        "7",
        "--temperature",
        "0.5",
        "--portrait-quality",
        "80",
        "--audio-bitrate",
        "24k",
        "--size",
        "256",
        "--crf",
        "20",
        "--paste-back",
        "--device",
        "cpu",
        "--face-model",
        "face.task",
        "--force",
    )
    assert done.code == 0, done.err
    assert api.calls == [
        (
            "a.wav",
            Path("b.png"),
            "c.mp4",
            DubOptions(
                poses=Path("from.vqt"),
                blink=False,
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
    assert api.runtime == {"device": "cpu", "face_model": Path("face.task")}
    assert (
        "250 frames, 10.00 s at 800x600, head motion from from.vqt" in done.err
        and "kbit/s" not in done.err
    )


def test_json(api: Api, run: Any) -> None:
    fields = json.loads(run("a.wav", "b.png", "--json").out)
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
def test_usage(api: Api, run: Any, line: str) -> None:
    done = run(*line.split())
    assert done.code == 2 and done.out == "" and done.err and api.calls == []


def test_errors_have_hints(api: Api, run: Any) -> None:
    api.answer = NoFaceError("no face in b.png", hint="do")
    done = run("a.wav", "b.png")
    assert done.code == 5 and done.err == "error: no face in b.png\nhint: do\n"


@pytest.mark.parametrize("synthetic", [False, True])
def test_info_says_it_in_words(synthetic: bool) -> None:
    from vqcodec.reports import size_fields
    from vqcodec_cli.info import lines

    shown = [
        line.split(maxsplit=1) for line in lines({"synthetic": synthetic, **size_fields(SIZES)})
    ]
    assert ["synthetic", "motion made from speech" if synthetic else "no"] in shown


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_wav(tmp_path / "speech.wav", spoken(1.0))
    write_portrait(tmp_path / "drawn.png")
    return tmp_path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("drawn.png", "speech.wav"), 8, b"sound comes first"),
        (("speech.wav", "speech.wav"), 8, b"is a sound file"),
        (("absent.wav", "drawn.png"), 8, b"absent.wav"),
        (("speech.wav", "absent.png"), 8, b"absent.png"),
        (("speech.wav", "drawn.png", "-o", "out.avi"), 2, b"cannot write .avi"),
        (("speech.wav", "drawn.png", "--paste-back"), 2, b"-o out.mp4"),
        (("speech.wav", "drawn.png", "-o", "drawn.png/x.vqt"), 8, b"no folder"),
    ],
)
def test_refused_before_a_model_is_loaded(
    cli: Cli, folder: Path, arguments: tuple[str, ...], code: int, told: bytes
) -> None:
    before = names(folder)
    done = cli("dub", *arguments)
    assert (done.returncode, done.stdout) == (code, b""), done.stderr
    assert told in done.stderr and b"hint: " in done.stderr and b"Traceback" not in done.stderr
    assert names(folder) == before


def test_an_existing_file_is_kept(cli: Cli, folder: Path) -> None:
    (folder / "speech.vqt").write_bytes(b"precious")
    done = cli("dub", "speech.wav", "drawn.png")
    assert done.returncode == 7 and b"--force" in done.stderr
    assert (folder / "speech.vqt").read_bytes() == b"precious"


# From here on with the shipped models.


@pytest.mark.parametrize("what", ["nobody", "an animal"])
def test_no_face(cli: Cli, folder: Path, what: str) -> None:
    import cv2

    picture = np.full((512, 512, 3), (120, 160, 120), np.uint8)
    if what == "an animal":
        fur, dark = (150, 110, 70), (20, 10, 10)
        cv2.ellipse(picture, (256, 280), (150, 130), 0, 0, 360, fur, -1)
        for x in (150, 362):
            cv2.fillPoly(picture, [np.array([[x - 55, 220], [x, 70], [x + 55, 190]])], fur)
        for x in (195, 317):
            cv2.ellipse(picture, (x, 250), (30, 20), 0, 0, 360, (190, 210, 60), -1)
            cv2.ellipse(picture, (x, 250), (6, 20), 0, 0, 360, dark, -1)
        cv2.fillPoly(picture, [np.array([[240, 300], [272, 300], [256, 318]])], (200, 120, 120))
        for x in (236, 276):
            cv2.ellipse(picture, (x, 340), (20, 12), 0, 0, 180, dark, 3)
    Image.fromarray(picture).save(folder / "picture.png")
    before = names(folder)
    done = cli("dub", "speech.wav", "picture.png", "-o", "out.mp4")
    assert done.returncode == 5 and b"no face in picture.png" in done.stderr, done.stderr
    assert names(folder) == before


def test_the_samples_to_a_stream_and_back(
    cli: Cli, folder: Path, sample_portrait: Path, sample_clip: Path
) -> None:
    done = cli(
        "dub",
        sample_clip,
        sample_portrait,
        "-o",
        "out.vqt",
        "--json",
        "--device",
        "cpu",
        timeout_s=600,
    )
    assert done.returncode == 0, done.stderr
    fields = json.loads(done.stdout)
    assert fields["frames"] in (239, 240) and fields["synthetic"] and fields["warnings"] == []
    assert fields["file_bytes"] == (folder / "out.vqt").stat().st_size
    assert b"motion made from speech" in cli("info", "out.vqt").stdout
    assert json.loads(cli("info", "out.vqt", "--json").stdout)["synthetic"] is True
    assert cli("verify", "out.vqt").stdout.startswith(b"valid: ")
    decoded = cli(
        "decode",
        "out.vqt",
        "back.mp4",
        "--size",
        "256",
        "--end",
        "0.4",
        "--device",
        "cpu",
        timeout_s=600,
    )
    assert decoded.returncode == 0 and b"synthetic: motion made from speech" in decoded.stderr


def test_the_samples_to_a_whole_picture(cli: Cli, folder: Path, sample_portrait: Path) -> None:
    """The drawn speech, to a video with the head in a wide picture; twice the same."""
    with Image.open(sample_portrait) as picture:
        wide = Image.new("RGB", (900, 600), (90, 110, 130))
        wide.paste(picture.convert("RGB").resize((400, 400)), (100, 120))
    wide.save(folder / "wide.png")
    for name in ("one.mp4", "two.mp4"):
        done = cli(
            "dub",
            "speech.wav",
            "wide.png",
            "-o",
            name,
            "--paste-back",
            "--seed",
            "5",
            "--temperature",
            "0.7",
            "--device",
            "cpu",
            timeout_s=600,
        )
        assert done.returncode == 0, done.stderr
        assert b"25 frames, 1.00 s at 900x600" in done.stderr
    with av.open(str(folder / "one.mp4")) as one, av.open(str(folder / "two.mp4")) as two:
        assert one.metadata["comment"] == SYNTHETIC_NOTICE
        pictures = [
            [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
            for video in (one, two)
        ]
    assert len(pictures[0]) == 25 and np.array_equal(pictures[0], pictures[1])
    assert (
        np.ptp(np.stack(pictures[0])[:, :, 700:], axis=0).max() <= 12
    )  # right of the square nothing moves
    assert np.ptp(np.stack(pictures[0])[:, 250:400, 230:370].astype(int), axis=0).max() > 12
