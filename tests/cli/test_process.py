"""The commands as processes: exit codes, pipes, files kept or left alone, signals. No model is needed here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import Cli, cli_command, interruptible
from tests.support.container import make_stream
from tests.support.units import make_stream_2

STREAM = make_stream()


@pytest.fixture
def stream(tmp_path: Path) -> Path:
    path = tmp_path / "in.vqt"
    path.write_bytes(STREAM)
    return path


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_info(cli: Cli, stream: Path) -> None:
    done = cli("info", stream)
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode()
    assert "test-motion@" in text and "kbit/s" in text and "layers" in text


def test_info_json_from_a_pipe(cli: Cli) -> None:
    done = cli("info", "-", "--json", stdin=STREAM)
    fields = json.loads(done.stdout)
    assert fields["file_bytes"] == len(STREAM) and fields["layers"] == 4 and fields["frames"] > 0
    assert {
        "file_kbps",
        "motion_kbps",
        "audio_kbps",
        "portrait_bytes",
        "seconds",
        "model",
    } <= fields.keys()


def test_verify(cli: Cli, stream: Path) -> None:
    assert cli("verify", stream).stdout.startswith(b"valid: ")
    assert json.loads(cli("verify", stream, "--json").stdout)["token_sha256"]
    assert b", 1 key frames, " in cli("verify", stream).stdout


def test_info_and_verify_of_version_2(cli: Cli) -> None:
    data = make_stream_2((3, 1), delay_ms=150)
    text = cli("info", "-", stdin=data).stdout.decode()
    assert "delay_ms" in text and "0.48 s, 3 portraits, " in text and ", 375 a minute" in text
    assert "1 portrait, " in text and text.count("continues the one before") == 1
    assert b", 4 portraits in 2 shots, " in cli("verify", "-", stdin=data).stdout
    shots = json.loads(cli("info", "-", "--json", stdin=data).stdout)["shots"]
    assert [shot["portraits"] for shot in shots] == [3, 1]


@pytest.mark.parametrize("command", ["info", "verify"])
@pytest.mark.parametrize(
    "data",
    [b"", b"not a stream", STREAM[:-9], STREAM[:60] + b"\xff" + STREAM[61:]],
    ids=["empty", "foreign", "cut", "flipped"],
)
def test_bad_bitstream(cli: Cli, command: str, data: bytes) -> None:
    done = cli(command, "-", stdin=data)
    assert (done.returncode, done.stdout) == (3, b"")
    assert done.stderr.startswith(b"error: ") and b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("info", "absent.vqt"),
        ("verify", "absent.vqt"),
        ("encode", "absent.mp4"),
        ("decode", "absent.vqt"),
        ("thin", "absent.vqt", "x.vqt", "--layers", "1"),
        ("info", "."),
    ],
)
def test_unreadable(cli: Cli, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = cli(*arguments)
    assert (done.returncode, done.stdout) == (8, b""), done.stderr
    assert done.stderr.startswith(b"error: ") and left(tmp_path) == []


def test_thin(cli: Cli, tmp_path: Path, stream: Path) -> None:
    assert cli("thin", stream, "out.vqt", "--layers", "2").returncode == 0
    small = (tmp_path / "out.vqt").read_bytes()
    assert len(small) < len(STREAM)
    piped = cli("thin", "-", "-", "--layers", "2", stdin=STREAM)
    assert piped.stdout == small
    assert json.loads(cli("info", "out.vqt", "--json").stdout)["layers"] == 2
    assert cli("thin", "out.vqt", "more.vqt", "--layers", "3").returncode == 2
    assert left(tmp_path) == ["in.vqt", "out.vqt"]


def test_an_existing_file_is_kept(cli: Cli, tmp_path: Path, stream: Path) -> None:
    kept = tmp_path / "out.vqt"
    kept.write_bytes(b"precious")
    for arguments in (
        ("thin", stream, kept, "--layers", "1"),
        ("encode", stream, kept),
        ("decode", stream, kept),
    ):
        done = cli(*arguments)
        assert done.returncode == 7 and b"--force" in done.stderr, done.stderr
        assert kept.read_bytes() == b"precious"
    assert cli("thin", stream, kept, "--layers", "1", "--force").returncode == 0
    assert kept.read_bytes() != b"precious" and left(tmp_path) == ["in.vqt", "out.vqt"]


def test_a_failed_output_leaves_nothing(cli: Cli, tmp_path: Path) -> None:
    assert cli("thin", "-", "out.vqt", "--layers", "1", stdin=STREAM[:-30]).returncode == 3
    assert left(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c(tmp_path: Path) -> None:
    with subprocess.Popen(
        cli_command("thin", "-", "out.vqt", "--layers", "1"),
        stdin=subprocess.PIPE,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=interruptible,
    ) as process:
        assert process.stdin is not None and process.stderr is not None
        process.stdin.write(STREAM[: len(STREAM) // 2])
        process.stdin.flush()
        until = time.monotonic() + 60
        while not left(tmp_path) and time.monotonic() < until:
            time.sleep(0.05)
        assert left(tmp_path), "the temporary file shows that the work has begun"
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert process.stderr.read() == b"error: interrupted\n"
    assert left(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_a_reader_that_leaves(stream: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            cli_command("info", stream), stdout=write, stderr=subprocess.PIPE, check=False
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (8, b"")
