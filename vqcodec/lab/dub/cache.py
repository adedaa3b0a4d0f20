"""Results and tracked clips kept on disk: a measure that was interrupted goes on where it stopped, and the next is quick."""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vqcodec.config import DEFAULT_PORTRAIT_QUALITY
from vqcodec.encoding.parts import EncoderParts
from vqcodec.evaluation.tools.files import rounded, save_json
from vqcodec.lab.dub.clips import DubClip, read_clip
from vqcodec.media.out.atomic import atomic_output

_ARRAYS = ("still", "features", "portrait_points", "points", "seen", "tokens", "pcm")


def default_folder() -> Path:
    """Where results are kept unless the caller says: in the system's folder for temporary files."""
    return Path(tempfile.gettempdir()) / "vqcodec-dubbing"


def content(path: Path) -> str:
    """sha256 of a file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


class ResultCache:
    """Result of each clip under a key that holds everything it depends on: another model or clip is another key.

    Args:
        folder: made when something is kept.
        force: measure again what is there.
    """

    def __init__(self, folder: Path, *, force: bool = False) -> None:
        self._folder, self._force = folder, force

    def _path(self, name: str, key: Mapping[str, Any], suffix: str) -> Path:
        text = json.dumps(key, sort_keys=True)
        return self._folder / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}{suffix}"

    def clip(
        self,
        path: Path,
        parts: EncoderParts,
        read: Callable[[Path, EncoderParts], DubClip] = read_clip,
    ) -> DubClip:
        """A clip tracked by these models, or as it was kept.

        Raises:
            VqcodecError: it can't be read.
        """
        key = {
            "clip": content(path),
            "motion_space": str(parts.space.id),
            "quality": DEFAULT_PORTRAIT_QUALITY,
        }
        kept = self._path(path.stem, key, ".npz")
        if not self._force and kept.is_file():
            try:
                with np.load(kept, allow_pickle=False) as arrays:
                    return DubClip(path, **{name: arrays[name] for name in _ARRAYS})
            except (zipfile.BadZipFile, KeyError, ValueError, OSError):
                pass  # damaged: tracked again
        clip = read(path, parts)
        self._folder.mkdir(parents=True, exist_ok=True)
        with atomic_output(kept, force=True) as sink:
            np.savez_compressed(sink, **{name: getattr(clip, name) for name in _ARRAYS})
        return clip

    def get(
        self, name: str, key: Mapping[str, Any], make: Callable[[], dict[str, Any]]
    ) -> tuple[dict[str, Any], bool]:
        """The kept result, or what `make` gives, which is then kept.

        Args:
            name: of the clip, for people who look into the folder.
            key: JSON-ready.
            make: measures; its JSON-ready result is rounded.

        Returns:
            The result, and whether it was there.
        """
        path = self._path(name, key, ".json")
        if not self._force and path.is_file():
            try:
                kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["result"]
            except (json.JSONDecodeError, KeyError):
                pass  # damaged: measured again
            else:
                return kept, True
        made: dict[str, Any] = rounded(make())
        save_json(path, {"key": dict(key), "result": made})
        return made, False
