"""Which square of the picture a stream holds, and what it says of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.encoded import coded, stream
from tests.support.pipeline import write_swaying
from vqcodec.config import EncodeOptions, SquareCrop
from vqcodec.media.picture import colour
from vqcodec.types import Crop


def test_crops(tmp_path: Path) -> None:
    path = write_swaying(tmp_path / "wide.mp4", 40, width=320, height=180, size=60)
    crop = stream(coded(path)).head.crop
    assert crop is not None and 110 < crop.side_px < 130 and crop.source_width_px == 320
    crop = stream(coded(path, EncodeOptions(crop="full"))).head.crop
    assert crop is not None and (crop.x_px, crop.y_px, crop.side_px) == (70, 0, 180)
    crop = stream(coded(path, EncodeOptions(crop=SquareCrop(90, 20, 150)))).head.crop
    assert crop is not None and (crop.x_px, crop.y_px, crop.side_px) == (90, 20, 150)


def test_squares_are_told_in_the_pixels_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_swaying(tmp_path / "wide.mp4", 20, width=320, height=180, size=60)
    monkeypatch.setattr(colour, "KEPT_PIXELS", 320 * 180 // 4)  # pictures are read at half the size
    crop = stream(coded(path, EncodeOptions(crop="full"))).head.crop
    assert crop == Crop(320, 180, 70, 0, 180)
    crop = stream(coded(path, EncodeOptions(crop=SquareCrop(90, 20, 150)))).head.crop
    assert crop == Crop(320, 180, 90, 20, 150)
