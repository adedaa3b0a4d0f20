"""Media for what pages and examples do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.short_clip import cut


@pytest.fixture(scope="session")
def media(
    sample_clip: Path, sample_portrait: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """What the examples on pages read: talk.mp4, talk.vqt, speech.wav, portrait.png."""
    import vqcodec

    folder = tmp_path_factory.mktemp("media")
    cut(sample_clip, folder / "talk.mp4")
    vqcodec.encode(folder / "talk.mp4", folder / "talk.vqt")
    shutil.copy(folder / "talk.mp4", folder / "speech.wav")  # read by its content, not by its name
    shutil.copy(sample_portrait, folder / "portrait.png")
    return folder
