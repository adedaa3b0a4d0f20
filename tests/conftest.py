"""What the tests share: the sample media and the command line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

if (
    "PYTEST_XDIST_WORKER" in os.environ
):  # before torch: processes that each take all cores wait for each other
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings

settings.register_profile("fixed", derandomize=True)  # the same examples everywhere and every time
settings.load_profile("fixed")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def sample_clip() -> Path:
    """talking.mp4: 239 frames, 25 per second, 512x512, with sound."""
    return ROOT / "sample_media" / "talking.mp4"


@pytest.fixture(scope="session")
def sample_portrait() -> Path:
    """portrait.png: 512x512."""
    return ROOT / "sample_media" / "portrait.png"


@pytest.fixture(autouse=True)
def no_debug_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--debug` in one in-process test must not show tracebacks in the processes of the next."""
    monkeypatch.setenv("VQCODEC_DEBUG", "")
    monkeypatch.delenv("VQCODEC_DEBUG")


def interruptible() -> None:
    """For preexec_fn: Ctrl-C works in the child even where the tests run in a shell's background, which ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


Cli = Callable[..., "subprocess.CompletedProcess[bytes]"]


def cli_command(*arguments: object) -> list[str]:
    """The command line of `vqcodec ...` for this interpreter."""
    return [sys.executable, "-m", "vqcodec_cli", *map(str, arguments)]


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Run `vqcodec ...` in tmp_path; stdin as bytes; stdout and stderr come back as bytes."""

    def run(
        *arguments: object, stdin: bytes = b"", timeout_s: float = 120
    ) -> subprocess.CompletedProcess[bytes]:
        environment = {**os.environ, "TERM": "dumb", "COLUMNS": "200"}
        return subprocess.run(
            cli_command(*arguments),
            input=stdin,
            capture_output=True,
            cwd=tmp_path,
            timeout=timeout_s,
            check=False,
            env=environment,
        )

    return run
