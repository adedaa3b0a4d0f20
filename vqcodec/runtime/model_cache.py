"""Networks made ready for another library, kept between processes: to make one takes seconds, to read it a tenth of one.

    <cache>/vqcodec/graphs/<key>.xml, <key>.bin     OpenVINO's two files of a network
    <cache>/vqcodec/graphs/<key>.json               their sha256, written last

A key says all that the files depend on, so they are never out of date; the ones used least recently are dropped. What is
incomplete or changed counts as absent. Where the folder can't be written, a network is made in each process.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

FOLDER = "graphs"
MOST_NETWORKS = 6
_PARTS = (".xml", ".bin")


def cache_folder() -> Path:
    """Where this package keeps what can be made again. A relative $XDG_CACHE_HOME counts for none, as its specification says.

    Raises:
        RuntimeError: the user has no home folder.
    """
    named = os.environ.get("XDG_CACHE_HOME", "")
    return Path(named if os.path.isabs(named) else Path.home() / ".cache") / "vqcodec"


def cached(key: str) -> Path | None:
    """The .xml of a network that was kept, its .bin beside it; None where there is none, or it isn't whole."""
    with suppress(OSError, RuntimeError, ValueError, RecursionError):
        path = cache_folder() / FOLDER / f"{key}.json"
        if json.loads(path.read_text(encoding="utf-8")) == _digests(path):
            os.utime(path)
            return path.with_suffix(".xml")
    return None


def keep(key: str, save: Callable[[Path], None]) -> None:
    """Keep a network where that can be done.

    Args:
        key: a file's name without suffix.
        save: writes the .xml of the given path and the .bin beside it.
    """
    with suppress(OSError, RuntimeError):
        folder = cache_folder() / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        # a folder of its own for each process that makes the same network at the same time
        with tempfile.TemporaryDirectory(dir=folder) as name:
            made = Path(name) / f"{key}.json"
            save(made.with_suffix(".xml"))
            made.write_text(json.dumps(_digests(made)), encoding="utf-8")
            for suffix in (*_PARTS, ".json"):
                os.replace(made.with_suffix(suffix), folder / f"{key}{suffix}")
        _drop_oldest(folder)


def _digests(path: Path) -> dict[str, str]:
    return {
        suffix: hashlib.sha256(path.with_suffix(suffix).read_bytes()).hexdigest()
        for suffix in _PARTS
    }


def _drop_oldest(folder: Path) -> None:
    kept = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in kept[MOST_NETWORKS:]:
        for suffix in (".json", *_PARTS):  # without its .json it is absent at once
            path.with_suffix(suffix).unlink(missing_ok=True)
