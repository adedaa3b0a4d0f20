"""Model files that are none: folders, pipes, garbage, damaged lists and tables. A ModelError each, and never a wait."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from vqcodec.entropy import tables
from vqcodec.errors import ModelError, UnsupportedError
from vqcodec.face.asset import face_model_path
from vqcodec.generate.generator import MotionGenerator
from vqcodec.geometry.basis import read_basis
from vqcodec.geometry.field import read_field
from vqcodec.geometry.headpose import read_head
from vqcodec.geometry.layout import read_layout
from vqcodec.gesture.behaviour import Behaviour
from vqcodec.models import store
from vqcodec.models.manifest import read_manifest, write_manifest
from vqcodec.motion.space import MotionSpace
from vqcodec.render.reference import ReferenceFlow
from vqcodec.render.renderer import Renderer
from vqcodec.speech.closure import LipClosure
from vqcodec.speech.tokenizer import SpeechTokenizer
from vqcodec.types import ModelId

LOADERS: dict[str, Callable[[Path], object]] = {
    "motion space": MotionSpace.load,
    "renderer": Renderer.load,
    "reference": ReferenceFlow.load,
    "speech": SpeechTokenizer.load,
    "generator": partial(MotionGenerator.load, finish=None),
    "behaviour": Behaviour.load,
    "closure": LipClosure.load,
    "basis": read_basis,
    "field": read_field,
    "layout": read_layout,
    "head": read_head,
}


def garbage(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 40)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def other_weights(path: Path) -> None:
    save_file({"points": torch.zeros(3), "basis.mean": torch.zeros(1)}, str(path))


def words(path: Path) -> None:
    facts = {"encoder": "[]", "shape": "[1", "layout": "7", "motion_space": "x"}
    save_file({"field.basis": torch.zeros(2, 2, 2)}, str(path), metadata=facts)


def deep(path: Path) -> None:
    path.write_text("[" * 100_000)


NO_MODELS = [garbage, empty, other_weights, words, deep]
FINE = {
    ("field", other_weights),
    ("field", words),
    ("layout", other_weights),
}  # they have no field; the first layout


@pytest.mark.parametrize("name", LOADERS)
@pytest.mark.parametrize("make", NO_MODELS)
def test_a_file_that_is_no_model(tmp_path: Path, name: str, make: Callable[[Path], None]) -> None:
    path = tmp_path / "x.safetensors"
    make(path)
    if (name, make) in FINE:
        LOADERS[name](path)
        return
    with pytest.raises(ModelError) as caught:
        LOADERS[name](path)
    assert "x.safetensors" in str(caught.value) and caught.value.exit_code == 6
    assert len(str(caught.value)) < len(str(path)) + 250, "not every tensor that is missing"


def folder(path: Path) -> None:
    path.mkdir()


def pipe(path: Path) -> None:
    os.mkfifo(path)


def loop(path: Path) -> None:
    path.symlink_to(path)


@pytest.fixture
def others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of further models."""
    monkeypatch.setenv(store.MODEL_DIR_VARIABLE, str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.mark.skipif(os.name != "posix", reason="pipes and links of POSIX")
@pytest.mark.parametrize("make", [folder, pipe, loop])
def test_what_lies_beside_a_model(others: Path, make: Callable[[Path], None]) -> None:
    others.mkdir()
    make(others / "a.safetensors")
    (others / "b.safetensors").write_bytes(b"the one")
    wanted = ModelId("b", hashlib.sha256(b"the one").digest())
    assert store.find(wanted, "renderer").path == others / "b.safetensors"
    with pytest.raises(ModelError, match=r"a\.safetensors"):
        store.find(ModelId("c", bytes(32)), "renderer")
    shipped = store.current("head").id
    assert store.find(shipped, "head").id == shipped


@pytest.mark.skipif(os.name != "posix", reason="pipes and links of POSIX")
@pytest.mark.parametrize("make", [garbage, pipe, loop, lambda path: None])
def test_no_folder_of_models(others: Path, make: Callable[[Path], None]) -> None:
    make(others)
    with pytest.raises(ModelError, match=store.MODEL_DIR_VARIABLE):
        store.find(ModelId("c", bytes(32)), "renderer")
    assert store.current("head").path.is_file()


def test_a_folder_without_the_model(others: Path) -> None:
    others.mkdir()
    (others / "a.safetensors").write_bytes(b"another one")
    with pytest.raises(UnsupportedError):
        store.find(ModelId("c", bytes(32)), "renderer")


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_a_face_model_that_is_a_pipe(tmp_path: Path) -> None:
    pipe(tmp_path / "pipe")
    with pytest.raises(ModelError, match="is missing or its sha256"):
        face_model_path(tmp_path / "pipe")


@pytest.mark.parametrize(
    "change",
    [
        {"models": None},
        {"models": "abc"},
        {"models": [[]]},
        {"models": []},
        {"name": 7},
        {"file": ["x"]},
        {"file": "../behaviour-1.json"},
        {"kind": {}},
        {"current": "yes"},
        {"sha256": 12},
        {"name": "motion-9"},
        {"current": True},
        {"more": 1},
    ],
)
def test_a_manifest_with_one_wrong_value(tmp_path: Path, change: dict[str, object]) -> None:
    shutil.copy(store.packaged_dir() / "manifest.json", tmp_path)
    path = tmp_path / "manifest.json"
    content = json.loads(path.read_text())
    place = content if "models" in change else content["models"][1]
    place.update(change)
    path.write_text(json.dumps(content))
    with pytest.raises(ModelError, match=r"manifest\.json"):
        read_manifest(tmp_path)


def test_every_byte_of_the_manifest_counts(tmp_path: Path) -> None:
    data = (store.packaged_dir() / "manifest.json").read_bytes()
    path, whole = tmp_path / "manifest.json", store.manifest()
    for at in np.random.default_rng(1).integers(0, len(data), 150).tolist():
        path.write_bytes(data[:at] + bytes([data[at] ^ 2]) + data[at + 1 :])
        try:
            assert read_manifest(tmp_path) == whole  # a blank
        except ModelError:
            continue


def test_a_manifest_that_is_a_folder_or_deep(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").mkdir()
    with pytest.raises(ModelError):
        read_manifest(tmp_path)
    (tmp_path / "b").mkdir()
    deep(tmp_path / "b" / "manifest.json")
    with pytest.raises(ModelError, match="makes no sense"):
        read_manifest(tmp_path / "b")
    write_manifest(tmp_path / "b", store.manifest())
    assert read_manifest(tmp_path / "b") == store.manifest()


@pytest.mark.parametrize("name", tables.SHA256)
def test_tables_are_what_the_version_was_made_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Another number would decode every stream to other tokens, in silence."""
    data = tables._verified(name)
    monkeypatch.setattr(tables, "files", lambda package: tmp_path)
    with pytest.raises(ModelError, match="No such file"):
        tables._verified(name)
    at = data.index(b"coefficients") + 40
    (tmp_path / name).write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    with pytest.raises(ModelError, match="another sha256"):
        tables._verified(name)
    (tmp_path / name).write_bytes(data)
    assert tables._verified(name) == data


def test_everything_loaded_has_a_digest() -> None:
    """Data files of the package that are no pages, recipes, packages of the web decoder or the lists of digests themselves."""
    package = store.packaged_dir().parent
    loaded = {
        path.relative_to(package).as_posix()
        for suffix in ("json", "safetensors", "bin", "npy", "tsv", "task", "npz", "pt")
        for path in package.rglob(f"*.{suffix}")
        if path.relative_to(package).parts[0] not in ("lab", "web")
    }
    covered = {f"models/{entry.file}" for entry in store.manifest()}
    covered |= {f"entropy/{name}" for name in tables.SHA256}
    assert loaded == covered | {"models/manifest.json"}
