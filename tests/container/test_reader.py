"""Random access, sizes, streaming: what is read, and how little."""

from __future__ import annotations

import io
import math
import time
from dataclasses import replace
from fractions import Fraction
from typing import BinaryIO

import pytest

from tests.support.container import (
    make_audio,
    make_group,
    make_head,
    make_key_frame,
    make_stream,
    same_item,
)
from tests.support.spec import vector
from vqcodec.container import CodedGroup, IndexKind, Reader, UnsupportedStreamError, Writer, verify
from vqcodec.entropy import encode_layers
from vqcodec.errors import BitstreamError, TruncatedError, UsageError
from vqcodec.types import AudioGroup, KeyFrame, MotionGroup


class Counting(io.BytesIO):
    """Counts the bytes that are read."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


def long_stream(groups: int = 150, cut: int = 100, frames: int = 5) -> bytes:
    """Groups of 2 s in few frames, with 2 s of sound; a second portrait at group `cut`."""
    sink = io.BytesIO()
    audio = make_audio(0, 34, 60)
    group = make_group(0, frames, step=50 // frames)
    payloads = tuple(encode_layers(group.indices))
    with Writer(sink, make_head()) as writer:
        for number in range(groups):
            if number in (0, cut):
                writer.key_frame(make_key_frame(frames * number, 5000))
            writer.coded_motion(
                CodedGroup(
                    frames * number, group.ticks + 50 * number, group.low_confidence, payloads
                )
            )
            writer.audio(replace(audio, first_sample=96_000 * number))
    return sink.getvalue()


@pytest.fixture(scope="module")
def stream() -> bytes:
    return long_stream()


def test_index_lists_every_chunk(stream: bytes) -> None:
    index = Reader(io.BytesIO(stream)).index()
    assert (index.frames, index.end_tick) == (750, 7491)
    assert [entry.position for entry in index.of(IndexKind.KEY_FRAME)] == [0, 500]
    assert [entry.position for entry in index.of(IndexKind.MOTION)] == list(range(0, 7500, 50))
    assert [entry.position for entry in index.of(IndexKind.AUDIO)] == list(
        range(0, 14_400_000, 96_000)
    )
    for entry in index.entries:
        assert stream[entry.offset : entry.offset + 4] == [b"KEYF", b"MOTN", b"AUDO"][entry.kind]


@pytest.mark.parametrize("start_s", [0, 1.99, 2, Fraction(239), 298.5])
def test_groups_from_gives_what_playing_needs(stream: bytes, start_s: Fraction | float) -> None:
    everything = list(Reader(io.BytesIO(stream)).coded())
    items = list(Reader(io.BytesIO(stream)).groups_from(start_s))
    first = math.floor(start_s / 2)
    motion = [item for item in items if isinstance(item, MotionGroup)]
    assert [group.first_frame for group in motion] == list(range(5 * first, 750, 5))
    assert isinstance(items[0], KeyFrame)
    assert items[0].first_frame == (500 if first >= 100 else 0)
    assert sum(isinstance(item, KeyFrame) for item in items) == (2 if first < 100 else 1)
    audio = [item for item in items if isinstance(item, AudioGroup)]
    wanted = start_s * 48_000 + 312 - 3840
    assert audio[0].first_sample == max(0, math.floor(wanted / 96_000)) * 96_000
    assert all(any(same_item(item, other) for other in everything) for item in audio[:2])


def test_groups_from_reads_only_what_it_yields(stream: bytes) -> None:
    source = Counting(stream)
    reader = Reader(source)
    items = reader.groups_from(250)
    found = [next(items) for _ in range(4)]
    assert [type(item).__name__ for item in found] == [
        "KeyFrame",
        "AudioGroup",
        "MotionGroup",
        "AudioGroup",
    ]
    entries = Reader(io.BytesIO(stream)).index().entries
    ends = [entry.offset for entry in entries[1:]] + [stream.rindex(b"INDX")]
    size = {entry.offset: end - entry.offset for entry, end in zip(entries, ends, strict=True)}
    # the second portrait, and the three chunks around 250 s: 2 s of sound before (pre-roll), the group, its sound
    chunks = [201, *range(2 * 124 + 3, 2 * 124 + 6)]
    needed = sum(size[entries[number].offset] for number in chunks)
    fixed = stream.index(b"KEYF") + len(stream) - stream.rindex(b"INDX")
    assert source.taken == needed + fixed + 2 * 4  # the types of INDX and IEND are looked at first
    assert source.taken < len(stream) / 20


def test_iterations_share_a_file(stream: bytes) -> None:
    reader = Reader(io.BytesIO(stream))
    one, two = iter(reader), reader.groups_from(100)
    assert isinstance(next(one), KeyFrame)
    assert isinstance(next(two), KeyFrame)
    item = next(one)
    assert isinstance(item, MotionGroup)
    assert item.first_frame == 0
    reader.index()
    assert isinstance(next(one), AudioGroup)
    assert sum(1 for _ in two) == 2 * 100 + 2
    assert sum(1 for _ in reader.coded()) == 302


@pytest.mark.parametrize("start_s", [-0.1, 300, math.inf, math.nan])
def test_start_outside_the_stream(stream: bytes, start_s: float) -> None:
    with pytest.raises(UsageError, match="outside the stream"):
        Reader(io.BytesIO(stream)).groups_from(start_s)


def test_start_between_groups_and_before_the_first() -> None:
    sink = io.BytesIO()
    with Writer(sink, make_head(audio=None)) as writer:
        writer.key_frame(make_key_frame())
        writer.motion(make_group(0, 2, first_tick=50))
        writer.motion(make_group(2, 2, first_tick=500))
    reader = Reader(io.BytesIO(sink.getvalue()))
    assert [type(item).__name__ for item in reader.groups_from(0)] == [
        "KeyFrame",
        "MotionGroup",
        "MotionGroup",
    ]
    assert [type(item).__name__ for item in reader.groups_from(10)] == [
        "KeyFrame",
        "MotionGroup",
        "MotionGroup",
    ]
    assert [type(item).__name__ for item in reader.groups_from(20)] == ["KeyFrame", "MotionGroup"]


def test_a_growing_file_plays_but_has_no_index(stream: bytes) -> None:
    growing = stream[: stream.rindex(b"MOTN")]
    reader = Reader(io.BytesIO(growing))
    with pytest.raises(TruncatedError, match="IEND"):
        reader.index()
    items = 0
    with pytest.raises(TruncatedError):
        for _ in reader:
            items += 1
    assert items == 300


def test_index_of_a_file_with_trailing_bytes(stream: bytes) -> None:
    with pytest.raises(TruncatedError, match="IEND"):
        Reader(io.BytesIO(stream + b"x")).index()
    with pytest.raises(BitstreamError, match="trailing-data"):
        verify(io.BytesIO(stream + b"x"))


def test_verify_counts() -> None:
    report = verify(io.BytesIO(make_stream(3, 4, cut=2)))
    assert (report.groups, report.frames, report.key_frames) == (3, 12, 2)
    assert (report.audio_groups, report.audio_packets, report.low_confidence_frames) == (3, 15, 1)
    assert report.sizes.seconds == Fraction(12, 25)
    assert report.sizes.audio == 15 * 30
    assert report.sizes.portrait == 2 * (1 + 96 + 40)


def test_container_costs_a_quarter_kilobit_at_most(stream: bytes) -> None:
    sizes = verify(io.BytesIO(stream)).sizes
    assert sizes.portrait + sizes.motion + sizes.audio + sizes.container == len(stream)
    assert sizes.container * 8 / sizes.seconds <= 250


def test_parsing_ten_minutes_takes_no_time() -> None:
    stream = long_stream(300, 150, 50)
    start_s = time.process_time()
    assert sum(1 for _ in Reader(io.BytesIO(stream)).coded()) == 602
    assert time.process_time() - start_s < 1


def test_newer_major_version_and_critical_chunk_are_refused() -> None:
    for name, code in [
        ("unsupported-major-3", "unsupported-version"),
        ("unsupported-critical", "unsupported-chunk"),
    ]:
        with pytest.raises(UnsupportedStreamError) as caught:
            list(Reader(io.BytesIO(vector("invalid", name))).coded())
        assert caught.value.code == code
        assert caught.value.exit_code == 4
        assert "newer" in caught.value.hint


def test_a_reader_takes_no_more_than_it_needs() -> None:
    """A live pipe: every item comes out as soon as its last byte has gone in."""
    data = make_stream(2, 3)
    source = Counting(data)
    reader = Reader(source)
    assert source.taken == data.index(b"KEYF")
    items = iter(reader)
    next(items)
    assert source.taken == data.index(b"MOTN")
    next(items)
    assert source.taken == data.index(b"AUDO")


def test_layers_must_be_positive() -> None:
    with pytest.raises(UsageError):
        Reader(io.BytesIO(make_stream()), layers=0)


def test_a_non_blocking_source_is_named() -> None:
    class Empty(io.RawIOBase):
        def readinto(self, buffer: bytearray) -> None:  # type: ignore[override]
            return None

        def readable(self) -> bool:
            return True

    source: BinaryIO = Empty()  # type: ignore[assignment]
    with pytest.raises(OSError, match="non-blocking"):
        Reader(source)
