"""Streams that claim much time: ends that are held, rates that are only hints, absurd positions, damage that claims hours."""

from __future__ import annotations

import io
import time
import tracemalloc
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.support.container import make_group
from tests.support.pipeline import RENDERER_ID, SPACE_ID, FakeRenderer, decoder_parts
from tests.support.recover import still, tone_packets
from vqcodec.config import DecodeOptions
from vqcodec.container import Writer
from vqcodec.container.recover import RecoveringReader
from vqcodec.container.scan import ChunkScanner, Gap
from vqcodec.decoding.pipeline import decode, decode_frames
from vqcodec.errors import BitstreamError, UsageError
from vqcodec.format import DIMS
from vqcodec.reports import DecodeReport
from vqcodec.types import AudioGroup, Head, KeyFrame
from vqcodec_cli.guard import report as exit_code

HEAD = Head(Fraction(1, 25), Fraction(25), 1, SPACE_ID, RENDERER_ID)
FRAMES = 10
DAY_S = 86_400


def stream(
    *starts: int, end: int | None = None, sound_at: int | None = None, step: int = 1, **head: Any
) -> bytes:
    """Groups of ten frames from these ticks on; five packets of sound from a sample on."""
    encoder, packets = tone_packets(5)
    sink = io.BytesIO()
    audio = None if sound_at is None else encoder.head
    with Writer(sink, replace(HEAD, audio=audio, **head)) as writer:
        writer.key_frame(KeyFrame(0, still(80), np.zeros(DIMS, np.int16)))
        for number, tick in enumerate(starts or (0,)):
            writer.motion(make_group(number * FRAMES, FRAMES, 1, first_tick=tick, step=step))
        if sound_at is not None:
            writer.audio(AudioGroup(sound_at, packets, 0))
        writer.close(end)
    return sink.getvalue()


def lengths(path: Path) -> tuple[float, list[float]]:
    """Declared length of a video and the times of its pictures, in seconds."""
    with av.open(str(path)) as file:
        assert file.duration is not None
        times = [float(frame.time or 0) for frame in file.decode(video=0)]
        return file.duration / 1e6, times


# --- the end ---


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
@pytest.mark.parametrize("piped", [False, True])
def test_the_last_frame_is_held_until_the_end(tmp_path: Path, suffix: str, piped: bool) -> None:
    data, target, renderer = stream(end=150), tmp_path / f"out.{suffix}", FakeRenderer()
    source: Any = io.BufferedReader(Pipe(data)) if piped else io.BytesIO(data)
    told = decode(source, target, parts=decoder_parts(renderer))
    length_s, times = lengths(target)
    assert length_s == pytest.approx(6, abs=0.01) and told.seconds == 6
    assert times[:FRAMES] == pytest.approx([i / 25 for i in range(FRAMES)], abs=1e-3)
    assert max(b - a for a, b in pairwise(times)) <= 1.001  # players can seek
    assert (told.frames, sum(map(len, renderer.rendered))) == (FRAMES, FRAMES)


class Pipe(io.RawIOBase):
    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._data.readinto(buffer)


def test_an_end_inside_the_window_and_after_it(tmp_path: Path) -> None:
    data = stream(0, 100, end=400)
    for options, expected_s in (
        ({"end_s": Fraction(3)}, 3),  # between the groups: the frame before is still shown
        ({"end_s": Fraction(10)}, 10),
        ({"end_s": Fraction(99)}, 16),
        ({"start_s": Fraction(4), "end_s": Fraction(6)}, 2),
        ({"start_s": Fraction(4), "recover": True}, 12),
        ({"start_s": Fraction(1)}, 15),  # the frame before is still shown
        ({"start_s": Fraction(1), "end_s": Fraction(2)}, 1),
        ({"start_s": Fraction(10)}, 6),
        ({"start_s": Fraction(10), "end_s": Fraction(12)}, 2),
    ):
        told = decode(
            io.BytesIO(data),
            tmp_path / "out.mp4",
            DecodeOptions(**options),  # type: ignore[arg-type]
            parts=decoder_parts(),
            force=True,
        )
        assert told.seconds == expected_s, options
        assert lengths(tmp_path / "out.mp4")[0] == pytest.approx(expected_s, abs=0.01)


@pytest.mark.parametrize("piped", [False, True])
def test_a_window_in_which_one_frame_is_held(tmp_path: Path, piped: bool) -> None:
    """It has its sound, too."""

    def part(start_s: int) -> tuple[DecodeReport, Path]:
        data, target = stream(end=150, sound_at=5 * 48_000), tmp_path / "out.mp4"
        source: Any = io.BufferedReader(Pipe(data)) if piped else io.BytesIO(data)
        options = DecodeOptions(start_s=Fraction(start_s))
        return decode(source, target, options, parts=decoder_parts()), target

    told, target = part(4)
    assert (told.frames, told.seconds) == (1, 2)
    with av.open(str(target)) as file:
        heard = np.concatenate([f.to_ndarray()[0] for f in file.decode(audio=0)])
        level = np.abs(heard[: 48_000 + 4_000].astype(float))
    assert level[:40_000].max() < 0.01 < level[48_000:].max()
    target.unlink()
    with pytest.raises(UsageError, match="no frame lies" if piped else "is outside"):
        part(7)


def test_pictures_in_memory_are_those_of_the_stream() -> None:
    assert len(list(decode_frames(io.BytesIO(stream(end=9999)), parts=decoder_parts()))) == FRAMES


@pytest.mark.parametrize("start", ["9", "0.4", "0.5"])
def test_a_start_after_the_end_is_told_as_it_was_asked_for(start: str) -> None:
    """Reading begins somewhat earlier, for a fade; nobody asked for that time."""
    options = DecodeOptions(start_s=Fraction(start))
    with pytest.raises(UsageError, match=rf"the start {start} s is outside") as caught:
        list(decode_frames(io.BytesIO(stream()), options, parts=decoder_parts()))
    assert "ends at 0.4 s" in caught.value.hint


def test_nothing_to_recover_is_nobodys_fault() -> None:
    data = stream().split(b"MOTN")[0][:-1]
    with pytest.raises(BitstreamError, match="not one motion group") as caught:
        list(decode_frames(io.BytesIO(data), DecodeOptions(recover=True), parts=decoder_parts()))
    assert "again" in caught.value.hint and "makers" not in caught.value.hint


# --- a rate is a hint ---


@pytest.mark.parametrize(
    ("rate_hz", "time_base_s", "step"),
    [
        (Fraction(4294967295, 171798692), Fraction(1, 25), 1),
        (Fraction(4294967291, 4294967279), Fraction(1, 25), 1),
        (Fraction(1, 60), Fraction(1, 25), 1),
        (Fraction(1, 4294967295), Fraction(1, 25), 1),
        (Fraction(240), Fraction(1, 25), 1),
        (Fraction(25), Fraction(1, 4294967295), 171798691),
        (Fraction(25), Fraction(1, 4294967295), 1),
        (Fraction(25), Fraction(1, 2147483648), 85899346),
        (Fraction(25), Fraction(1, 2147483647), 85899346),
        (Fraction(25), Fraction(4294967291, 4294967295), 0),
    ],
)
@pytest.mark.parametrize("recover", [False, True])
def test_odd_rates_and_time_bases(
    tmp_path: Path, rate_hz: Fraction, time_base_s: Fraction, step: int, recover: bool
) -> None:
    make = partial(stream, frame_rate_hz=rate_hz, time_base_s=time_base_s)
    if step:
        data, frames = make(step=step, end=FRAMES * step), FRAMES
        wanted_s = float(FRAMES * step * time_base_s)
    else:  # ticks of about a second: a frame is a group
        data, frames, wanted_s = make_slow(rate_hz, time_base_s), 3, 3.0
    told = decode(
        io.BytesIO(data),
        tmp_path / "out.mp4",
        DecodeOptions(recover=recover),
        parts=decoder_parts(),
    )
    length_s, times = lengths(tmp_path / "out.mp4")
    assert told.frames == frames and float(told.seconds) == pytest.approx(wanted_s, abs=1e-6)
    assert length_s == pytest.approx(wanted_s, abs=0.01) and len(times) >= frames


def make_slow(rate_hz: Fraction, time_base_s: Fraction) -> bytes:
    sink = io.BytesIO()
    head = replace(HEAD, frame_rate_hz=rate_hz, time_base_s=time_base_s)
    with Writer(sink, head) as writer:
        writer.key_frame(KeyFrame(0, still(80), np.zeros(DIMS, np.int16)))
        writer.motion(make_group(0, 3, 1, first_tick=0))
        writer.close(3)
    return sink.getvalue()


# --- a limit ---

FAR = 30 * DAY_S
CLAIMS: dict[str, bytes] = {
    "sound": stream(0, 25 * FAR, sound_at=48_000 * FAR),
    "sound as far as can be": stream(0, 2**53 - 100, end=2**53 - 1, sound_at=2**53 - 10**6),
    "pictures": stream(0, 25 * FAR),
    "end": stream(end=25 * FAR),
    "all late": stream(25 * FAR, sound_at=48_000 * FAR),
}


@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.parametrize("name", CLAIMS)
def test_a_small_stream_that_claims_a_month(tmp_path: Path, name: str, piped: bool) -> None:
    data = CLAIMS[name]
    source: Any = io.BufferedReader(Pipe(data)) if piped else io.BytesIO(data)
    started_s = time.process_time()
    with pytest.raises(UsageError, match="--max-duration") as caught:
        decode(source, tmp_path / "out.mp4", parts=decoder_parts())
    assert "86400 s" in str(caught.value) and exit_code(caught.value) == 2
    assert time.process_time() - started_s < 2 and not list(tmp_path.iterdir())


def test_more_is_allowed_on_request_and_less(tmp_path: Path) -> None:
    data = stream(0, 2500)
    for most, fits in ((101, True), (100, False)):
        options = DecodeOptions(max_duration_s=Fraction(most))
        frames = decode_frames(io.BytesIO(data), options, parts=decoder_parts())
        if fits:
            assert len(list(frames)) == 2 * FRAMES
        else:
            with pytest.raises(UsageError, match="more than 100 s"):
                list(frames)
    late = DecodeOptions(start_s=Fraction(FAR))  # a part of a long stream is a short video
    assert decode(
        io.BytesIO(CLAIMS["sound"]), tmp_path / "out.mp4", late, parts=decoder_parts()
    ).seconds == Fraction(2, 5)
    with pytest.raises(UsageError):
        DecodeOptions(max_duration_s=Fraction(0))


# --- damage that claims hours ---


def damaged(*hole: int, first: bool = True, junk: bytes = b"", **head: Any) -> bytes:
    """A stream whose numbers jump over a hole of so many frames, each a tick; `first`: there is a group before it."""
    pieces = []
    sink = io.BytesIO()
    writer = Writer(sink, replace(HEAD, **head))
    writer.key_frame(KeyFrame(0, still(80), np.zeros(DIMS, np.int16)))
    if first:
        writer.motion(make_group(0, FRAMES, 1))
    for jump in hole:
        pieces.append(sink.getvalue() + junk)
        sink.seek(0)
        sink.truncate()
        writer._rules.sizes.frames += jump  # what a stream without holes never does
        writer.motion(make_group(writer._rules.sizes.frames, FRAMES, 1))
    writer.close()
    return b"".join(pieces) + sink.getvalue()


@pytest.mark.parametrize(("suffix", "first"), [("mp4", True), ("mkv", False)])
def test_a_long_hole_is_held(tmp_path: Path, suffix: str, first: bool) -> None:
    rate = Fraction(240)
    data = damaged(600 * 240, first=first, frame_rate_hz=rate, time_base_s=1 / rate)
    renderer, target = FakeRenderer(), tmp_path / f"out.{suffix}"
    options = DecodeOptions(recover=True, size_px=256)
    told = decode(io.BytesIO(data), target, options, parts=decoder_parts(renderer))
    drawn = sum(map(len, renderer.rendered))
    assert drawn <= 2 * FRAMES + 100  # both groups, and the way from one pose to the other
    assert float(told.seconds) == pytest.approx(600, abs=0.1)
    length_s, times = lengths(target)
    assert length_s == pytest.approx(float(told.seconds), abs=0.1) and len(times) < 750
    assert max(b - a for a, b in pairwise(times)) < 1.1
    [(first_s, end_s)] = told.recovery.concealed  # type: ignore[union-attr]
    assert end_s - first_s == pytest.approx(600, abs=1.1)


def test_memory_of_damage_is_bounded() -> None:
    """Types among lost bytes are counted, not kept: each took 45 bytes for its 4."""
    junk = b"KEYF" * (1 << 15)
    data = damaged(100, junk=junk)
    gaps = [piece for piece in ChunkScanner(io.BytesIO(data)) if isinstance(piece, Gap)]
    assert len(gaps) == 1 and gaps[0].types == {b"KEYF": 1 << 15}
    reader = RecoveringReader.open(io.BytesIO(data))
    tracemalloc.start()
    try:
        assert len(list(reader)) == 3
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20
