"""The sample clip: in a clone under sample_media/, of an installed package among its data files."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from vqcodec.errors import MediaError

NAME = "talking.mp4"
CLONE = Path(__file__).resolve().parent.parent / "sample_media" / NAME


def sample_clip() -> Path:
    """Where it is.

    Raises:
        MediaError: nowhere: the package was installed without it.
    """
    if CLONE.is_file():
        return CLONE
    for file in _installed():
        if file.is_file():
            return file
    raise MediaError(
        "the sample clip is not installed", hint="Name a video of a talking person instead."
    )


def _installed() -> list[Path]:
    try:
        files = metadata.files("vqcodec") or []
    except metadata.PackageNotFoundError:
        return []
    return [Path(str(file.locate())) for file in files if file.name == NAME]


def chosen(source: Path | None) -> Path:
    """The video that was named, or the sample.

    Raises:
        MediaError: it isn't there.
    """
    if source is None:
        return sample_clip()
    if not source.is_file():
        raise MediaError(f"there is no {source}", hint="Check the name of the video.")
    return source
