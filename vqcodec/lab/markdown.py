"""What the tables of pages are made of: figures, rows, and the conditions below."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from vqcodec.errors import UsageError

Column = TypeVar("Column", bound=tuple[Any, ...])


def number(value: Any, form: str) -> str:
    """A figure, or "-" for one that was not measured."""
    return "-" if value is None or math.isnan(value) else format(value, form)


def table(heads: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """Lines of a Markdown table whose first column has the rows' names."""
    return [
        "| | " + " | ".join(heads) + " |",
        "|---|" + "---:|" * len(heads),
        *(f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows),
    ]


def measured(columns: Sequence[Column], rows: Iterable[Mapping[str, Any]]) -> list[Column]:
    """The columns, each with its key first, without those that no row has a figure for: old results lack some."""
    known = list(rows)
    return [c for c in columns if any(number(row.get(c[0]), ".3g") != "-" for row in known)]


def where(known: Mapping[str, Any], *names: str) -> str:
    """Machine, date and models of some conditions.

    Args:
        known: conditions of a result file.
        names: entries of it that hold a model's identity.
    """
    machine = known["machine"]
    models = ", ".join(f"`{known[name]}`" for name in names if known.get(name))
    return f"{machine['cpu']}, {machine['cores']} cores; {known['date_utc']}; {models}."


def read(path: Path) -> dict[str, Any]:
    """A result file as plain values.

    Raises:
        UsageError: it is not a JSON object.
        OSError: it can't be read.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise UsageError(f"{path} holds no results")
    return data
