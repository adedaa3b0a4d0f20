"""Ten minutes take no more memory than two: a shot of a minute is what an encode holds."""

from __future__ import annotations

import contextlib
import ctypes
import tracemalloc
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from tests.support.pipeline import decoder_parts, encoder_parts, swaying, video_writer
from vqcodec.config import DecodeOptions, EncodeOptions
from vqcodec.decoding.pipeline import decode_frames
from vqcodec.encoding.pipeline import encode
from vqcodec.progress import ProgressEvent

FPS = 2
MINUTE = 60 * FPS
GROWTH_BYTES = 24 << 20
"""Thirty 512x512 pictures; keeping every frame's would take .9 GB."""


def resident_bytes() -> int:
    """Memory of this process, with what native libraries hold; 0 where the system doesn't say.

    What the C library's allocator keeps for later is given back first: how much that is depends on the tests before.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * 4096 if status.exists() else 0


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start(1)
    yield
    tracemalloc.stop()


class Gauge:
    """Memory by minute: the most that Python and numpy held, and the process as a whole."""

    def __init__(self) -> None:
        self.traced: list[int] = []
        self.resident: list[int] = []

    def look(self, frame: int) -> None:
        if frame % MINUTE == 0:
            self.traced.append(tracemalloc.get_traced_memory()[1])
            self.resident.append(resident_bytes())
            tracemalloc.reset_peak()

    def check(self) -> None:
        assert len(self.traced) == 10
        assert max(self.traced[2:]) - self.traced[1] < GROWTH_BYTES // 4
        # the allocator keeps pieces of the first shots; after five minutes it has found what it needs
        assert self.resident[-1] - self.resident[5] < GROWTH_BYTES


@pytest.mark.slow
@pytest.mark.parametrize("options", [EncodeOptions(), EncodeOptions(live=True)])
def test_ten_minutes(tmp_path: Path, traced: None, options: EncodeOptions) -> None:
    path, target = tmp_path / "long.mp4", tmp_path / "long.vqt"
    with video_writer(path, width=64, height=64, fps=Fraction(FPS), sound=True) as write:
        for frame in swaying(10 * MINUTE, width=64, height=64, size=32):
            write(frame.rgb)
    gauge, seen = Gauge(), [0]

    def watch(event: ProgressEvent) -> None:
        if event.frames > seen[-1]:  # the last event comes again when the file is whole
            gauge.look(event.frames)
        seen.append(event.frames)

    report = encode(path, target, options, progress=watch, parts=encoder_parts())
    assert report.sizes.frames == 10 * MINUTE
    assert report.key_frames >= 10  # a shot starts anew within a minute
    gauge.check()
    gauge = Gauge()
    for count, _ in enumerate(
        decode_frames(target, DecodeOptions(size_px=256), parts=decoder_parts()), 1
    ):
        gauge.look(count)
    gauge.check()
