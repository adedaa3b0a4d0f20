"""The sample clip through the command line with the shipped weights, by pipes and by files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest

from tests.conftest import Cli, cli_command, interruptible
from tests.support.sample import count_frames, weights_are_here, write_video

FRAMES = 30


pytestmark = pytest.mark.skipif(not weights_are_here(), reason="no weights in this checkout")


@pytest.fixture(scope="module")
def short_clip(sample_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's frames 20 to 49."""
    with av.open(str(sample_clip)) as source:
        frames = [
            f.to_ndarray(format="rgb24") for f in islice(source.decode(video=0), 20, 20 + FRAMES)
        ]
    return write_video(tmp_path_factory.mktemp("clip") / "short.mkv", frames)


def test_pipes(cli: Cli, short_clip: Path, tmp_path: Path) -> None:
    encoded = cli("encode", "-", "-", stdin=short_clip.read_bytes(), timeout_s=300)
    assert encoded.returncode == 0, encoded.stderr
    decoded = cli("decode", "-", "-", "--size", "256", stdin=encoded.stdout, timeout_s=300)
    assert decoded.returncode == 0, decoded.stderr
    assert count_frames(decoded.stdout) == FRAMES
    assert list(tmp_path.iterdir()) == []


def test_files_and_reports(cli: Cli, short_clip: Path, tmp_path: Path) -> None:
    fields = json.loads(
        cli("encode", short_clip, "a.vqt", "--json", "--layers", "3", timeout_s=300).stdout
    )
    assert fields["frames"] == FRAMES and fields["layers"] == 3 and fields["key_frames"] == 1
    assert fields["file_bytes"] == (tmp_path / "a.vqt").stat().st_size
    told = json.loads(cli("info", "a.vqt", "--json").stdout)
    assert {k: told[k] for k in ("file_bytes", "motion_bytes", "frames", "model")} == {
        k: fields[k] for k in ("file_bytes", "motion_bytes", "frames", "model")
    }
    assert cli("verify", "a.vqt").returncode == 0
    shown = json.loads(
        cli("decode", "a.vqt", "--json", "--start", "0.4", "--end", "0.8", timeout_s=300).stdout
    )
    assert shown["frames"] == 10 and (tmp_path / "a.mp4").is_file()


def test_no_face(cli: Cli, tmp_path: Path) -> None:
    write_video(tmp_path / "grey.mkv", [np.full((240, 320, 3), 128, np.uint8)] * 10)
    done = cli("encode", "grey.mkv", "out.vqt")
    assert (done.returncode, done.stdout) == (5, b""), done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["grey.mkv"]


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_in_an_encode(sample_clip: Path, tmp_path: Path) -> None:
    with subprocess.Popen(
        cli_command("encode", sample_clip, "out.vqt"),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=interruptible,
    ) as process:
        assert process.stderr is not None
        until = time.monotonic() + 60
        while not list(tmp_path.iterdir()) and process.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        # where the signal meets a library that runs Python text of its own, CPython ends by SIGINT after we have cleaned up:
        # a shell shows 130 for either
        assert process.wait(60) in (130, -signal.SIGINT)
        assert process.stderr.read() == b"error: interrupted\n"
    assert list(tmp_path.iterdir()) == []
