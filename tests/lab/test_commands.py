"""One entry to all experiments: each name has its module, and no page or sentence names another."""

from __future__ import annotations

import re
import subprocess
from importlib import import_module
from pathlib import Path

import pytest

from vqcodec.errors import UsageError
from vqcodec.lab.__main__ import main
from vqcodec.lab.command import EXPERIMENTS, command

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_each_has_its_module_and_its_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = import_module(f"vqcodec.lab.{EXPERIMENTS[name].module}")
    assert f"{command(name)} " in str(module.__doc__)
    with pytest.raises(SystemExit) as left:
        main([name, "--help"])
    assert left.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert f"usage: {command(name)} " in shown and EXPERIMENTS[name].summary[1:] in shown


def test_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name, known in EXPERIMENTS.items():
        assert any(line.split() == [name, *known.summary.split()] for line in lines)
    assert main([]) == UsageError.exit_code and main(["poem"]) == UsageError.exit_code
    assert "'poem'" in capsys.readouterr().err


def test_nothing_names_an_experiment_that_is_not_there() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    named: dict[str, str] = {}
    for path in listed.stdout.split():
        if path.endswith((".md", ".py", ".toml", ".html")) and (ROOT / path).is_file():
            text = (ROOT / path).read_text(encoding="utf-8")
            found = re.findall(r"python -m vqcodec\.lab((?:\.|\s+)[a-z0-9][a-z0-9.-]*\b)", text)
            named |= {name.strip(): path for name in found}
    assert {name: path for name, path in named.items() if name not in EXPERIMENTS} == {}
