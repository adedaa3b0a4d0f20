"""`vqcodec play` as a process: prints where it serves, plays, and ends by Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import interruptible

STREAM = Path(__file__).resolve().parents[2] / "bitstream_spec/vectors/level_b/talking.vqt"
COMMAND = (sys.executable, "-m", "vqcodec_cli", "play")


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_it_serves_until_it_is_stopped(number: signal.Signals, code: int) -> None:
    running = subprocess.Popen(
        [*COMMAND, str(STREAM), "--terminal"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=interruptible,
    )
    try:
        assert running.stdout is not None and running.stderr is not None
        first = running.stdout.readline()
        found = re.search(r"talking\.vqt is shown at (http://127\.0\.0\.1:\d+/[\w-]{20,}/)", first)
        assert found is not None
        assert "Ctrl-C" in running.stderr.readline()
        with urllib.request.urlopen(found[1] + "about.json", timeout=20) as response:
            assert b"talking.vqt" in response.read()
        running.send_signal(number)
        assert running.wait(20) == code
    finally:
        running.kill()
        running.communicate()


def test_what_cannot_be_played_is_told_at_once(tmp_path: Path) -> None:
    other = tmp_path / "other.vqt"
    other.write_bytes(b"no stream at all")
    for path, code in ((other, 3), (tmp_path / "absent.vqt", 8)):
        ended = subprocess.run([*COMMAND, str(path), "--terminal"], capture_output=True, text=True)
        assert ended.returncode == code and path.name in ended.stderr + str(path.name)
        assert ended.stdout == "" and "error:" in ended.stderr
