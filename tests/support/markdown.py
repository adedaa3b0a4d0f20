"""What stands in a Markdown page: links, headings, code."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?:^ {4}(?:pip|python|vqcodec|mkdir) .*\n(?: {5}.*\n)*)+", re.MULTILINE)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


class Block(NamedTuple):
    """A fenced piece of code: its language ("" without one) and its text."""

    language: str
    code: str


@cache
def pages() -> tuple[Path, ...]:
    """All Markdown pages of the repository that git knows or would."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    names = done.stdout.split() if done.returncode == 0 else []
    found = [ROOT / name for name in names] or sorted(ROOT.rglob("*.md"))
    return tuple(sorted(page for page in found if page.is_file()))


def blocks(page: Path) -> list[Block]:
    """Fenced code."""
    found = FENCE.finditer(page.read_text(encoding="utf-8"))
    return [Block(match["language"], match["code"]) for match in found]


def prose(page: Path) -> str:
    """The page without its fenced code."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def commands(page: Path) -> Iterator[list[str]]:
    """Every command of the page, as words: lines of shell blocks and of indented code, and spans that look like one."""
    text = prose(page)
    lines = [
        line for block in blocks(page) if block.language == "sh" for line in joined(block.code)
    ]
    lines += [line for match in INDENTED.finditer(text) for line in joined(match[0])]
    lines += [
        span for span in SPAN.findall(text) if span.startswith(("vqcodec ", "python ", "pip "))
    ]
    for line in lines:
        for part in line.split("&&"):
            yield shlex.split(part.replace("\\|", " "), comments=True)


def joined(code: str) -> list[str]:
    """Lines, those that end in a backslash with the next."""
    return [line.strip() for line in code.replace("\\\n", " ").splitlines() if line.strip()]


def links(page: Path) -> list[str]:
    """Targets of links and pictures, but those on the web."""
    return [
        to for to in LINK.findall(prose(page)) if not to.startswith(("http:", "https:", "mailto:"))
    ]


def anchors(page: Path) -> set[str]:
    """What a link may name after #: headings as GitHub writes them."""
    found = set()
    for heading in HEADING.findall(prose(page)):
        kept = re.sub(r"[^\w\- ]", "", heading.lower().strip())
        found.add(kept.replace(" ", "-"))
    return found
