"""`encode --live` in one process, `decode --follow` in another, with the shipped weights."""

from __future__ import annotations

import io
import subprocess
import time
from itertools import islice
from pathlib import Path

import av
import pytest

from tests.conftest import cli_command
from tests.support.sample import count_frames, weights_are_here, write_video
from vqcodec.container import Reader
from vqcodec.errors import TruncatedError
from vqcodec.types import MotionGroup

pytestmark = pytest.mark.skipif(not weights_are_here(), reason="no weights in this checkout")
FRAMES = 75
HELD_BYTES = 30_000


def frames_in(path: Path) -> int:
    """Frames of a file that is still being written, as far as it is there."""
    count = 0
    try:
        for item in Reader(io.BytesIO(path.read_bytes())):
            count += len(item.ticks) if isinstance(item, MotionGroup) else 0
    except (TruncatedError, FileNotFoundError):
        pass
    return count


def test_two_processes(sample_clip: Path, tmp_path: Path) -> None:
    with av.open(str(sample_clip)) as source:
        frames = [f.to_ndarray(format="rgb24") for f in islice(source.decode(video=0), FRAMES)]
    data = write_video(tmp_path / "camera.mkv", frames).read_bytes()
    coded = tmp_path / "out.vqt"
    with (
        subprocess.Popen(
            cli_command("encode", "-", coded, "--live"),
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
        ) as encoder,
    ):
        assert encoder.stdin is not None and encoder.stderr is not None
        encoder.stdin.write(data[:-HELD_BYTES])
        encoder.stdin.flush()
        until_s = time.monotonic() + 120
        while frames_in(coded) == 0 and time.monotonic() < until_s:
            time.sleep(0.1)
        assert 0 < frames_in(coded) < FRAMES and encoder.poll() is None
        with subprocess.Popen(
            cli_command("decode", coded, "out.mp4", "--size", "256", "--follow", "120"),
            cwd=tmp_path,
            stderr=subprocess.PIPE,
        ) as decoder:
            encoder.stdin.write(data[-HELD_BYTES:])
            encoder.stdin.close()
            assert encoder.wait(120) == 0, encoder.stderr.read()
            assert decoder.wait(120) == 0
    assert frames_in(coded) == count_frames((tmp_path / "out.mp4").read_bytes()) == FRAMES
