"""A batch from beginning to end, stopped and gone on with, on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import signal
from pathlib import Path

import pytest
from filelock import FileLock

from tests.batch.conftest import checks, run_in
from vqcodec.batch import local
from vqcodec.batch.ledger import Entry, Ledger
from vqcodec.batch.run import LEDGER, LOCK, MANIFEST, TABLE, BatchSettings, run
from vqcodec.batch.tasks import Task, read_manifest
from vqcodec.errors import NoFaceError, OutputExistsError, UsageError


def test_a_thousand_small_files(tmp_path: Path, stream: bytes) -> None:
    tasks = checks(tmp_path, 1000, stream)
    report = run_in(tmp_path, tasks, jobs=2)
    assert (report.total, report.done, report.made, report.failed) == (1000, 1000, 1000, ())
    assert report.exit_code == 0 and report.frames == 12 * 1000
    assert sorted(p.name for p in (tmp_path / "out").iterdir() if p.suffix != ".json") == sorted(
        [MANIFEST, LEDGER, TABLE, LOCK]
    )
    ledger = Ledger(tmp_path / "out" / LEDGER)
    assert len((tmp_path / "out" / LEDGER).read_text().splitlines()) == 1000
    for task in tasks[::333]:
        entry, data = ledger.last[task.id], Path(task.output).read_bytes()
        assert (entry.bytes, entry.sha256) == (len(data), hashlib.sha256(data).hexdigest())
        assert json.loads(data)["frames"] == entry.frames == 12
    assert len({entry.worker for entry in ledger.last.values()}) == 2
    assert read_manifest(tmp_path / "out" / MANIFEST) == tasks


def test_what_is_done_is_not_done_again(tmp_path: Path, stream: bytes) -> None:
    tasks = checks(tmp_path, 4, stream)
    assert run_in(tmp_path, tasks[:2]).made == 2
    kept = [Path(task.output).stat().st_mtime_ns for task in tasks[:2]]
    Path(tasks[1].output).write_bytes(b"cut")
    report = run_in(tmp_path, tasks)
    assert (report.made, report.done) == (3, 4)
    assert Path(tasks[0].output).stat().st_mtime_ns == kept[0]
    assert json.loads(Path(tasks[1].output).read_bytes())
    nothing = run_in(tmp_path, tasks)
    assert (nothing.made, nothing.done, nothing.exit_code) == (0, 4, 0)


def test_a_broken_input_is_told_and_not_tried_again(tmp_path: Path, stream: bytes) -> None:
    tasks = checks(tmp_path, 3, stream)
    Path(tasks[1].input).write_bytes(stream[:-30])
    Path(tasks[2].input).unlink()
    report = run_in(tmp_path, tasks)
    assert (report.done, report.exit_code) == (1, 3)
    assert [(e.state, e.exit_code, e.attempt) for e in report.failed] == [
        ("input-failed", 3, 1),
        ("input-failed", 8, 1),
    ]
    assert not Path(tasks[1].output).exists() and report.failed[0].error
    told = report.to_json()
    assert len(told["input_failed"]) == 2 and told["machine_failed"] == []
    Path(tasks[1].input).write_bytes(stream)
    assert run_in(tmp_path, tasks).made == 0
    assert run_in(tmp_path, tasks, again=True).done == 2


def test_an_output_that_can_not_be_written_is_the_machines_fault(
    tmp_path: Path, stream: bytes
) -> None:
    """As is any output that can't be written: here a file is where its folder should be."""
    [task] = checks(tmp_path, 1, stream)
    (tmp_path / "wall").touch()
    blocked = Task("verify", task.input, str(tmp_path / "wall/0.json"))
    report = run_in(tmp_path, [blocked], retries=1)
    [entry] = report.failed
    assert (entry.state, entry.attempt, entry.exit_code) == ("machine-failed", 2, 8)
    (tmp_path / "wall").unlink()
    assert run_in(tmp_path, [blocked], retries=0).done == 1


def test_others_outputs_are_not_replaced(tmp_path: Path, stream: bytes) -> None:
    tasks = checks(tmp_path, 2, stream)
    (tmp_path / "out").mkdir()
    Path(tasks[1].output).write_bytes(b"mine")
    with pytest.raises(OutputExistsError, match=r"1\.json exists"):
        run_in(tmp_path, tasks)
    assert Path(tasks[1].output).read_bytes() == b"mine" and not Path(tasks[0].output).exists()
    assert run_in(tmp_path, tasks, force=True).made == 2


def test_two_batches_do_not_share_a_folder(tmp_path: Path, stream: bytes) -> None:
    tasks = checks(tmp_path, 1, stream)
    (tmp_path / "out").mkdir()
    with FileLock(tmp_path / "out" / LOCK), pytest.raises(UsageError, match="another batch runs"):
        run_in(tmp_path, tasks)
    assert run_in(tmp_path, tasks).made == 1


def test_options_are_checked_before_anything_is_done(tmp_path: Path) -> None:
    task = Task("encode", "in.mp4", str(tmp_path / "out/a.vqt"), {"layers": 7})
    with pytest.raises(UsageError):
        run_in(tmp_path, [task])
    assert not (tmp_path / "out").exists()
    with pytest.raises(UsageError, match="at least one worker"):
        run([], BatchSettings(state=tmp_path / "out", jobs=0))


def killing(marker: Path, task: Task, attempt: int) -> Entry:
    """In a worker: dies as if the system had killed it, once."""
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    assert local._worker is not None
    return local._worker(task, attempt)


def test_a_killed_worker_costs_a_try(
    tmp_path: Path, stream: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = checks(tmp_path, 6, stream)
    monkeypatch.setattr(local, "_do", _Killing(tmp_path / "killed"))
    report = run_in(tmp_path, tasks, jobs=2)
    assert (report.done, report.exit_code) == (6, 0)
    lines = [json.loads(x) for x in (tmp_path / "out" / LEDGER).read_text().splitlines()]
    [lost] = [line for line in lines if line["state"] != "done"]
    assert lost["state"] == "machine-failed" and "worker ended" in lost["error"]
    assert [line["attempt"] for line in lines if line["task"] == lost["task"]] == [1, 2]
    assert not list((tmp_path / "out").rglob("*.part"))


class _Killing:
    """`killing` for a worker to unpickle."""

    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __call__(self, task: Task, attempt: int) -> Entry:
        return killing(self._marker, task, attempt)


class _Slow:
    """Takes a minute over the first file."""

    def __call__(self, task: Task, attempt: int) -> Entry:
        if task.input.endswith("0.vqt"):
            signal.pause()
        assert local._worker is not None
        return local._worker(task, attempt)


def test_what_takes_too_long_is_ended(
    tmp_path: Path, stream: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = checks(tmp_path, 3, stream)
    monkeypatch.setattr(local, "_do", _Slow())
    report = run_in(tmp_path, tasks, timeout_s=1.0, retries=0, jobs=2)
    [entry] = report.failed
    assert entry.input == tasks[0].input and entry.error == "it took longer than 1 s"
    assert report.done == 2


def test_no_face_is_the_inputs_fault_and_storage_the_machines() -> None:
    from vqcodec.batch.places import StorageError
    from vqcodec.batch.work import failed

    assert failed(NoFaceError("no face", hint="h"))[0] == "input-failed"
    assert failed(ZeroDivisionError("x"))[1]["error"] == "unexpected ZeroDivisionError: x"
    for fault in (StorageError("gone"), MemoryError(), OSError(28, "No space left")):
        assert failed(fault)[0] == "machine-failed"
    try:
        raise ValueError("wrapped") from OSError(28, "No space left")
    except ValueError as error:
        assert failed(error)[0] == "machine-failed"
