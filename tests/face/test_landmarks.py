"""The landmark detector's start-up: what it does to the process around it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.conftest import Cli

OPEN_TWO = """
import os, sys, threading
from vqcodec.face.landmarks import FaceLandmarker

def identity():
    try:
        found = os.fstat(2)
    except OSError:
        return None
    return found.st_dev, found.st_ino

before, seen, met = identity(), set(), threading.Barrier(2)

def opened():
    met.wait()
    with FaceLandmarker():
        seen.add(identity())

threads = [threading.Thread(target=opened) for _ in range(2)]
for thread in threads: thread.start()
while any(thread.is_alive() for thread in threads):
    seen.add(identity())
    for thread in threads: thread.join(0.01)
print(before is not None, seen == {before}, identity() == before)
"""


def opened_twice(*shell: str) -> str:
    program = [*shell, sys.executable, "-c", OPEN_TWO]
    done = subprocess.run(program, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_two_threads_open_it_and_standard_error_stays_what_it_is() -> None:
    assert opened_twice() == "True True True\n"


def test_it_opens_where_standard_error_is_closed() -> None:
    assert opened_twice("sh", "-c", 'exec "$@" 2>&-', "sh").startswith("False")


def test_the_command_line_doesnt_show_its_greeting(
    cli: Cli, sample_clip: Path, tmp_path: Path
) -> None:
    done = cli("encode", sample_clip, tmp_path / "a.vqt")
    assert done.returncode == 0, done.stderr
    for greeting in (b"XNNPACK", b"InitGoogle", b"inference_feedback"):
        assert greeting not in done.stderr
