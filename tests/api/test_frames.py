"""Pictures and sound that are in memory, encoded."""

from __future__ import annotations

import io
import weakref
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.codec import CountedLoads
from tests.support.pipeline import draw, swaying
from vqcodec import AudioChoice, EncodeOptions, Frames, TokenSequence, VideoFrame
from vqcodec.errors import NoFaceError, UsageError
from vqcodec.media.items import AudioBlock
from vqcodec.media.picture.frames import FrameSource

COUNT = 20
PICTURES = np.stack([frame.rgb for frame in swaying(COUNT)])


def sequence(counted: CountedLoads, frames: Frames, **options: Any) -> TokenSequence:
    return counted.codec().tokens(frames, EncodeOptions(**options))


def test_arrays_iterators_and_timed_frames_give_the_same_tokens(counted: CountedLoads) -> None:
    timed = (VideoFrame(rgb, 7 + Fraction(i, 25)) for i, rgb in enumerate(PICTURES))
    made = [
        sequence(counted, frames)
        for frames in (Frames(PICTURES), Frames(iter(PICTURES), 25), Frames(timed))
    ]
    for other in made[1:]:
        assert np.array_equal(other.tokens, made[0].tokens)
        assert other.times_s == made[0].times_s == tuple(Fraction(i, 25) for i in range(COUNT))
    assert made[0].head.audio is None and made[0].head.time_base_s == Fraction(1, 25)


def test_a_rate_is_exact(counted: CountedLoads) -> None:
    rate_hz = Fraction(30_000, 1001)
    made = sequence(counted, Frames(PICTURES, rate_hz))
    assert made.head.frame_rate_hz == rate_hz and made.times_s[3] == 3 / rate_hz
    assert made.end_tick is not None and made.end_tick * made.head.time_base_s == COUNT / rate_hz


def test_rates_above_30_are_halved_and_fps_resamples(counted: CountedLoads) -> None:
    assert len(sequence(counted, Frames(PICTURES, 50))) == COUNT // 2
    made = sequence(counted, Frames(PICTURES, 50), fps=Fraction(50))
    assert len(made) == COUNT and made.head.frame_rate_hz == 50
    assert len(sequence(counted, Frames(PICTURES, 25), fps=Fraction(5))) == 4


def test_uneven_times_stay(counted: CountedLoads) -> None:
    times = [Fraction(i * i, 900) for i in range(COUNT)]
    timed = [VideoFrame(rgb, time_s) for rgb, time_s in zip(PICTURES, times, strict=True)]
    assert sequence(counted, Frames(timed)).times_s == tuple(times)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [0, 1, 2])
@pytest.mark.parametrize("kind", [np.int16, np.float32, np.float64])
def test_sound_becomes_48_khz_mono(rate_hz: int, channels: int, kind: type) -> None:
    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate_hz) / rate_hz)
    samples = (wave * 32767 if kind is np.int16 else wave).astype(kind)
    table = samples if channels == 0 else np.repeat(samples[:, None], channels, 1)
    source = FrameSource(Frames(PICTURES, sound=table, sound_hz=rate_hz), fps=None, sound="decode")
    blocks = [item for item in source.items() if isinstance(item, AudioBlock)]
    heard = np.concatenate([block.samples for block in blocks])
    assert heard.shape[1] == 1 and heard.dtype == np.int16 and abs(len(heard) - 48_000) <= 32
    assert all(a.first_sample + len(a.samples) == b.first_sample for a, b in pairwise(blocks))
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(len(heard)) / 48_000)
    assert np.abs(heard[2000:-2000, 0] / 32768 - expected[2000:-2000]).max() < 0.02


def test_sound_is_coded_or_dropped(counted: CountedLoads) -> None:
    hum = (0.3 * np.sin(np.arange(38_400) / 9)).astype(np.float32)
    made = sequence(counted, Frames(PICTURES, sound=hum))
    assert made.head.audio is not None and made.sound
    assert sequence(counted, Frames(PICTURES, sound=hum), audio=AudioChoice("none")).sound == ()
    with pytest.raises(UsageError, match="copied"):
        sequence(counted, Frames(PICTURES, sound=hum), audio=AudioChoice("copy"))


def test_memory_does_not_grow_with_an_iterator(counted: CountedLoads) -> None:
    made: list[weakref.ref[NDArray[np.uint8]]] = []
    alive: list[int] = []

    def pictures() -> Iterator[NDArray[np.uint8]]:
        for frame in swaying(500):
            made.append(weakref.ref(frame.rgb))
            alive.append(sum(ref() is not None for ref in made))
            yield frame.rgb

    sink = io.BytesIO()
    assert counted.codec().encode(Frames(pictures()), sink).sizes.frames == 500
    assert max(alive[:150]) <= max(alive) < 150  # queues, batches, candidates for the portrait


@pytest.mark.parametrize(
    ("pictures", "said"),
    [
        (np.zeros((0, 8, 8, 3), np.uint8), "no picture"),
        ([], "no picture"),
        (np.zeros((2, 8, 8), np.uint8), "shape"),
        (np.zeros((2, 8, 8, 4), np.uint8), "shape"),
        (np.zeros((2, 8, 8, 3), np.float32), "float32"),
        ([PICTURES[0], PICTURES[0][:50]], "picture 1 has shape"),
        ([VideoFrame(PICTURES[0], Fraction(1)), VideoFrame(PICTURES[0], Fraction(1))], "not after"),
    ],
)
def test_pictures_that_are_none(counted: CountedLoads, pictures: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        counted.codec().encode(Frames(pictures))


@pytest.mark.parametrize(
    "wrong", [{"rate_hz": 0}, {"rate_hz": 241}, {"sound_hz": 0}, {"sound": np.zeros((1, 1, 1))}]
)
def test_frames_out_of_range(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Frames(PICTURES, **wrong)


def test_no_face_leaves_no_file(counted: CountedLoads, tmp_path: Path) -> None:
    with pytest.raises(NoFaceError, match="of the 3 frames of the frames"):
        counted.codec().encode(Frames(np.stack([draw(96, 96, [])] * 3)), tmp_path / "a.vqt")
    assert list(tmp_path.iterdir()) == []


def test_an_iterator_that_fails_ends_the_call(counted: CountedLoads, tmp_path: Path) -> None:
    def pictures() -> Iterator[NDArray[np.uint8]]:
        yield from PICTURES
        raise RuntimeError("the camera is gone")

    with pytest.raises(RuntimeError, match="camera"):
        counted.codec().encode(Frames(pictures()), tmp_path / "a.vqt")
    assert list(tmp_path.iterdir()) == []
