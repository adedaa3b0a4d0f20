"""A batch on a real Ray cluster of two workers, on this machine, in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.batch.conftest import checks
from vqcodec.batch.run import LEDGER
from vqcodec.batch.tasks import Task, manifest

pytestmark = pytest.mark.slow
LIMIT_S = 300


def started(folder: Path, tasks: list[Task]) -> subprocess.Popen[str]:
    """A batch with two workers."""
    (folder / "m.jsonl").write_text(manifest(tasks), encoding="utf-8")
    cluster = ["--cluster", "local", "--jobs", "2"]
    command = [sys.executable, "-m", "vqcodec_cli", "batch", str(folder / "m.jsonl"), *cluster]
    return subprocess.Popen(
        [*command, "--state", str(folder / "out"), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def ended(running: subprocess.Popen[str]) -> tuple[int, dict[str, Any]]:
    """Its exit code and report."""
    out, _ = running.communicate(timeout=LIMIT_S)
    return running.returncode, json.loads(out)


def lines(folder: Path) -> list[dict[str, Any]]:
    """Of the ledger, so far."""
    path = folder / "out" / LEDGER
    return [json.loads(line) for line in path.read_text().split("\n")[:-1]] if path.exists() else []


def test_a_batch_on_a_cluster(tmp_path: Path, stream: bytes) -> None:
    tasks = checks(tmp_path, 12, stream)
    Path(tasks[3].input).write_bytes(stream[:50])
    code, report = ended(started(tmp_path, tasks))
    assert (code, report["done"], report["made_now"]) == (3, 11, 11)
    [failed] = report["input_failed"]
    assert failed["input"] == tasks[3].input and not report["machine_failed"]
    assert len({line["worker"] for line in lines(tmp_path)}) == 2


def test_a_killed_worker_costs_nothing(tmp_path: Path, stream: bytes) -> None:
    tasks = checks(tmp_path, 150, stream)
    running = started(tmp_path, tasks)
    deadline = time.monotonic() + LIMIT_S
    while len(lines(tmp_path)) < 5 and time.monotonic() < deadline:
        time.sleep(0.05)
    killed = lines(tmp_path)[-1]["worker"]
    os.kill(int(killed.rpartition(":")[2]), signal.SIGKILL)
    before = len(lines(tmp_path))
    code, report = ended(running)
    assert before < 150 and (code, report["done"]) == (0, 150)
    entries = lines(tmp_path)
    assert sorted(line["task"] for line in entries) == sorted(task.id for task in tasks)
    assert {line["worker"] for line in entries} > {killed}  # another did the rest
