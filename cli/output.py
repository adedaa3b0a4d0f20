"""Data for stdout: JSON and plain tables."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any, NoReturn, TextIO, cast

from vqcodec.errors import MediaError, UsageError
from vqcodec.media.system import NamedFile

from . import console

SYNTHETIC = "synthetic: motion made from speech"
PARTS = ("portrait", "motion", "audio", "container")


class _Closed(io.TextIOBase):
    """What stands for a standard output that whoever started the program has closed: whoever prints is told so."""

    def write(self, text: str) -> NoReturn:
        raise MediaError(
            "cannot write standard output: it is closed", hint="Leave it open, or redirect it."
        )

    @property
    def buffer(self) -> NoReturn:
        self.write("")


def name_standard_output() -> None:
    """From now on whatever prints, libraries' help and tables included, fails there as this program's own lines do."""
    if sys.stdout is None:
        sys.stdout = cast(TextIO, _Closed())
    else:
        sys.stdout = cast(
            TextIO, NamedFile(cast(IO[bytes], sys.stdout), "standard output", "write")
        )


def print_json(fields: Mapping[str, Any]) -> None:
    """One JSON object and a newline on stdout."""
    _write(json.dumps(fields, indent=2, ensure_ascii=False) + "\n")


def print_report(fields: Mapping[str, Any]) -> None:
    """The same of a file that was written: it is whole, whether anybody reads the report or not."""
    with kept_in_files():
        print_json(fields)


@contextmanager
def kept_in_files() -> Iterator[None]:
    """For printing what files hold, too: that nobody reads it here is no failure."""
    try:
        yield
    except MediaError as error:
        if isinstance(sys.stdout, _Closed):
            console.warning("standard output is closed: the report isn't printed")
        elif not isinstance(error.__cause__, BrokenPipeError):
            raise
        console.silence(sys.stdout)


def print_lines(lines: Iterable[str]) -> None:
    """Lines on stdout."""
    _write("".join(line + "\n" for line in lines))


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def refuse_json_on_pipe(target: str, as_json: bool) -> None:
    """stdout can carry the file or the report, not both.

    Raises:
        UsageError: both are wanted.
    """
    if as_json and target == "-":
        raise UsageError(
            "--json and output to stdout exclude each other", hint="Give the output a file name."
        )


def size_lines(fields: Mapping[str, Any]) -> list[str]:
    """A table of bytes and kbit/s by purpose, from `vqcodec.config.size_fields`."""
    lines = [
        f"{name:<10}{fields[f'{name}_bytes']:>10} bytes {fields[f'{name}_kbps']:>9.3f} kbit/s"
        for name in (*PARTS, *(("scene",) if fields.get("scene_bytes") else ()))
    ]
    return [
        *lines,
        f"{'file':<10}{fields['file_bytes']:>10} bytes {fields['file_kbps']:>9.3f} kbit/s",
    ]


def fact_lines(facts: Mapping[str, Any]) -> list[str]:
    """Aligned `name  value` lines; None and empty values are left out, booleans read yes and no."""
    shown = {
        name: _plain(value) for name, value in facts.items() if value not in (None, "", [], ())
    }
    width = max((len(name) for name in shown), default=0) + 2
    return [f"{name:<{width}}{value}" for name, value in shown.items()]


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(_plain(v) for v in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_plain(v)}" for k, v in value.items())
    return str(value)
