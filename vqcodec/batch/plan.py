"""From what was named to tasks: each file's place below what its name began with is its place below OUT."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from vqcodec.batch.places import is_remote, listed
from vqcodec.batch.tasks import SUFFIXES, Job, Task, distinct, read_manifest
from vqcodec.errors import UsageError
from vqcodec.media.picture.formats import VIDEO_SUFFIXES

MANIFEST_SUFFIX = ".jsonl"
SOUND_SUFFIXES = frozenset(
    f".{name}"
    for name in ["aac", "aif", "aiff", "flac", "m4a", "mp3", "oga", "ogg", "opus", "wav", "wma"]
)
_TAKEN: dict[Job, frozenset[str]] = {
    "encode": VIDEO_SUFFIXES,
    "decode": frozenset({".vqt"}),
    "dub": SOUND_SUFFIXES,
    "verify": frozenset({".vqt"}),
}
"""What is taken from a folder; a file that is named may be called as it likes."""


def planned(
    named: Sequence[str],
    out: str | None,
    do: Job,
    options: Mapping[str, Any],
    *,
    portrait: str = "",
    suffix: str | None = None,
) -> list[Task]:
    """The tasks of a command line.

    Args:
        named: files, folders and patterns, or one manifest, which says all the rest by itself.
        out: folder or address for what is made; None only for a manifest.
        do: the job.
        options: of every task.
        portrait: of every task, for dub.
        suffix: of what is made, with its dot; None takes the job's.

    Raises:
        UsageError: nothing is found, or two files would become one.
        MediaError: a place can't be read.
    """
    if any(name.endswith(MANIFEST_SUFFIX) for name in named):
        if len(named) > 1 or options or portrait:
            raise UsageError(
                "a manifest says all tasks with their options",
                hint="Name it alone, without options of the job.",
            )
        return read_manifest(Path(named[0]))
    if out is None:
        raise UsageError("--out is missing", hint="It says where the files go that are made.")
    return distinct(_tasks(named, out, do, options, portrait, suffix or SUFFIXES[do]))


def _tasks(
    named: Sequence[str], out: str, do: Job, options: Mapping[str, Any], portrait: str, suffix: str
) -> Iterator[Task]:
    for name in named:
        base, files = listed(name, _TAKEN[do])
        for file in files:
            own = _below(file, base).with_suffix(suffix)
            yield Task(do, file, _joined(out, own), dict(options), portrait)


def _below(file: str, base: str) -> PurePosixPath:
    """A file's place below a folder."""
    if is_remote(file):
        return PurePosixPath(file.removeprefix(base).lstrip("/"))
    return PurePosixPath(Path(file).relative_to(base or ".").as_posix())


def _joined(out: str, own: PurePosixPath) -> str:
    return f"{out.rstrip('/')}/{own}" if is_remote(out) else str(Path(out) / own)
