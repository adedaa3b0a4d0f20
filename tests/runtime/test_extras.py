"""Extras: told before the work, by the folder that this installation came from, with an exit code of their own."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import tomllib
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.conftest import ROOT
from vqcodec.comparison import runner
from vqcodec.comparison.settings import ComparisonSettings
from vqcodec.evaluation.metrics.suite import Suite
from vqcodec.runtime import extras
from vqcodec.runtime.extras import MODULES, MissingExtraError, check_extra, install_hint
from vqcodec_cli.guard import report


@pytest.mark.parametrize("extra", MODULES)
def test_every_package_of_an_extra_is_known(extra: extras.Extra) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {
        re.split(r"[=<>;\[ ]", line)[0].lower().replace("_", "-")
        for line in project["optional-dependencies"][extra]
    }
    brought = metadata.packages_distributions()
    known = {
        name.lower().replace("_", "-")
        for module in MODULES[extra]
        for name in brought.get(module, [])
    }
    absent = {module for module in MODULES[extra] if module not in brought}
    assert known <= wanted and len(wanted - known) == len(absent)


@pytest.fixture
def no_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *more: None if name == "matplotlib" else found(name, *more),
    )


@pytest.mark.usefixtures("no_matplotlib")
def test_it_is_said_before_anything_is_coded(tmp_path: Path, sample_clip: Path) -> None:
    settings = ComparisonSettings(("vqt",), 2, 11, False, False, True, None)
    comparison = runner.Comparison((sample_clip,), tmp_path / "out", settings, 1)
    for work in (lambda: runner.run(comparison), Suite):
        with pytest.raises(MissingExtraError, match=r"\[eval\].* matplotlib is not") as caught:
            work()
        assert caught.value.exit_code == 9
    assert not list(tmp_path.iterdir())


def test_the_hint_names_the_clone() -> None:
    assert install_hint("eval") == f"pip install {shlex.quote(f'{ROOT}[eval]')} brings it."


@pytest.mark.parametrize("there", [True, False])
def test_the_hint_of_an_installed_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    clone = tmp_path / "a clone"
    clone.mkdir()
    if there:
        (clone / "pyproject.toml").touch()
    site = tmp_path / "site-packages" / "vqcodec" / "runtime"
    monkeypatch.setattr(extras, "__file__", str(site / "extras.py"))
    noted = json.dumps({"url": clone.as_uri(), "dir_info": {}})
    monkeypatch.setattr(
        metadata, "distribution", lambda name: SimpleNamespace(read_text=lambda file: noted)
    )
    hint = install_hint("train")
    assert (f"pip install '{clone}[train]'" in hint) == there
    assert there or "pip install '.[train]'" in hint


def test_a_package_that_cannot_be_imported(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(ModuleNotFoundError("No module named 'scipy'", name="scipy.signal")) == 9
    assert report(ImportError("libGL.so.1: cannot open shared object file")) == 9
    told = capsys.readouterr().err
    assert "[train]" in told and "libGL" in told and "report it" not in told
    check_extra("eval", "nothing")
