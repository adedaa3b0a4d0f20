"""Weights on disk: which files ship, where others are looked for, and that they are what they claim to be."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

from vqcodec.errors import ModelError, UnsupportedError
from vqcodec.format import DIMS
from vqcodec.geometry.layout import read_layout
from vqcodec.geometry.reading import model_faults
from vqcodec.models.manifest import Entry, read_manifest
from vqcodec.types import ModelId

MODEL_DIR_VARIABLE = "VQCODEC_MODEL_DIR"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A verified weights file."""

    id: ModelId
    path: Path


def packaged_dir() -> Path:
    """Folder of the weights that ship with the package."""
    return Path(str(resources.files("vqcodec.models")))


@lru_cache(maxsize=32)
def _sha256(path: Path, size: int, changed_ns: int) -> bytes:
    with model_faults(path, "a model file"), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def file_sha256(path: Path) -> bytes:
    """sha256 of a file; remembered until its size or time changes.

    Raises:
        ModelError: it is no file (a folder, a pipe), or can't be read.
    """
    with model_faults(path, "a model file"):
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):  # opening a pipe waits for somebody to write
            raise ValueError("it is no file")
    return _sha256(path, facts.st_size, facts.st_mtime_ns)


def manifest() -> tuple[Entry, ...]:
    """The models that ship: `models/manifest.json`.

    Raises:
        ModelError: the package was installed without it.
    """
    return read_manifest(packaged_dir())


def current(kind: str) -> ModelFile:
    """The shipped model of a kind (see `manifest.Entry`) that is loaded where nothing else is asked for.

    Raises:
        ModelError: there is none, its file is missing or its sha256 is not the manifest's.
    """
    for entry in manifest():
        if entry.kind == kind and entry.current:
            return _shipped(entry)
    raise ModelError(f"no {kind} ships with this version", hint="Reinstall vqcodec.")


def motion_spaces() -> list[ModelFile]:
    """The shipped motion spaces, the current one first.

    Raises:
        ModelError: as `current`.
    """
    spaces = [entry for entry in manifest() if entry.kind == "motion_space"]
    return [_shipped(entry) for entry in sorted(spaces, key=lambda entry: not entry.current)]


def motion_space(name: str) -> ModelFile:
    """A shipped motion space by name.

    Raises:
        ModelError: there is none of that name, or as `current`.
    """
    for model in motion_spaces():
        if model.id.name == name:
            return model
    raise ModelError(f"no motion space {name!r} ships with this version", hint="Reinstall vqcodec.")


def plain_motion_space() -> ModelFile:
    """The newest shipped motion space without a field, which only a recording has: that of generated and of made motion.

    Its dimensions are those of major version 1.

    Raises:
        ModelError: there is none, or as `current`.
    """
    for model in motion_spaces():
        if read_layout(model.path).dims == DIMS:
            return model
    raise ModelError(
        f"no motion space of {DIMS} dimensions ships with this version", hint="Reinstall vqcodec."
    )


def _shipped(entry: Entry) -> ModelFile:
    path = packaged_dir() / entry.file
    if not path.is_file():
        raise ModelError(
            f"model file {path} is missing", hint="Reinstall vqcodec: its weights are part of it."
        )
    if file_sha256(path).hex() != entry.sha256:
        raise ModelError(
            f"model file {path} has another sha256 than the manifest says",
            hint="Reinstall vqcodec.",
        )
    return ModelFile(ModelId(entry.name, bytes.fromhex(entry.sha256)), path)


def opened(path: str | os.PathLike[str], name: str | None = None) -> ModelFile:
    """A model file by path.

    Raises:
        ModelError: it is missing.
    """
    file = Path(path)
    if not file.is_file():
        raise ModelError(f"model file {file} is missing", hint="Check the path.")
    return ModelFile(ModelId(name or file.stem, file_sha256(file)), file)


def _candidates() -> Iterator[Path]:
    """Files whose sha256 no manifest tells."""
    named = {entry.file for entry in manifest()}
    yield from (p for p in sorted(packaged_dir().glob("*.safetensors")) if p.name not in named)
    extra = os.environ.get(MODEL_DIR_VARIABLE)
    if not extra:
        return
    with model_faults(Path(extra), f"the folder that {MODEL_DIR_VARIABLE} should name"):
        names = sorted(os.listdir(extra))
    yield from (Path(extra, name) for name in names if name.endswith(".safetensors"))


def find(wanted: ModelId, what: str) -> ModelFile:
    """The file of a model that a stream names, among shipped ones and those in $VQCODEC_MODEL_DIR.

    What the manifest names is found without reading any other file.

    Args:
        wanted: by its sha256.
        what: its kind in the manifest, in words: "motion space".

    Raises:
        ModelError: the file that the manifest names is missing or changed; it isn't found, and what $VQCODEC_MODEL_DIR names,
            or something in it, can't be read.
        UnsupportedError: no file has that sha256, or a model of another kind has it.
    """
    for entry in manifest():
        if entry.sha256 == wanted.sha256.hex():
            _check_kind(entry, wanted, what)
            return ModelFile(wanted, _shipped(entry).path)
    unread: ModelError | None = None
    for path in _candidates():
        try:
            if file_sha256(path) == wanted.sha256:
                return ModelFile(wanted, path)
        except ModelError as error:  # another one may be it
            unread = unread or error
    if unread is not None:
        raise ModelError(
            f"the {what} {wanted.name!r} isn't found, and {unread}", hint=unread.hint
        ) from unread
    raise UnsupportedError(
        f"this stream needs the {what} {wanted.name!r} with sha256 {wanted.sha256.hex()}",
        hint=f"Put that .safetensors file into the folder that {MODEL_DIR_VARIABLE} names.",
    )


def _check_kind(entry: Entry, wanted: ModelId, what: str) -> None:
    """A stream may name any file; the one it means is whole, and reinstalling it would change nothing."""
    kind = entry.kind.replace("_", " ")
    if kind != what:
        raise UnsupportedError(
            f"this stream names {wanted.name!r} as its {what}, but that sha256 is of the {kind} {entry.name}",
            hint="What wrote the stream named the wrong model; it can't be decoded.",
        )
