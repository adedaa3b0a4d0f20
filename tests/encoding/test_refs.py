"""`encode --refs`: how many portraits a shot gets, file to file with stand-in models."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.support.pipeline import encoder_parts, swaying, video_writer
from vqcodec.api import verify
from vqcodec.config import EncodeOptions
from vqcodec.container import Reader
from vqcodec.encoding.pipeline import encode
from vqcodec.errors import UsageError
from vqcodec.media.still.stills import decode_still
from vqcodec.types import KeyFrame, MotionGroup


@pytest.fixture(scope="module")
def brightening(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100 frames: after a second and a half the room gets much lighter within half a second."""
    path = tmp_path_factory.mktemp("room") / "clip.mp4"
    with video_writer(path, width=96, height=96) as write:
        for number, frame in enumerate(swaying(100)):
            face = frame.rgb[:, :, 2:] > 170
            light = min(max(number - 37, 0), 13) * 9
            write(np.where(face, frame.rgb, frame.rgb + np.array([light, light, 0], np.uint8)))
    return path


@pytest.mark.parametrize(
    ("options", "portraits"),
    [
        (EncodeOptions(refs=1), 1),
        (EncodeOptions(), 1),
        (EncodeOptions(refs=3), 2),
        (EncodeOptions(refs=3, bitrate_kbps=100), 2),
        (EncodeOptions(refs=3, portrait_frame="first"), 2),
        (EncodeOptions(portrait_frame="first"), 1),
    ],
)
def test_portraits_of_a_shot(brightening: Path, options: EncodeOptions, portraits: int) -> None:
    sink = io.BytesIO()
    report = encode(brightening, sink, options, parts=encoder_parts())
    verify(io.BytesIO(sink.getvalue()))
    items = list(Reader(io.BytesIO(sink.getvalue())))
    key_frames = [item for item in items if isinstance(item, KeyFrame)]
    assert report.key_frames == len(key_frames) == portraits
    assert report.refs == options.refs and report.to_json()["refs"] == options.refs
    ticks = [int(tick) for item in items if isinstance(item, MotionGroup) for tick in item.ticks]
    base_s = Reader(io.BytesIO(sink.getvalue())).head.time_base_s
    assert [tick * base_s for tick in ticks] == [Fraction(i, 25) for i in range(100)]
    if portraits == 2:
        # soon, but not before the new light has lasted as long as the old one
        assert 50 <= key_frames[1].first_frame <= 70
        assert (
            decode_still(key_frames[1].still)[5, 5, 0]
            > decode_still(key_frames[0].still)[5, 5, 0] + 60
        )


@pytest.mark.parametrize("refs", [0, 17, -1, 2.5, "3", "many", None])
def test_numbers_of_portraits_that_are_refused(refs: object) -> None:
    with pytest.raises(UsageError, match="number of portraits") as caught:
        EncodeOptions(refs=refs)  # type: ignore[arg-type]
    assert "1 to 16" in caught.value.hint
