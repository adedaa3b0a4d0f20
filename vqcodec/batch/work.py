"""What a worker does with a task: fetch, work, send, and say how it went. It never raises but to be stopped."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from vqcodec.batch.ledger import Entry, State
from vqcodec.batch.options import options_of
from vqcodec.batch.places import StorageError, fetched, is_remote, local_path, put
from vqcodec.batch.tasks import Task
from vqcodec.codec.codec import Codec
from vqcodec.codec.look import verify
from vqcodec.config import RuntimeOptions
from vqcodec.errors import BrokenInstallError, MediaError, ModelError, VqcodecError
from vqcodec.media.out.atomic import atomic_output
from vqcodec.media.system import system_faults

_OF_THE_MACHINE = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EIO,
        errno.EROFS,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.ESTALE,
    }
)
"""What the system says of itself and not of a file."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a job says of what it made."""

    frames: int
    media_s: float
    warnings: list[str]


class Worker:
    """Does one task after the other with one Codec, whose models are loaded with the first that needs them.

    Args:
        runtime: of the Codec.
        folder: for files that aren't whole yet; None takes one that the system gives. Where it is on the disk of the outputs,
            nothing is copied.
    """

    def __init__(self, runtime: RuntimeOptions, folder: Path | None = None) -> None:
        self._codec = Codec(**asdict(runtime))
        self._folder = folder
        self._name = f"{socket.gethostname()}:{os.getpid()}"

    def __call__(self, task: Task, attempt: int = 1) -> Entry:
        """Do a task.

        Args:
            task: what to do.
            attempt: which try this is.

        Returns:
            how it ended.
        """
        start = time.monotonic()
        fields: dict[str, Any] = {}
        try:
            with tempfile.TemporaryDirectory(prefix="work-", dir=self._folder) as folder:
                made, size, digest = self._make(task, Path(folder))
            state: State = "done"
            fields = {"bytes": size, "sha256": digest, "frames": made.frames}
            fields |= {"media_s": round(made.media_s, 3), "warnings": made.warnings}
        except Exception as failure:
            state, fields = failed(failure)
        return Entry.of(
            task,
            state,
            seconds=round(time.monotonic() - start, 3),
            attempt=attempt,
            worker=self._name,
            finished_utc=datetime.now(UTC).isoformat(timespec="seconds"),
            **fields,
        )

    def _make(self, task: Task, folder: Path) -> tuple[Made, int, str]:
        """Make a file and send it where it belongs; returns what is said of it, its bytes and its sha256."""
        own = folder / "made"
        own.mkdir()
        target = own / (PurePosixPath(task.output).name or "made")
        made = self._job(task, folder, target)
        with target.open("rb") as file:
            digest, size = hashlib.file_digest(file, "sha256").hexdigest(), target.stat().st_size
        if is_remote(task.output):
            put(target, task.output)
        else:
            _place(target, local_path(task.output))
        return made, size, digest

    def _job(self, task: Task, folder: Path, target: Path) -> Made:
        source = fetched(task.input, folder)
        options, further = options_of(task.do, task.options)
        if task.do == "verify":
            found = verify(source)
            target.write_text(json.dumps(found.to_json(), indent=1) + "\n", encoding="utf-8")
            return Made(found.report.sizes.frames, float(found.report.sizes.seconds), [])
        report: Any
        if task.do == "dub":
            picture = folder / "portrait"
            picture.mkdir()
            portrait = fetched(task.portrait, picture)
            report = self._codec.dub(source, portrait, target, options, **further)  # type: ignore[arg-type]
        elif task.do == "decode":
            report = self._codec.decode(source, target, options, **further)  # type: ignore[arg-type]
        else:
            report = self._codec.encode(source, target, options)  # type: ignore[arg-type]
        sizes = report if task.do == "decode" else report.sizes
        return Made(int(sizes.frames), float(sizes.seconds), list(report.warnings))


def failed(failure: Exception) -> tuple[State, dict[str, Any]]:
    """Whether another try may help, and what to write down."""
    known = isinstance(failure, VqcodecError)
    return "machine-failed" if of_the_machine(failure) else "input-failed", {
        "exit_code": failure.exit_code if isinstance(failure, VqcodecError) else 1,
        "error": str(failure) if known else f"unexpected {type(failure).__name__}: {failure}",
        "hint": failure.hint if isinstance(failure, VqcodecError) else "",
    }


def of_the_machine(failure: BaseException) -> bool:
    """Whether a failure says something of the machine and nothing of the input."""
    if isinstance(failure, StorageError | ModelError | BrokenInstallError | MemoryError):
        return True
    cause: BaseException | None = failure
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _OF_THE_MACHINE:
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _place(made: Path, target: Path) -> None:
    """Give a whole file its name, on whatever disk that is."""
    with _machine_faults(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.replace(made, target)
            return
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
        with made.open("rb") as file, atomic_output(target, force=True) as sink:
            shutil.copyfileobj(file, sink)


@contextmanager
def _machine_faults(target: Path) -> Iterator[None]:
    try:
        with system_faults(target, "write"):
            yield
    except MediaError as error:
        raise StorageError(str(error), hint=error.hint) from error
