"""What is written reads back: every shape, every option, every kind of sink."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.container import (
    make_audio,
    make_group,
    make_head,
    make_indices,
    make_key_frame,
    make_stream,
    same_item,
)
from vqcodec.container import Reader, Writer, thin, verify
from vqcodec.errors import UsageError
from vqcodec.types import AudioGroup, AudioHead, Crop, Head, KeyFrame, ModelId, MotionGroup

names = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=16)
models = st.builds(ModelId, names, st.binary(min_size=32, max_size=32))
sizes_px = st.integers(1, 65_535)
corners_px = st.integers(-131_070, 131_070)
heads = st.builds(
    Head,
    time_base_s=st.fractions(Fraction(1, 100_000), 1, max_denominator=100_000),
    frame_rate_hz=st.fractions(Fraction(1, 100), 240, max_denominator=1001),
    layers=st.integers(1, 4),
    motion_space=models,
    renderer=models,
    audio=st.none()
    | st.builds(
        AudioHead,
        st.just(48_000),
        st.integers(1, 2),
        st.integers(0, 65_535),
        st.binary(max_size=255),
    ),
    crop=st.none()
    | st.builds(Crop, sizes_px, sizes_px, corners_px, corners_px, st.integers(1, 131_070)),
    synthetic=st.booleans(),
    coded_size_px=st.integers(16, 4096),
)


@given(heads)
@settings(deadline=None, max_examples=60)
def test_any_head_reads_back(head: Head) -> None:
    sink = io.BytesIO()
    Writer(sink, head)
    sink.seek(0)
    assert Reader(sink).head == head


@st.composite
def groups(draw: st.DrawFn, layers: int, first_frame: int, after_tick: int) -> MotionGroup:
    frames = draw(st.integers(1, 6))
    steps = draw(st.lists(st.integers(1, 400), min_size=frames, max_size=frames))
    ticks = after_tick + np.cumsum(np.array(steps, dtype=np.int64))
    held = np.array(draw(st.lists(st.booleans(), min_size=frames, max_size=frames)), dtype=np.bool_)
    seed = draw(st.integers(0, 3))
    return MotionGroup(first_frame, ticks, held, make_indices(frames, layers, seed))


@st.composite
def streams(draw: st.DrawFn) -> tuple[Head, list[object]]:
    layers = draw(st.integers(1, 4))
    head = make_head(layers=layers, time_base_s=Fraction(1, 1200))
    items: list[object] = []
    frames, tick, sample = 0, -1, 0
    for number in range(draw(st.integers(1, 4))):
        if number == 0 or draw(st.booleans()):
            features = draw(st.integers(-32768, 32767))
            items.append(
                KeyFrame(
                    frames,
                    draw(st.binary(min_size=1, max_size=9)),
                    np.full(48, features, dtype=np.int16),
                )
            )
        group = draw(groups(layers, frames, tick))
        items.append(group)
        frames, tick = frames + len(group.ticks), int(group.ticks[-1])
        if draw(st.booleans()):
            packets = tuple(
                draw(st.lists(st.binary(min_size=1, max_size=70), min_size=1, max_size=9))
            )
            items.append(AudioGroup(sample, packets))
            sample += 960 * len(packets) + draw(st.integers(0, 5000))
    return head, items


def write(sink: io.BytesIO, head: Head, items: list[object]) -> Writer:
    writer = Writer(sink, head)
    for item in items:
        if isinstance(item, KeyFrame):
            writer.key_frame(item)
        elif isinstance(item, MotionGroup):
            writer.motion(item)
        else:
            assert isinstance(item, AudioGroup)
            writer.audio(item)
    writer.close()
    return writer


@given(streams())
@settings(deadline=None, max_examples=40)
def test_any_stream_reads_back(stream: tuple[Head, list[object]]) -> None:
    head, items = stream
    sink = io.BytesIO()
    writer = write(sink, head, items)
    reader = Reader(io.BytesIO(sink.getvalue()))
    found = list(reader)
    assert len(found) == len(items)
    assert all(same_item(one, two) for one, two in zip(found, items, strict=True))
    assert reader.sizes == writer.sizes
    sizes = reader.sizes
    assert sizes.portrait + sizes.motion + sizes.audio + sizes.container == len(sink.getvalue())
    again = io.BytesIO()
    write(again, head, list(found))
    assert again.getvalue() == sink.getvalue()


@given(streams(), st.integers(1, 4))
@settings(deadline=None, max_examples=30)
def test_thin_keeps_the_coarse_layers(stream: tuple[Head, list[object]], layers: int) -> None:
    head, items = stream
    layers = min(layers, head.layers)
    full, small = io.BytesIO(), io.BytesIO()
    write(full, head, items)
    sizes = thin(io.BytesIO(full.getvalue()), small, layers)
    assert sizes == verify(io.BytesIO(small.getvalue())).sizes
    reader = Reader(io.BytesIO(small.getvalue()))
    assert reader.head == replace(head, layers=layers)
    for one, two in zip(reader, items, strict=True):
        expected = (
            replace(two, indices=two.indices[:, :, :layers])
            if isinstance(two, MotionGroup)
            else two
        )
        assert same_item(one, expected)


@pytest.mark.parametrize("layers", [1, 2, 3, 4])
def test_reader_decodes_only_the_layers_asked_for(layers: int) -> None:
    data = make_stream()
    full = [item for item in Reader(io.BytesIO(data)) if isinstance(item, MotionGroup)]
    part = [
        item for item in Reader(io.BytesIO(data), layers=layers) if isinstance(item, MotionGroup)
    ]
    for one, two in zip(full, part, strict=True):
        assert np.array_equal(one.indices[:, :, :layers], two.indices)


class Pipe(io.RawIOBase):
    """A pipe in both directions: can't seek, moves at most 7 bytes at a time."""

    def __init__(self, data: bytes = b"") -> None:
        self.data = bytearray(data)
        self.at = 0

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.data += bytes(data[:7])
        return min(len(data), 7)

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        piece = self.data[self.at : self.at + min(7, len(buffer))]
        buffer[: len(piece)] = piece
        self.at += len(piece)
        return len(piece)


def test_pipes_carry_the_same_bytes() -> None:
    sink = Pipe()
    with Writer(sink, make_head()) as writer:  # type: ignore[arg-type]
        writer.key_frame(make_key_frame())
        writer.motion(make_group(0, 5))
        writer.audio(make_audio(0))
    assert verify(Pipe(bytes(sink.data))).frames == 5  # type: ignore[arg-type]
    small = Pipe()
    thin(Pipe(bytes(sink.data)), small, 1)  # type: ignore[arg-type]
    assert verify(Pipe(bytes(small.data))).head.layers == 1  # type: ignore[arg-type]


def test_a_pipe_is_read_once_and_without_index() -> None:
    reader = Reader(Pipe(make_stream()))  # type: ignore[arg-type]
    assert len(list(reader)) == 7
    with pytest.raises(UsageError, match="only once"):
        next(iter(reader))
    with pytest.raises(UsageError, match="not a pipe"):
        reader.index()


def test_a_stream_may_start_inside_a_file() -> None:
    data = make_stream()
    file = io.BytesIO(b"something else" + data)
    file.seek(14)
    reader = Reader(file)
    assert len(list(reader)) == 7
    assert len(list(reader.groups_from(0))) == 7


def test_thin_keeps_copyable_chunks() -> None:
    sink = io.BytesIO()
    with Writer(sink, make_head()) as writer:
        writer.ancillary(b"notE", b"goes")
        writer.ancillary(b"note", b"stays")
        writer.key_frame(make_key_frame())
        writer.motion(make_group(0, 2))
    small = io.BytesIO()
    thin(io.BytesIO(sink.getvalue()), small, 2)
    assert b"stays" in small.getvalue()
    assert b"notE" not in small.getvalue()
    assert verify(io.BytesIO(small.getvalue())).frames == 2


@pytest.mark.parametrize("layers", [0, 5])
def test_thin_refuses_layers_the_stream_lacks(layers: int) -> None:
    sink = io.BytesIO()
    with pytest.raises(UsageError):
        thin(io.BytesIO(make_stream()), sink, layers)
    assert not sink.getvalue()
