"""`vqcodec batch` as a user calls it: results, messages, exit codes, and a stop in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.container import make_stream

STREAM = make_stream()


def batch(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "vqcodec_cli", "batch", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TERM": "dumb"},
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    for number in range(3):
        (tmp_path / f"in/{number}.vqt").write_bytes(STREAM)
    return tmp_path


def test_a_folder_is_checked_and_told(folder: Path) -> None:
    (folder / "in/1.vqt").write_bytes(STREAM[:90])
    done = batch("in", "--do", "verify", "--out", "out", "--jobs", "1", folder=folder)
    assert done.returncode == 3, done.stderr
    assert "2 of 3 done, 2 of them now" in done.stdout
    assert f"failed (input, 3) {Path('in/1.vqt')}: " in done.stdout
    assert "ledger.jsonl" in done.stdout and "Traceback" not in done.stderr
    again = batch("in", "--do", "verify", "--out", "out", "--jobs", "1", "--json", folder=folder)
    told = json.loads(again.stdout)
    assert (told["made_now"], told["done"], len(told["input_failed"])) == (0, 2, 1)
    manifest = batch("out/manifest.jsonl", "--state", "out", "--quiet", folder=folder)
    assert (manifest.returncode, manifest.stdout) == (3, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["in", "--do", "verify"], "--out is missing"),
        (["none*", "--out", "out"], "nothing is found"),
        (["in", "--out", "memory://out", "--do", "verify"], "--state FOLDER"),
        (["in", "--out", "out", "--do", "decode", "--set", "layres=2"], "no option layres"),
        (["in", "--out", "out", "--do", "decode", "--set", "layers"], "sets nothing"),
        (["in/0.vqt", "--out", "out", "--do", "dub"], "no portrait"),
    ],
)
def test_what_can_not_be_done_is_said(arguments: list[str], message: str, folder: Path) -> None:
    done = batch(*arguments, folder=folder)
    assert done.returncode == 2 and message in " ".join(done.stderr.split())
    assert not (folder / "out").exists()


def test_a_stop_leaves_nothing_half_made(folder: Path) -> None:
    """A batch that is told to end in the middle leaves what is whole, and goes on from there."""
    os.mkfifo(folder / "in/9.vqt")  # a worker waits here until somebody writes
    tasks = [
        {"do": "verify", "input": f"in/{name}.vqt", "output": f"out/{name}.json"}
        for name in (0, 1, 9, 2)
    ]
    (folder / "m.jsonl").write_text("".join(json.dumps(task) + "\n" for task in tasks))
    command = [sys.executable, "-m", "vqcodec_cli", "batch", "m.jsonl", "--state", "out"]
    with subprocess.Popen(
        [*command, "--jobs", "1", "-q"], cwd=folder, stderr=subprocess.PIPE
    ) as running:
        ledger = folder / "out/ledger.jsonl"
        for _ in range(600):  # until both are known to be done: a file is there before its line is
            if ledger.is_file() and ledger.read_text().count("\n") >= 2:
                break
            time.sleep(0.1)
        running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 128 + signal.SIGTERM
    left = {path.name for path in (folder / "out").iterdir()}
    assert {"0.json", "1.json"} <= left and "work" not in left and "2.json" not in left
    (folder / "in/9.vqt").unlink()
    (folder / "in/9.vqt").write_bytes(STREAM)
    done = batch("m.jsonl", "--state", "out", "--jobs", "1", "--json", folder=folder)
    told = json.loads(done.stdout)
    assert done.returncode == 0 and (told["made_now"], told["done"]) == (2, 4)
