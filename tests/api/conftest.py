"""What the tests of the programming interface share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.codec import CountedLoads
from tests.support.pipeline import write_swaying

FRAMES = 30


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> CountedLoads:
    """Stand-in models, counted."""
    return CountedLoads(monkeypatch)


@pytest.fixture(scope="session")
def drawn_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 frames of a drawn face, with sound."""
    return write_swaying(tmp_path_factory.mktemp("drawn") / "clip.mp4", FRAMES, sound=True)
