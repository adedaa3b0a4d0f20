"""What tests of batches share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.container import make_stream
from vqcodec.batch.run import BatchReport, BatchSettings, run
from vqcodec.batch.tasks import Task


@pytest.fixture(scope="session")
def stream() -> bytes:
    """A small .vqt: 3 groups."""
    return make_stream()


def checks(folder: Path, count: int, data: bytes) -> list[Task]:
    """Tasks to verify as many files in folder/in, into folder/out."""
    (folder / "in").mkdir(exist_ok=True)
    for number in range(count):
        (folder / f"in/{number}.vqt").write_bytes(data)
    return [
        Task("verify", str(folder / f"in/{n}.vqt"), str(folder / f"out/{n}.json"))
        for n in range(count)
    ]


def run_in(folder: Path, tasks: list[Task], **settings: object) -> BatchReport:
    """A batch whose state lies in folder/out, with one worker unless `settings` say another number."""
    return run(tasks, BatchSettings(state=folder / "out", **{"jobs": 1, **settings}))  # type: ignore[arg-type]
