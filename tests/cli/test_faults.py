"""What the machine does to a command: full disks, closed pipes and descriptors, signals. A code of its own for each."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import cli_command
from tests.support.container import make_stream

STREAM = make_stream()
pytestmark = pytest.mark.skipif(os.name != "posix", reason="descriptors and signals of POSIX")


@pytest.fixture
def stream(tmp_path: Path) -> Path:
    path = tmp_path / "in.vqt"
    path.write_bytes(STREAM)
    return path


def shell(words: str, *arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """A command with a redirection of the shell's."""
    return subprocess.run(
        ["sh", "-c", f'"$@" {words}', "sh", *cli_command(*arguments)],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
@pytest.mark.parametrize("arguments", [("info", "in.vqt"), ("verify", "in.vqt", "--json")])
def test_a_full_standard_output(stream: Path, arguments: tuple[str, ...]) -> None:
    done = shell("> /dev/full", *arguments, folder=stream.parent)
    assert done.returncode == 8
    assert done.stderr.splitlines() == [
        "error: cannot write standard output: No space left on device",
        "hint: free some space on the disk",
    ]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("info", "in.vqt"), 8),
        (("--version",), 8),
        (("--help",), 8),
        (("thin", "--help"), 8),
        (("thin", "in.vqt", "-", "--layers", "1"), 8),
        (("thin", "in.vqt", "out.vqt", "--layers", "1", "--json"), 0),
    ],
)
def test_a_closed_standard_output(stream: Path, arguments: tuple[str, ...], code: int) -> None:
    done = shell(">&-", *arguments, folder=stream.parent)
    assert done.returncode == code and "closed" in done.stderr and len(done.stderr) < 300
    if code == 0:
        written = (stream.parent / "out.vqt").read_bytes()
        assert written.startswith(STREAM[:8]) and b"{" not in written[:8]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
@pytest.mark.parametrize("words", ["2> /dev/full", "2< in.vqt", "2>&-"])
def test_what_nobody_can_be_told_changes_nothing(stream: Path, words: str) -> None:
    """Standard error on a full disk, not open for writing, closed."""
    arguments = ("thin", "in.vqt", "out.vqt", "--layers", "1")
    assert shell(words, *arguments, folder=stream.parent).returncode == 0
    assert (stream.parent / "out.vqt").stat().st_size > 100
    assert shell(words, *arguments, folder=stream.parent).returncode == 7
    assert shell(words, "--debug", "info", "none.vqt", folder=stream.parent).returncode == 8


def test_a_report_that_nobody_reads(stream: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        cli_command("thin", stream, stream.with_name("out.vqt"), "--layers", "1", "--json"),
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"") and stream.with_name("out.vqt").exists()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_leaves_nothing(tmp_path: Path, name: str) -> None:
    number = signal.Signals[name]
    with subprocess.Popen(
        cli_command("thin", "-", "out.vqt", "--layers", "1"),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    ) as process:
        assert process.stdin is not None and process.stderr is not None
        process.stdin.write(STREAM[: len(STREAM) // 2])
        process.stdin.flush()
        until = time.monotonic() + 60
        while not list(tmp_path.iterdir()) and time.monotonic() < until:
            time.sleep(0.05)
        assert list(tmp_path.iterdir()), "the temporary file shows that the work has begun"
        process.send_signal(number)
        assert process.wait(30) == 128 + number
        assert process.stderr.read().decode() == f"error: stopped by {name}\n"
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_during_the_imports(tmp_path: Path) -> None:
    """Modules of these names are imported by the command line; one of them interrupts."""
    (tmp_path / "typer.py").write_text(
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(30)\n"
    )
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    done = subprocess.run(
        cli_command("--version"),
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        cwd=tmp_path,
        check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert (done.returncode, done.stderr) == (130, "error: interrupted\n")


def test_an_interrupt_that_a_library_makes_an_error_of(tmp_path: Path) -> None:
    """As modules in C do while they are imported."""
    script = (
        "import os, signal, sys\n"
        "from vqcodec_cli import entry, info, main\n"
        "def failing(*arguments, **named):\n"
        "    try:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "    except KeyboardInterrupt:\n"
        "        raise ImportError('initialization failed')\n"
        "from vqcodec.codec import look\n"
        "look.info = failing\n"
        "sys.argv = ['vqcodec', 'info', 'x.vqt']\n"
        "entry.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert (done.returncode, done.stderr) == (130, "error: interrupted\n")


def test_a_file_that_the_system_refuses_has_a_code() -> None:
    """Whatever comes up as OSError: none of them is this program's fault."""
    from vqcodec_cli.guard import report

    for error in (OSError(5, "Input/output error"), PermissionError(13, "no"), TimeoutError("x")):
        assert report(error) == 8


SLOW = """
import os, signal, sys, time
from vqcodec_cli import commands, main
def slow(name):
    os.kill(os.getpid(), signal.{name})
    time.sleep(30)
commands.command_of = slow
sys.argv = ["vqcodec", "info", "in.vqt"]
main.main()
"""


@pytest.mark.parametrize(
    ("name", "told"), [("SIGINT", "interrupted"), ("SIGTERM", "stopped by SIGTERM")]
)
def test_a_signal_while_a_command_is_imported(tmp_path: Path, name: str, told: str) -> None:
    """typer turns any interrupt into exit code 130 and says nothing."""
    number = signal.Signals[name]
    done = subprocess.run(
        [sys.executable, "-c", SLOW.format(name=name)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
        check=False,
        preexec_fn=lambda: signal.signal(number, signal.default_int_handler),
    )
    assert (done.returncode, done.stderr) == (128 + number, f"error: {told}\n")
