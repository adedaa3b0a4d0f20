"""What became of each task: a line a try, written when it ends, never changed.

    {"task": id, "state": "done", "input": ..., "output": ..., "bytes": ..., "sha256": ..., "seconds": ..., ...}

The last line of a task counts. A line that a stop cut in two is passed over: its task is done again.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from vqcodec.batch.tasks import Task
from vqcodec.media.system import system_faults

State = Literal["done", "input-failed", "machine-failed"]


@dataclass(frozen=True, slots=True)
class Entry:
    """How one try ended.

    Attributes:
        task: id of the task.
        do, input, output: of the task, for whoever reads the ledger.
        state: done; or failed for the sake of the input, which another try won't change; or of the machine.
        exit_code: what the command line would have exited with; 0 when done.
        error, hint: what went wrong, and what to do; "" when done.
        bytes, sha256: of what was made; 0 and "" when failed.
        seconds: that the work took.
        frames: that were coded, rendered or checked.
        media_s: length of what was made, in seconds.
        attempt: 1 for the first try of a run.
        worker: host and process.
        finished_utc: when, as ISO 8601.
        warnings: sentences of the job's report that a person should read.
    """

    task: str
    do: str
    input: str
    output: str
    state: State
    exit_code: int = 0
    error: str = ""
    hint: str = ""
    bytes: int = 0
    sha256: str = ""
    seconds: float = 0.0
    frames: int = 0
    media_s: float = 0.0
    attempt: int = 1
    worker: str = ""
    finished_utc: str = ""
    warnings: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, task: Task, state: State, **fields: Any) -> Entry:
        """That of a task."""
        return cls(task.id, task.do, task.input, task.output, state, **fields)


class Ledger:
    """The ledger of a batch, in a file of JSON lines.

    Args:
        path: of the file; it need not exist yet.

    Attributes:
        last: the last entry of each task by its id.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.last: dict[str, Entry] = {}
        with system_faults(path, "read"):
            data = path.read_bytes() if path.exists() else b""
        for line in data.splitlines():
            entry = _entry(line)
            if entry is not None:
                self.last[entry.task] = entry
        self._torn = bool(data) and not data.endswith(b"\n")

    def add(self, entry: Entry) -> None:
        """Write an entry; it is on the disk when this returns.

        Raises:
            MediaError: it can't be written.
        """
        line = json.dumps(asdict(entry), ensure_ascii=False) + "\n"
        with system_faults(self.path, "write"), self.path.open("ab") as file:
            file.write(b"\n" * self._torn + line.encode())
            file.flush()
            os.fsync(file.fileno())
        self._torn = False
        self.last[entry.task] = entry


def _entry(line: bytes) -> Entry | None:
    try:
        fields: Any = json.loads(line)
        return Entry(**{k: v for k, v in fields.items() if k in Entry.__dataclass_fields__})
    except (ValueError, TypeError, AttributeError):
        return None


def as_csv(entries: Iterable[Entry]) -> str:
    """Entries as a table for a spreadsheet."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(Entry.__dataclass_fields__), lineterminator="\n")
    writer.writeheader()
    for entry in entries:
        writer.writerow({**asdict(entry), "warnings": " ".join(entry.warnings)})
    return text.getvalue()
