"""Parts of Markdown pages that commands write: everything between two comment lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from vqcodec.errors import UsageError


def begin(name: str, command: str) -> str:
    """The line before a part."""
    return f"<!-- {name}:begin (made by {command}) -->"


def end(name: str) -> str:
    """The line after a part."""
    return f"<!-- {name}:end -->"


def names(text: str) -> list[str]:
    """The parts that a page has places for, in its order."""
    return re.findall(r"^<!-- ([a-z0-9-]+):begin ", text, re.M)


def updated(text: str, name: str, command: str, lines: Sequence[str]) -> str:
    """`text` with the named part made anew.

    Raises:
        UsageError: the two lines are not there, once each and in order.
    """
    first, last = begin(name, command), end(name)
    start, stop = text.find(first), text.find(last)
    if text.count(first) != 1 or text.count(last) != 1 or stop < start:
        raise UsageError(
            f"the Markdown file has no place for the part {name!r}",
            hint=f"Add the lines {first} and {last}.",
        )
    return text[:start] + "\n".join([first, "", *lines, "", last]) + text[stop + len(last) :]


def replaced(
    page: Path, name: str, command: str, lines: Sequence[str], *, check: bool = False
) -> int:
    """Bring a page's part up to date.

    Args:
        page: the Markdown file.
        name: of the part.
        command: named in the line before it.
        lines: its new text.
        check: change nothing.

    Returns:
        0, or 1 when `check` finds the part out of step.

    Raises:
        UsageError: the file has no such part.
    """
    old = page.read_text(encoding="utf-8")
    new = updated(old, name, command, lines)
    if not check and new != old:
        page.write_text(new, encoding="utf-8")
    return int(check and new != old)
