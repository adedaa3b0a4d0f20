"""What a wheel holds: every package but the laboratory, each version once, bounds that can be installed."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_laboratory_and_web_sources_give_no_data_to_the_wheel(pyproject: dict[str, Any]) -> None:
    excluded = {"vqcodec": ["lab/**", "web/**"]}
    assert pyproject["tool"]["setuptools"]["exclude-package-data"] == excluded


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


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_wheel_with_laboratory_or_without_weights_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    look = script("look_into_wheel")
    manifest = (ROOT / look.MANIFEST).read_text(encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "bare.whl", "w") as wheel:
        for name in look.NEEDED:
            wheel.writestr(name, manifest if name == look.MANIFEST else "")
    strangers = ["vqcodec/lab/__init__.py", "vqcodec/web/node_modules/typescript/package.json"]
    with zipfile.ZipFile(tmp_path / "lab.whl", "w") as wheel:
        for name in strangers:
            wheel.writestr(name, "")
    with zipfile.ZipFile(tmp_path / "bare.whl") as wheel:
        found = look.faults(wheel)
    files = [model["file"] for model in json.loads(manifest)["models"]]
    assert found == [f"vqcodec/models/{name} is missing" for name in files]
    assert "behaviour-1.json" in files
    with zipfile.ZipFile(tmp_path / "lab.whl") as wheel:
        assert {f"{name} doesn't belong there" for name in strangers} <= set(look.faults(wheel))


def test_speed_is_told_beside_what_was_committed() -> None:
    told = script("benchmark")
    before = told.committed()
    now = {**before, "files": {"frames": 10, "encode_fps": 2 * before["files"]["encode_fps"]}}
    lines = told.lines(now, before)
    assert lines[0].startswith("now: ") and lines[1].startswith("before: ")
    assert any(line.startswith("file to file, encode") and line.endswith("+100%") for line in lines)
