"""The fit of the behaviour model."""

from __future__ import annotations

import pytest

from tests.support.geometry import shipped_head
from vqcodec.errors import UsageError
from vqcodec.training.behaviour.fit import read_clips


def test_the_fit_takes_clips_and_leaves_other_facts_of_the_cache(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """The generator's training keeps sync.json beside the clips."""
    (tmp_path / "sync.json").write_text('{"t0026": [0, 0.46]}')
    with pytest.raises(UsageError, match="no real training clips"):
        read_clips(tmp_path, tmp_path, shipped_head())
