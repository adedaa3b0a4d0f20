"""What a wheel holds: every package but the laboratory, each version once, bounds that can be installed."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_laboratory_gives_no_data_to_the_wheel(pyproject: dict[str, Any]) -> None:
    assert pyproject["tool"]["setuptools"]["exclude-package-data"] == {"vqcodec": ["lab/**"]}


def test_lowest_versions_cover_every_dependency(pyproject: dict[str, Any]) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / ".ci" / "lower_bounds.py"],
        capture_output=True,
        text=True,
        check=True,
    )
    named = {line.partition("==")[0] for line in done.stdout.split()}
    wanted = {line.partition(">")[0] for line in pyproject["project"]["dependencies"]}
    assert named == wanted
