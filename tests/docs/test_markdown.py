"""Pages say what is there: links lead somewhere, commands and their options exist, code runs."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from tests.support.markdown import ROOT, anchors, blocks, commands, links, pages
from vqcodec.lab.command import EXPERIMENTS
from vqcodec_cli.main import app

README = ROOT / "README.md"
CLI_PAGE = ROOT / "cli" / "README.md"
SHOWN_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def name_of(page: object) -> str:
    return str(page.relative_to(ROOT)) if isinstance(page, Path) else ""


def by_name(command: Any, words: list[str]) -> Any:
    """The command of typer's (which has click or a copy of it inside) that `vqcodec WORDS` runs."""
    while words and words[0] in getattr(command, "commands", ()):
        command, words = command.commands[words[0]], words[1:]
    return command


def options(command: Any) -> set[str]:
    names = {n for p in command.params for n in (*p.opts, *p.secondary_opts) if n.startswith("--")}
    return names | {"--help"}


@pytest.fixture(scope="module")
def tool() -> Any:
    return typer.main.get_command(app)


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    lost = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_commands_exist(page: Path, tool: Any) -> None:
    wrong = [" ".join(words) for words in commands(page) if words and not known(words, tool, page)]
    assert wrong == []


def known(words: list[str], tool: Any, page: Path) -> bool:
    """Whether a command can be run: its modules, files, options and extras are there."""
    if words[0] == "vqcodec" and len(words) > 1 and words[1].islower():
        command = by_name(tool, words[1:])
        wanted = {word.partition("=")[0] for word in words if word.startswith("--")}
        return wanted <= options(command) and (command is not tool or words[1].startswith("--"))
    if words[:2] == ["python", "-m"]:
        return has_module(words[2:])
    if words[0] in ("python", "bash") and len(words) > 1 and words[1].endswith(".py"):
        return (ROOT / words[1]).is_file() or (page.parent / words[1]).is_file()
    if words[0].startswith(".ci/"):
        return (ROOT / words[0]).is_file()
    return words[:2] != ["pip", "install"] or has_extras(words)


def has_module(words: list[str]) -> bool:
    if words[0] == "vqcodec.lab" and len(words) > 1 and words[1].islower():
        return words[1].startswith("-") or words[1] in EXPERIMENTS
    return importlib.util.find_spec(words[0]) is not None


def has_extras(words: list[str]) -> bool:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    there = tomllib.loads(text)["project"]["optional-dependencies"]
    named = [e for word in words for m in re.findall(r"^\.\[(.+)\]$", word) for e in m.split(",")]
    return set(named) <= set(there)


def rows() -> Iterator[tuple[str, str]]:
    """First cell and whole line of the table of commands."""
    for line in CLI_PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("| `vqcodec "):
            yield line.split("`")[1], line


def test_the_table_of_commands_has_every_command_and_no_other_option(tool: Any) -> None:
    table = dict(rows())
    assert sorted(first.split()[1] for first in table) == sorted(tool.commands)
    for first, line in table.items():
        command = by_name(tool, first.split()[1:])
        assert set(SHOWN_OPTION.findall(line)) <= options(command), first


def test_exit_codes_are_those_of_the_errors() -> None:
    from vqcodec import errors

    shown = set(re.findall(r"^\| (\d+) \|", CLI_PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    raised = {str(e.exit_code) for e in vars(errors).values() if hasattr(e, "exit_code")}
    assert raised <= shown and {"0", "130"} <= shown


def test_the_front_page_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 150


def python_blocks() -> list[tuple[Path, str]]:
    return [(p, b.code) for p in pages() for b in blocks(p) if b.language == "python"]


@pytest.mark.slow
@pytest.mark.parametrize(("page", "code"), python_blocks(), ids=name_of)
def test_python_runs(page: Path, code: str, media: Path, tmp_path: Path) -> None:
    made = set(re.findall(r'(?:encode|decode|dub)\(.*"([^"]+)"\)', code))
    for file in media.iterdir():
        if file.name not in made:
            shutil.copy(file, tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert {name for name in made if not (tmp_path / name).is_file()} == set()
