"""`vqcodec dub` as a process: what it refuses, and the samples with the shipped models."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.conftest import Cli
from tests.support.dub import spoken, write_portrait, write_wav
from vqcodec.reports import SYNTHETIC_NOTICE


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
