"""Damaged streams without end: all vectors, any damage to bytes, any splice of chunks, any payload."""

from __future__ import annotations

import contextlib
import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.container import same_item
from tests.support.damaged import CODED, PARTS, WHOLE, with_chunk
from tests.support.recover import recovered
from tests.support.spec import INVALID, VALID, VECTORS, vector
from vqcodec.container import Reader
from vqcodec.container.order import Line, Placed
from vqcodec.errors import BitstreamError, UnsupportedError
from vqcodec.format import MAX_CHUNK_BYTES
from vqcodec.types import AudioGroup, KeyFrame, MotionGroup

END = PARTS[-1]
"""IEND: behind it nothing belongs to the stream, if it is the right one."""
FAR_SOUND = ("sound-position-greatest", "2-latest")
"""Valid, and yet more than an hour of nothing lies before a group: only a sound decoder that waits that long would play it."""


@pytest.mark.parametrize(
    "name", [name for name in VALID if (VECTORS / "valid" / f"{name}.vqt").stat().st_size < 100_000]
)
def test_valid_vectors_are_intact(name: str) -> None:
    data = vector("valid", name)
    expected = list(Reader(io.BytesIO(data)))
    items, damage = recovered(data)
    if name in FAR_SOUND:
        assert damage.dropped_chunks and len(items) < len(expected)
        return
    assert not damage.any and len(items) == len(expected)
    assert all(any(same_item(item, other) for other in expected) for item in items)


@pytest.mark.parametrize("name", sorted(INVALID))
def test_invalid_vectors_raise_nothing_else(name: str) -> None:
    try:
        items, _ = recovered(vector("invalid", name))
    except (BitstreamError, UnsupportedError) as error:
        assert error.hint
    else:
        assert any(isinstance(item, MotionGroup) for item in items)


# --- any damage ---

PLACE = st.integers(len(PARTS[0]), len(WHOLE) - 1)
BYTE_DAMAGE = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "insert", "zero", "double"]), PLACE, st.integers(1, 300)
    ),
    min_size=1,
    max_size=6,
)


def damaged_bytes(steps: list[tuple[str, int, int]]) -> bytes:
    data = WHOLE
    for what, at, size in steps:
        at = min(at, len(data))
        piece = data[at : at + size]
        new = {
            "flip": bytes(b ^ (1 << size % 8) for b in piece[:1]) + piece[1:],
            "cut": b"",
            "zero": bytes(len(piece)),
            "insert": random.Random(size).randbytes(size) + piece,
            "double": piece + piece,
        }[what]
        data = data[:at] + new + data[at + size :]
    return data


def check(data: bytes, *, in_order: bool) -> None:
    """Nothing wrong is given; where chunks kept their order, nothing intact is missing."""
    before, _, behind = data.partition(END)
    intact = [item for part, item in CODED.items() if part in data]
    groups = [item for item in intact if isinstance(item, MotionGroup)]
    if not groups or not any(isinstance(item, KeyFrame) for item in intact):
        with pytest.raises(BitstreamError):
            recovered(data)
        return
    needed = (MotionGroup, KeyFrame)
    if behind and not all(
        any(isinstance(item, kind) and part in before for part, item in CODED.items())
        for kind in needed
    ):
        with contextlib.suppress(BitstreamError):  # what lies behind the end may be taken or not
            recovered(data)
        return
    items, damage = recovered(data)
    for kind, place in (
        (KeyFrame, "first_frame"),
        (MotionGroup, "first_frame"),
        (AudioGroup, "first_sample"),
    ):
        found = [item for item in items if isinstance(item, kind)]
        starts = [getattr(item, place) for item in found]
        assert starts == sorted(set(starts))
        assert all(any(same_item(item, known) for known in intact) for item in found)
    if in_order:
        assert len(items) == len(intact)
        assert damage.groups_read == len(groups)
        assert not damage.complete or damage.groups_lost == 8 - len(groups)


@given(BYTE_DAMAGE)
@settings(deadline=None, max_examples=100)
def test_any_damage_to_bytes(steps: list[tuple[str, int, int]]) -> None:
    check(damaged_bytes(steps), in_order=all(what != "double" for what, _, _ in steps))


@given(st.lists(st.integers(1, len(PARTS) - 1), min_size=1, max_size=40))
@settings(deadline=None, max_examples=100)
def test_any_splice_of_chunks(numbers: list[int]) -> None:
    data = PARTS[0] + b"".join(PARTS[number] for number in numbers)
    check(data, in_order=numbers == sorted(numbers))


@given(st.binary(max_size=300), st.integers(0, len(WHOLE)), st.integers(0, len(WHOLE)))
@settings(deadline=None, max_examples=100)
def test_nothing_but_typed_errors(noise: bytes, first: int, stop: int) -> None:
    for data in (noise, PARTS[0] + noise, WHOLE[:first] + noise + WHOLE[stop:]):
        try:
            items, damage = recovered(data)
        except BitstreamError as error:
            assert error.hint and error.code
        else:
            assert items and damage.groups_read


@given(
    st.sampled_from([*MAX_CHUNK_BYTES, b"NEWC", b"anci"]),
    st.binary(max_size=200),
    st.integers(1, len(PARTS)),
)
@settings(deadline=None, max_examples=100)
def test_any_payload_behind_a_right_crc(kind: bytes, payload: bytes, number: int) -> None:
    try:
        items, _ = recovered(with_chunk(number, kind, payload))
    except BitstreamError:
        return
    motion = [item for item in items if isinstance(item, MotionGroup)]
    assert [g.first_frame for g in motion] == sorted({g.first_frame for g in motion})


# --- order ---


def ordered(*starts: int) -> tuple[list[int], int]:
    """What a line of groups of 10 gives for groups with these starts, and how many it drops."""
    line: Line[int, int] = Line(lambda start: start)
    given_ = [
        start
        for first in starts
        for start in line.push(Placed(first, first + 10, first + 10, first))
    ]
    given_ += line.flush()
    return given_, line.dropped


@pytest.mark.parametrize(
    ("starts", "expected"),
    [
        ((0, 10, 20), ([0, 10, 20], 0)),
        ((0, 10, 10, 20), ([0, 10, 20], 1)),
        ((0, 20, 10, 30), ([0, 10, 20, 30], 0)),
        ((0, 30, 40), ([0, 30, 40], 0)),
        ((0, 30), ([0, 30], 0)),
        ((30, 40), ([30, 40], 0)),
        ((0, 500, 10, 20, 30, 40), ([0, 10, 20, 30, 40], 1)),
        ((0, 500, 10), ([0, 10], 1)),
        ((0, 20, 5, 30), ([0, 20, 30], 1)),
        ((0, 10, 0, 20), ([0, 10, 20], 1)),
        ((0, 30, 50, 60), ([0, 30, 50, 60], 0)),
    ],
)
def test_order(starts: tuple[int, ...], expected: tuple[list[int], int]) -> None:
    assert ordered(*starts) == expected
