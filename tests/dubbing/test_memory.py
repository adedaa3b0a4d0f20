"""Ten minutes of sound take no more memory than one, but for its packets and 50 bytes a frame."""

from __future__ import annotations

import tracemalloc
import wave
from pathlib import Path

import numpy as np
import pytest

from tests.support.dub import dub_parts, spoken, write_portrait
from vqcodec.dubbing.pipeline import dub
from vqcodec.progress import ProgressEvent

KEPT_BYTES_PER_S = 8_000
"""A second of sound: 25 frames of tokens, loudness and controls, 17 packets of 90 bytes as Python objects."""


def write_long(path: Path, seconds: int, rate_hz: int = 48000) -> Path:
    """A long sound, written second by second: 58 MB for ten minutes."""
    second = np.rint(spoken(1.0, rate_hz) * 32767).astype("<i2").tobytes()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        for _ in range(seconds):
            file.writeframes(second)
    return path


def peak_bytes(folder: Path, seconds: int) -> int:
    """The most that Python and numpy held at any time."""
    speech, portrait = (
        write_long(folder / f"{seconds}.wav", seconds),
        write_portrait(folder / "portrait.png"),
    )
    seen: list[ProgressEvent] = []
    tracemalloc.start(1)
    try:
        report = dub(
            speech,
            portrait,
            folder / f"{seconds}.vqt",
            progress=lambda event: seen.__setitem__(slice(None), [event]),
            parts=dub_parts(),
        )
        assert report.sizes.frames == seconds * 25 and seen[0].total_frames == seconds * 25
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_ten_minutes(tmp_path: Path) -> None:
    peak_bytes(tmp_path, 5)  # imports
    one, ten = peak_bytes(tmp_path, 60), peak_bytes(tmp_path, 600)
    assert ten - one < 540 * KEPT_BYTES_PER_S, (one, ten)
