"""`manifest.json`: one list of the models that ship, and which of each kind is the current one.

    {"models": [{"kind": "motion_space", "name": "motion-2", "file": "motion-2.safetensors", "sha256": "b8df...",
                 "current": true}, ...], "sha256": "9a41..."}

A kind may have older ones, whose streams are still read; `current` is true for exactly one of each kind. The sha256 is of the
list, as `write_manifest` counts it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from vqcodec.errors import ModelError

FILE = "manifest.json"
_DIGEST = "sha256"


@dataclass(frozen=True, slots=True)
class Entry:
    """One model that ships.

    Attributes:
        kind: "motion_space", "renderer", "head" (the mean one, in 3-D), "speech_tokenizer", "generator", "behaviour", "ranges"
            (of the renderer's layers, for 8 bits) or "closure" (of lips).
        name: for people; streams and reports carry it beside the sha256.
        file: its name, in the manifest's folder.
        sha256: of the file, in hexadecimal digits.
        current: what is loaded where nothing else is asked for.
    """

    kind: str
    name: str
    file: str
    sha256: str
    current: bool = True

    def __post_init__(self) -> None:
        words = (self.kind, self.name, self.file, self.sha256)
        if not all(isinstance(word, str) and word for word in words):
            raise TypeError("what should be words are none")
        if not isinstance(self.current, bool):
            raise TypeError('"current" is neither true nor false')
        if Path(self.file).name != self.file:
            raise ValueError(f"{self.file!r} is no file's name")
        if len(bytes.fromhex(self.sha256)) != 32:
            raise ValueError(f"{self.sha256!r} is not a sha256")


def read_manifest(folder: Path) -> tuple[Entry, ...]:
    """The models of a folder, in the manifest's order.

    Raises:
        ModelError: there is no manifest, or it makes no sense.
    """
    path = folder / FILE
    if not path.is_file():
        raise ModelError(
            f"no model manifest in {folder}",
            hint="Reinstall vqcodec: its weights are part of it.",
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        entries = tuple(Entry(**entry) for entry in content["models"])
        digest = content.get(_DIGEST, _digest(entries))
        strange = set(content) - {"models", _DIGEST}
    except (AttributeError, KeyError, OSError, RecursionError, TypeError, ValueError) as error:
        raise ModelError(f"{path} makes no sense: {error}", hint="Reinstall vqcodec.") from error
    if strange or digest != _digest(entries):
        raise ModelError(f"{path} is damaged: it has another sha256", hint="Reinstall vqcodec.")
    for kind in {entry.kind for entry in entries}:
        if sum(entry.current for entry in entries if entry.kind == kind) != 1:
            raise ModelError(
                f"{path} doesn't name one current {kind}",
                hint='Set "current" of one of them to true.',
            )
    return entries


def write_manifest(folder: Path, entries: Iterable[Entry]) -> None:
    """Write the list of a folder's models."""
    entries = tuple(entries)
    content = {"models": [asdict(entry) for entry in entries], _DIGEST: _digest(entries)}
    (folder / FILE).write_text(json.dumps(content, indent=1) + "\n")


def _digest(entries: Sequence[Entry]) -> str:
    """Of the list itself: names and choices are loaded, too."""
    plain = json.dumps([asdict(entry) for entry in entries], sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest()


def with_kind(entries: Sequence[Entry], models: Sequence[Entry]) -> tuple[Entry, ...]:
    """The list with all entries of the kind of `models` replaced by those, where the first of them was, or at the end."""
    kind = models[0].kind
    at = next((i for i, entry in enumerate(entries) if entry.kind == kind), len(entries))
    others = [[e for e in part if e.kind != kind] for part in (entries[:at], entries[at:])]
    return (*others[0], *models, *others[1])
