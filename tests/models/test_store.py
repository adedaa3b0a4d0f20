"""Which models ship, and that they are what the manifest says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from vqcodec.errors import ModelError, UnsupportedError
from vqcodec.models import store
from vqcodec.models.manifest import Entry, read_manifest, with_kind, write_manifest
from vqcodec.training.common.export import name_model, name_pictures
from vqcodec.types import ModelId

KINDS = ("motion_space", "renderer", "head", "speech_tokenizer", "generator", "behaviour")


def entry(kind: str, name: str, *, current: bool = True) -> Entry:
    return Entry(kind, name, f"{name}.bin", "ab" * 32, current)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package whose only models are the mean head and the behaviour."""
    for name in ("head-1.safetensors", "behaviour-1.json"):
        shutil.copy(store.packaged_dir() / name, tmp_path / name)
    small = [e for e in store.manifest() if e.kind in ("head", "behaviour")]
    write_manifest(tmp_path, small)
    monkeypatch.setattr(store, "packaged_dir", lambda: tmp_path)
    return tmp_path


@pytest.mark.parametrize("kind", KINDS)
def test_the_shipped_models_are_what_the_manifest_says(kind: str) -> None:
    model = store.current(kind)
    assert model.id.sha256 == store.opened(model.path).id.sha256
    assert model.path.name.startswith(model.id.name)


def test_every_weights_file_is_named() -> None:
    files = {
        p.name for p in store.packaged_dir().iterdir() if p.suffix in (".safetensors", ".json")
    }
    assert files - {"manifest.json"} == {e.file for e in store.manifest()}


def test_a_changed_file_is_refused(folder: Path) -> None:
    path = folder / "behaviour-1.json"
    path.write_text(path.read_text().replace("0.195", "0.196"))
    with pytest.raises(ModelError, match="another sha256"):
        store.current("behaviour")
    path.unlink()
    with pytest.raises(ModelError, match="is missing"):
        store.current("behaviour")
    with pytest.raises(ModelError, match="no renderer ships"):
        store.current("renderer")


def test_what_the_manifest_names_is_found_without_reading_other_files(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def hashed(path: Path) -> bytes:
        read.append(path.name)
        return store._sha256(path, 0, 0)

    (folder / "a-large-one.safetensors").write_bytes(b"0" * 1000)
    monkeypatch.setattr(store, "file_sha256", hashed)
    head = store.current("head")
    assert store.find(head.id, "head").path == head.path
    assert set(read) == {"head-1.safetensors"}


def test_what_the_manifest_does_not_name_is_looked_for(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path_factory.mktemp("models") / "old.safetensors"
    other.write_bytes(b"an old one")
    wanted = store.opened(other, "old").id
    with pytest.raises(UnsupportedError, match="'old'"):
        store.find(wanted, "motion space")
    monkeypatch.setenv(store.MODEL_DIR_VARIABLE, str(other.parent))
    assert store.find(wanted, "motion space") == store.ModelFile(wanted, other)
    with pytest.raises(UnsupportedError):
        store.find(ModelId("gone", b"\xab" * 32), "motion space")


@pytest.mark.parametrize(
    "content",
    [
        "{}",
        "[]",
        '{"models": [{"kind": "head"}]}',
        '{"models": [{"kind": "head", "name": "x", "file": "x", "sha256": "abc"}]}',
        "no JSON",
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(ModelError, match="no model manifest"):
        read_manifest(tmp_path)
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(ModelError, match="makes no sense"):
        read_manifest(tmp_path)


def test_one_of_each_kind_is_current(tmp_path: Path) -> None:
    write_manifest(tmp_path, [entry("renderer", "a"), entry("renderer", "b")])
    with pytest.raises(ModelError, match="one current renderer"):
        read_manifest(tmp_path)
    good = (entry("renderer", "a", current=False), entry("renderer", "b"))
    write_manifest(tmp_path, good)
    assert read_manifest(tmp_path) == good
    assert json.loads((tmp_path / "manifest.json").read_text())["models"][0]["name"] == "a"


def test_a_kind_is_replaced_where_it_stood() -> None:
    before = (entry("head", "h"), entry("renderer", "r"), entry("generator", "g"))
    assert with_kind(before, [entry("renderer", "s")]) == (
        before[0],
        entry("renderer", "s"),
        before[2],
    )
    assert with_kind(before[:1], before[1:2]) == before[:2]


def test_the_manifest_keeps_its_other_entries(tmp_path: Path) -> None:
    shipped = {e.name: e for e in store.manifest()}
    spaces = [model.id.name for model in store.motion_spaces()]
    renderer = store.current("renderer").id.name
    for name in (*spaces, renderer, "head-1", "behaviour-1"):
        shutil.copy(store.packaged_dir() / shipped[name].file, tmp_path)
    assert name_model(tmp_path, "head", tmp_path / "head-1.safetensors") == (shipped["head-1"],)
    paths = [tmp_path / shipped[name].file for name in spaces]
    written = name_pictures(tmp_path, paths, tmp_path / shipped[renderer].file)
    assert set(written) == {shipped[name] for name in (*spaces, renderer, "head-1")}
    assert name_model(tmp_path, "head", tmp_path / "head-1.safetensors") == written
    last = name_model(tmp_path, "behaviour", tmp_path / "behaviour-1.json")
    assert last == (*written, shipped["behaviour-1"]) == read_manifest(tmp_path)
