"""What is to be done to one file: a line of a manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from vqcodec.errors import UsageError
from vqcodec.media.system import system_faults

Job = Literal["encode", "decode", "dub", "verify"]
JOBS: tuple[Job, ...] = get_args(Job)
SUFFIXES: dict[Job, str] = {
    "encode": ".vqt",
    "decode": ".mp4",
    "dub": ".vqt",
    "verify": ".json",
}
"""Of what a job makes; `verify` makes reports."""
_FIELDS = {"do", "input", "output", "options", "portrait"}


@dataclass(frozen=True, slots=True)
class Task:
    """One file to make of another.

    Attributes:
        do: what.
        input, output: paths, or addresses that fsspec knows (s3://bucket/name).
        options: fields of EncodeOptions, DecodeOptions or DubOptions by name, as JSON holds them.
        portrait: path or address of the picture that is made to speak; "" unless `do` is dub.
    """

    do: Job
    input: str
    output: str
    options: Mapping[str, Any] = field(default_factory=dict)
    portrait: str = ""

    def __post_init__(self) -> None:
        """Check what can be checked without a file.

        Raises:
            UsageError: an unknown job, an empty name, or a portrait where none belongs.
        """
        if self.do not in JOBS:
            raise UsageError(
                f"there is no job called {self.do!r}", hint=f"It is one of {', '.join(JOBS)}."
            )
        if not self.input or not self.output:
            raise UsageError("a task needs an input and an output")
        if bool(self.portrait) != (self.do == "dub"):
            raise UsageError(
                f"a task to {self.do} {self.input} has {'a' if self.portrait else 'no'} portrait",
                hint="dub needs one, the other jobs take none.",
            )

    @property
    def id(self) -> str:
        """The same for the same task, another one for any other: 16 hexadecimal digits."""
        text = json.dumps(self.to_json(), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """Its line of a manifest."""
        fields: dict[str, Any] = {"do": self.do, "input": self.input, "output": self.output}
        if self.portrait:
            fields["portrait"] = self.portrait
        if self.options:
            fields["options"] = dict(self.options)
        return fields

    @classmethod
    def from_json(cls, fields: Any) -> Task:
        """A task of its line.

        Raises:
            UsageError: the line isn't one.
        """
        if not isinstance(fields, dict) or not {"input", "output"} <= fields.keys() <= _FIELDS:
            raise UsageError(
                "the line is no task",
                hint=f"It is an object with input, output, and perhaps {', '.join(sorted(_FIELDS - {'input', 'output'}))}.",
            )
        texts = [fields.get(name, "") for name in ("input", "output", "portrait")]
        options = fields.get("options", {})
        if not all(isinstance(text, str) for text in texts) or not isinstance(options, dict):
            raise UsageError("names of a task are strings, its options an object")
        return cls(fields.get("do", "encode"), texts[0], texts[1], options, texts[2])


def read_manifest(path: Path) -> list[Task]:
    """The tasks of a manifest: JSON lines; empty ones are passed over.

    Raises:
        UsageError: a line is no task; the message says which.
        MediaError: the file can't be read.
    """
    with system_faults(path, "read"):
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    return distinct(_tasks(lines, path))


def _tasks(lines: Iterable[str], path: Path) -> Iterator[Task]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield Task.from_json(json.loads(line))
        except (ValueError, UsageError) as error:
            hint = error.hint if isinstance(error, UsageError) else "Each line is a JSON object."
            raise UsageError(f"{path}, line {number}: {error}", hint=hint) from None


def manifest(tasks: Iterable[Task]) -> str:
    """Tasks as the lines of a manifest."""
    return "".join(json.dumps(task.to_json(), ensure_ascii=False) + "\n" for task in tasks)


def distinct(tasks: Iterable[Task]) -> list[Task]:
    """Tasks in their order, each once.

    Raises:
        UsageError: two different ones make the same output, or one makes its own input.
    """
    by_output: dict[str, Task] = {}
    for task in tasks:
        other = by_output.setdefault(task.output, task)
        if other != task:
            raise UsageError(
                f"{other.input} and {task.input} would both become {task.output}",
                hint="Give them outputs of their own, in a manifest or by batches of their own.",
            )
        if task.output in (task.input, task.portrait):
            raise UsageError(f"{task.output} would be made of itself")
    return list(by_output.values())
