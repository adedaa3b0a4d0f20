"""Damaged streams: every flip, cut, gap and lie is a typed error, in both decoders the same one."""

from __future__ import annotations

import copy
import io
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.container import make_stream
from tests.support.spec import VECTORS, load, reference_result
from vqcodec.container import Reader, verify
from vqcodec.container.faults import stream_error
from vqcodec.errors import BitstreamError, TruncatedError, UnsupportedError, VqcodecError
from vqcodec.format import MAX_CHUNK_BYTES, SIGNATURE

RAW = load(VECTORS / "raw_streams.py")
SMALL = make_stream(2, 1, layers=1)
TWO_LAYERS = make_stream(1, 2, layers=2)


def opinions_agree(data: bytes) -> bool:
    """Whether both decoders accept a stream, or both give the same code and offset."""
    expected = reference_result(data)
    if isinstance(expected, dict):
        return verify(io.BytesIO(data)).token_sha256 == expected["token_sha256"]
    return fault(data) == expected


def fault(data: bytes) -> tuple[str, int | None]:
    """Code and offset of the error that a full check raises; anything but a typed error escapes."""
    with pytest.raises((BitstreamError, UnsupportedError)) as caught:
        verify(io.BytesIO(data))
    error = caught.value
    assert isinstance(error, VqcodecError)
    assert error.hint
    return error.code, error.offset  # type: ignore[union-attr]


def test_the_samples_are_valid() -> None:
    for data in (SMALL, TWO_LAYERS):
        assert verify(io.BytesIO(data)).frames == 2
        assert isinstance(reference_result(data), dict)


@pytest.mark.parametrize("bits", [0x01, 0xFF])
def test_every_byte_flipped(bits: int) -> None:
    for at in range(len(SMALL)):
        damaged = SMALL[:at] + bytes([SMALL[at] ^ bits]) + SMALL[at + 1 :]
        found = fault(damaged)
        assert found == reference_result(damaged), at
        assert not found[0].startswith("unsupported"), at


def test_every_prefix() -> None:
    for length in range(len(SMALL)):
        assert fault(SMALL[:length]) == ("truncated", length)
        assert reference_result(SMALL[:length]) == ("truncated", length)


def test_of_an_empty_stream_nothing_is_to_be_recovered() -> None:
    for data, told in ((b"", "is empty"), (SMALL[:-1], "one more byte is due")):
        with pytest.raises(TruncatedError, match=told) as caught:
            verify(io.BytesIO(data))
        assert ("--recover" in caught.value.hint) == bool(data)
        assert caught.value.offset == len(data)


def test_every_byte_missing_or_doubled() -> None:
    for at in range(len(SMALL)):
        for damaged in (SMALL[:at] + SMALL[at + 1 :], SMALL[:at] + SMALL[at : at + 1] + SMALL[at:]):
            if damaged != SMALL:
                assert fault(damaged) == reference_result(damaged), at


def test_what_comes_before_the_damage_is_read() -> None:
    data = make_stream(3, 2)
    reader = Reader(io.BytesIO(data[: data.rindex(b"MOTN") + 30]))
    items = iter(reader)
    found = [type(next(items)).__name__ for _ in range(5)]
    assert found == ["KeyFrame", "MotionGroup", "AudioGroup", "MotionGroup", "AudioGroup"]
    with pytest.raises(TruncatedError):
        next(items)


@pytest.mark.parametrize("number", range(6))
def test_every_payload_byte_changed_behind_a_right_crc(number: int) -> None:
    pairs = RAW.split(TWO_LAYERS)
    kind, payload = pairs[number]
    for at in range(len(payload)):
        for bits in (0x01, 0xFF):
            changed = payload[:at] + bytes([payload[at] ^ bits]) + payload[at + 1 :]
            damaged = RAW.join([*pairs[:number], (kind, changed), *pairs[number + 1 :]])
            assert opinions_agree(damaged), (kind, at, bits)


@pytest.mark.parametrize("number", range(6))
def test_every_payload_cut_behind_a_right_crc(number: int) -> None:
    pairs = RAW.split(TWO_LAYERS)
    kind, payload = pairs[number]
    for length in range(len(payload)):
        damaged = RAW.join([*pairs[:number], (kind, payload[:length]), *pairs[number + 1 :]])
        assert fault(damaged) == reference_result(damaged), (kind, length)


@given(st.sampled_from([*MAX_CHUNK_BYTES, b"NEWC", b"anci"]), st.binary(max_size=300))
@settings(deadline=None, max_examples=300)
def test_any_payload_behind_a_right_crc(kind: bytes, payload: bytes) -> None:
    first = RAW.split(TWO_LAYERS)[: 0 if kind == b"HEAD" else 2]
    damaged = RAW.join([*first, (kind, payload)])
    assert fault(damaged)[1] == reference_result(damaged)[1]  # type: ignore[index]


@given(st.binary(max_size=400))
@settings(deadline=None, max_examples=200)
def test_any_bytes(data: bytes) -> None:
    assert fault(data) == reference_result(data)
    assert fault(SIGNATURE + data) == reference_result(SIGNATURE + data)


def index_and_seek(data: bytes) -> None:
    reader = Reader(io.BytesIO(data))
    reader.index()
    list(reader.groups_from(0.05))


@pytest.mark.parametrize(
    "change", [lambda byte: byte ^ 1, lambda byte: byte ^ 0xFF], ids=["one bit", "all bits"]
)
def test_random_access_meets_damage_with_typed_errors(change: Callable[[int], int]) -> None:
    for at in range(len(SMALL)):
        damaged = SMALL[:at] + bytes([change(SMALL[at])]) + SMALL[at + 1 :]
        try:
            index_and_seek(damaged)
        except VqcodecError as error:
            assert isinstance(error, BitstreamError | UnsupportedError)
    for length in range(len(SMALL)):
        with pytest.raises(TruncatedError):
            index_and_seek(SMALL[:length])


@pytest.mark.parametrize("at", [-1, 0, SMALL.index(b"HEAD"), SMALL.index(b"MOTN")])
def test_errors_go_from_one_process_to_another(at: int) -> None:
    """As a pool of processes hands them on, by the same steps as a copy, with all that a caller asks of them."""
    damaged = SMALL[:at] if at < 0 else SMALL[:at] + b"X" + SMALL[at + 1 :]
    with pytest.raises(VqcodecError) as caught:
        verify(io.BytesIO(damaged))
    told = copy.copy(caught.value)
    assert type(told) is type(caught.value) and str(told) == str(caught.value)
    assert vars(told) == vars(caught.value) and {"code", "offset", "hint"} <= set(vars(told))


def test_an_unsupported_version_goes_to_another_process() -> None:
    found = stream_error("unsupported-version", "version 9", 8)
    assert vars(copy.copy(found)) == vars(found)


@given(st.binary(max_size=60))
@settings(deadline=None, max_examples=150)
def test_random_access_believes_no_index(payload: bytes) -> None:
    pairs = RAW.split(SMALL)
    end = RAW.put(12, (len(payload) + 9).to_bytes(4, "big"))(pairs[-1][1])
    data = RAW.join([*pairs[:-2], (b"INDX", payload), (b"IEND", end)])
    with pytest.raises(BitstreamError):
        index_and_seek(data)
        raise BitstreamError("the forged index was the right one", code="none")


def test_a_length_that_lies_costs_no_memory() -> None:
    lies = SMALL[: SMALL.index(b"KEYF")] + b"INDX" + b"\x80\x80\x80\x08" + bytes(100)
    tracemalloc.start()
    try:
        assert fault(lies)[0] == "truncated"
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
