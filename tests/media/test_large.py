"""Pictures of a video that would take a gigabyte to decode are refused by what they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.media import make_clip, times_at
from vqcodec.errors import MediaError
from vqcodec.media.picture import colour
from vqcodec.media.picture.colour import fits
from vqcodec.media.picture.source import VideoSource


@pytest.mark.parametrize(
    ("width", "height", "depth", "taken"),
    [
        (7680, 4320, 8, True),
        (4096, 2160, 10, True),
        (7680, 4320, 10, False),
        (5312, 2988, 12, False),
        (16000, 8000, 8, False),
        (1, 160_000_000, 8, False),
    ],
)
def test_what_is_taken(width: int, height: int, depth: int, taken: bool) -> None:
    assert fits(width, height, depth) is taken


def test_ten_bits_take_twice_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = {kind: tmp_path / f"{kind}.mp4" for kind in ("yuv420p", "yuv420p10le")}
    for kind, clip in clips.items():
        make_clip(clip, times_at(25, 3), pix_fmt=kind)
    monkeypatch.setattr(colour, "MAX_DEEP_PIXELS", 64 * 48 - 1)
    with VideoSource(clips["yuv420p"]) as source:
        assert len(list(source)) == 3
    with pytest.raises(MediaError, match="64x48 and 10 bits are too large"):
        VideoSource(clips["yuv420p10le"])
