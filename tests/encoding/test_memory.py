"""Ten minutes take no more memory than two: a shot of a minute is what an encode holds."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import multiprocessing
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
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

    What waits for the collector of cycles and what the C library's allocator keeps for later is given back first.
    """
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * 4096 if status.exists() else 0


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
        assert max(self.resident[5:]) - self.resident[1] < GROWTH_BYTES


def of_encode(path: Path, target: Path, options: EncodeOptions) -> Gauge:
    """What an encode of ten minutes held; in a process of its own, as `of_decode`."""
    gauge, seen = Gauge(), [0]

    def watch(event: ProgressEvent) -> None:
        if event.frames > seen[-1]:  # the last event comes again when the file is whole
            gauge.look(event.frames)
        seen.append(event.frames)

    tracemalloc.start(1)
    report = encode(path, target, options, progress=watch, parts=encoder_parts())
    assert report.sizes.frames == 10 * MINUTE
    assert report.key_frames >= 10  # a shot starts anew within a minute
    return gauge


def of_decode(target: Path) -> Gauge:
    """What decoding all of a file held."""
    gauge = Gauge()
    tracemalloc.start(1)
    options = DecodeOptions(size_px=256)
    for count, _ in enumerate(decode_frames(target, options, parts=decoder_parts()), 1):
        gauge.look(count)
    return gauge


def alone(measured: Callable[..., Gauge], *args: object) -> Gauge:
    """A measurement in a new process, whose allocator keeps neither pictures nor what the tests before left behind."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(measured, *args).result()


@pytest.mark.slow
@pytest.mark.parametrize("options", [EncodeOptions(), EncodeOptions(live=True)])
def test_ten_minutes(
    tmp_path: Path, options: EncodeOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", "65536")  # glibc's names; others don't know them
    monkeypatch.setenv("MALLOC_ARENA_MAX", "1")
    path, target = tmp_path / "long.mp4", tmp_path / "long.vqt"
    with video_writer(path, width=64, height=64, fps=Fraction(FPS), sound=True) as write:
        for frame in swaying(10 * MINUTE, width=64, height=64, size=32):
            write(frame.rgb)
    alone(of_encode, path, target, options).check()
    alone(of_decode, target).check()
