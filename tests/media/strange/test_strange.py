"""Every row of the table: pictures and sound where they belong, nothing lost in silence, no false alarm."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.media.strange import tracks
from tests.media.strange.table import Strange, rows
from tests.support.media import HZ, lag, level
from vqcodec.errors import UsageError
from vqcodec.media.items import AudioBlock
from vqcodec.media.picture.source import VideoSource
from vqcodec.types import VideoFrame


@pytest.mark.parametrize("row", rows(), ids=str)
def test_strange_files_are_read_right(tmp_path: Path, row: Strange) -> None:
    path = tmp_path / row.name
    row.make(path)
    options = {"sound": "decode"} | row.options
    with VideoSource(path, **options) as source:
        items = list(source.items())
        assert source.truncated == row.truncated
        remarks, rate_hz = source.remarks, source.frame_rate_hz
    pictures = [item for item in items if isinstance(item, VideoFrame)]
    shift_s = _check_pictures(row, pictures)
    _check_sound(row, [item for item in items if isinstance(item, AudioBlock)], shift_s)
    assert row.rate_hz is None or rate_hz == row.rate_hz
    if row.says is not None:
        assert len(remarks) == len(row.says), remarks
        assert all(words in told for words, told in zip(row.says, remarks, strict=True)), remarks


def _check_pictures(row: Strange, pictures: list[VideoFrame]) -> float:
    """Gives how much later they are than the row says."""
    times = [float(frame.time_s) for frame in pictures]
    assert times[0] == 0 and all(a < b for a, b in pairwise(times))
    if row.greys is not None:
        seen = [float(frame.rgb.mean()) for frame in pictures]
        assert seen == pytest.approx([level(number) for number in row.greys], abs=4)
    if row.sizes is not None:
        assert [(f.rgb.shape[1], f.rgb.shape[0]) for f in pictures] == row.sizes
    damaged = [n for n, frame in enumerate(pictures) if frame.is_damaged]
    assert row.damaged is None or damaged == row.damaged
    if row.times is None:
        return 0.0
    shift_s = max(times[-1] - row.times[-1], 0)
    assert shift_s <= row.priming_s + row.within_s
    wanted = [time if n < row.held else time + shift_s for n, time in enumerate(row.times)]
    assert times == pytest.approx(wanted, abs=row.within_s)
    return shift_s


def _check_sound(row: Strange, blocks: list[AudioBlock], shift_s: float) -> None:
    if row.sound_s is None and not row.heard:
        return
    got = np.concatenate([block.samples for block in blocks])[:, 0]
    assert row.sound_s is None or len(got) / HZ == pytest.approx(row.sound_s, abs=0.05)
    for heard in row.heard:
        at_s = lag(got, heard.samples[:, 0]) / HZ - shift_s
        assert at_s == pytest.approx(heard.at_s, abs=heard.within_s)


def test_a_track_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    path = tmp_path / "two.mov"
    tracks.ROWS[0].make(path)
    for numbers in ((2, None), (None, 0)):
        with pytest.raises(UsageError) as caught:
            VideoSource(path, tracks=numbers)
        assert "track" in str(caught.value)
    assert "none" in caught.value.hint
    with pytest.raises(UsageError) as caught:
        VideoSource(path, tracks=(5, None))
    assert "0: mjpeg 32x32; 1: h264 48x48" in caught.value.hint
