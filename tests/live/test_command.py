"""`vqcodec live` as a process: a file at its own pace, watched from another process and recorded."""

from __future__ import annotations

import asyncio
import io
import os
import re
import signal
import subprocess
import time
from fractions import Fraction
from pathlib import Path

import pytest

from tests.conftest import cli_command, interruptible
from tests.support.sample import weights_are_here
from vqcodec.container import Reader, verify
from vqcodec.live.camera import camera_number, captured
from vqcodec.types import MotionGroup

ice = pytest.importorskip("aioice.ice")
from vqcodec.live.client import Watch  # noqa: E402

pytestmark = [
    pytest.mark.skipif(not weights_are_here(), reason="no weights in this checkout"),
    pytest.mark.skipif(os.name == "nt", reason="signals of POSIX"),
]


async def watched(address: str, groups: int) -> int:
    count = 0
    async with Watch(address) as watch:
        end_s = time.monotonic() + 60
        while count < groups and time.monotonic() < end_s:
            await asyncio.sleep(0.02)
            due = watch.receiver.due(time.monotonic())
            count += sum(isinstance(item, MotionGroup) for item in due)
        watch.check()
    return count


def test_a_file_is_shown_and_recorded_until_it_is_stopped(
    sample_clip: Path, tmp_path: Path
) -> None:
    if not ice.get_host_addresses(True, True):
        pytest.skip("no address but the loopback's")
    page = tmp_path / "page"
    page.mkdir()
    command = cli_command("live", sample_clip, "--to", "out.vqt", "--page", page, "--fps", "5")
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=interruptible,
    ) as running:
        try:
            assert running.stdout is not None
            found = re.search(
                r"(http://127\.0\.0\.1:\d+/[\w-]{20,}/)\?live", running.stdout.readline()
            )
            assert found is not None
            assert asyncio.run(watched(found[1], 3)) >= 3
            running.send_signal(signal.SIGINT)
            _, told = running.communicate(timeout=60)
        finally:
            running.kill()
    assert running.returncode == 0 and "ended" in told
    data = (tmp_path / "out.vqt").read_bytes()
    report = verify(io.BytesIO(data))
    assert report.sizes.frames >= 3
    head = Reader(io.BytesIO(data)).head
    assert head.frame_rate_hz == 5 and head.delay_ms == 320


def test_what_cannot_be_shown_is_told(tmp_path: Path) -> None:
    (tmp_path / "page").mkdir()
    for more, code, words in (
        (("absent.mp4", "--page", "page"), 8, "absent.mp4"),
        (("camera:97", "--page", "page"), 8, "no camera 97"),
    ):
        ended = subprocess.run(
            cli_command("live", *more), cwd=tmp_path, capture_output=True, text=True, timeout=120
        )
        assert ended.returncode == code and words in ended.stderr


class Pictures:
    """A camera that a test is."""

    def __init__(self, count: int) -> None:
        self._left = count

    def read(self) -> tuple[bool, object]:
        import numpy as np

        self._left -= 1
        return self._left >= 0, np.full((48, 64, 3), (1, 2, 3), np.uint8)

    def get(self, propId: int) -> float:
        return 15.0


def test_a_camera_gives_pictures_at_the_times_they_came() -> None:
    times = iter([50.0, 50.1, 50.1, 50.25])
    frames = captured(Pictures(4), lambda: next(times))  # type: ignore[arg-type]
    pictures = list(frames.pictures)
    assert frames.rate_hz == 15
    assert [round(float(p.time_s), 3) for p in pictures] == [0.0, 0.1, 0.1, 0.25]  # type: ignore[union-attr]
    assert pictures[1].time_s < pictures[2].time_s  # type: ignore[union-attr, operator]
    assert pictures[0].rgb[0, 0].tolist() == [3, 2, 1]  # type: ignore[union-attr]
    assert pictures[3].time_s == Fraction(1, 4)  # type: ignore[union-attr]
    assert [camera_number(s) for s in ("camera", "camera:2", "camera.mp4", "camera:x", "-")] == [
        0,
        2,
        None,
        None,
        None,
    ]
