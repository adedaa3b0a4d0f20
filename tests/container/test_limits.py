"""Worst cases by construction: nothing takes more than 64 MiB or 2 s above what its declared, limited sizes justify.

What a stream declares by right is what it pays for: 17 bytes for an index entry, a group's tokens, the bytes of one chunk.
"""

from __future__ import annotations

import io
import struct
import time
import tracemalloc
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.support.container import (
    MONO,
    make_audio,
    make_group,
    make_head,
    make_key_frame,
    make_stream,
)
from tests.support.spec import VECTORS, load, reference_result
from tests.support.units import make_stream_2, make_unit
from vqcodec.container import Reader, Writer, thin, verify
from vqcodec.container.faults import Fault
from vqcodec.container.fields import unpack_bits
from vqcodec.container.index import parse_index
from vqcodec.container.recover import RecoveringReader
from vqcodec.container.varint import encode_varint
from vqcodec.errors import BitstreamError
from vqcodec.format import MAX_CHUNK_BYTES, MAX_INDEX_ENTRIES, MAX_UNKNOWN_CHUNK_BYTES, SIGNATURE
from vqcodec.types import MotionGroup

RAW = load(VECTORS / "raw_streams.py")
SMALL = make_stream(1, 1, layers=1, audio=None)
HEAD_AND_PORTRAIT = SMALL[: SMALL.index(b"MOTN")]
ROOT = Path(__file__).resolve().parents[2]
MIB = 1 << 20


SMALL_2 = make_stream_2((1,), 1, layers=1, sound=False)
BEGINNINGS = {b"HEAD": SIGNATURE, b"PORT": SMALL_2[: SMALL_2.index(b"PORT")]}


def cost(action: Callable[[], object]) -> tuple[float, float]:
    """Peak MiB above the start, and seconds of processor time (which tracing makes two to four times longer)."""
    tracemalloc.start()
    try:
        before, start = tracemalloc.get_traced_memory()[0], time.process_time()
        action()
        return (tracemalloc.get_traced_memory()[1] - before) / MIB, time.process_time() - start
    finally:
        tracemalloc.stop()


def refused(data: bytes) -> Callable[[], str]:
    """Reading is an error; its code."""

    def action() -> str:
        with pytest.raises(BitstreamError) as caught:
            verify(io.BytesIO(data))
        return caught.value.code

    return action


@pytest.mark.parametrize("kind", [*MAX_CHUNK_BYTES, b"anci", b"NEWC"])
def test_lengths_that_lie_cost_nothing(kind: bytes) -> None:
    most = MAX_CHUNK_BYTES.get(kind, MAX_UNKNOWN_CHUNK_BYTES)
    first = BEGINNINGS.get(kind, HEAD_AND_PORTRAIT)
    for length, code in ((most, "truncated"), (most + 1, "bad-length"), (2**56 - 1, "bad-length")):
        lie = first + kind + encode_varint(length) + bytes(10)
        assert refused(lie)() == code
        assert cost(refused(lie))[0] < 1


def test_the_longest_chunk_of_each_type() -> None:
    for kind, most in {**MAX_CHUNK_BYTES, b"anci": MAX_UNKNOWN_CHUNK_BYTES}.items():
        data = BEGINNINGS.get(kind, HEAD_AND_PORTRAIT) + RAW.frame(kind, b"\0" * most)
        peak_mib, seconds = cost(refused(data))
        assert peak_mib < 3 * most / MIB + 1, kind
        assert seconds < 2, kind


def test_units_that_cost_more_than_they_hold() -> None:
    """A unit of half a million units, and three thousand portraits that no group comes for."""
    head = SMALL_2[: SMALL_2.index(b"PORT")]
    fields = b"\0\0\0\0\x80\x80\x02\0"
    for many in (b"\x32\0" * (MIB // 2), b"\x0a\0" * (MIB // 2), b"\x12\0" * (MIB // 2)):
        data = head + RAW.frame(b"PORT", fields + many)
        peak_mib, seconds = cost(refused(data))
        assert peak_mib < 6 and seconds < 1
        assert reference_result(data) == ("bad-unit", len(head))
    parts = [head]
    for number in range(3_000):
        shot, place = divmod(number, 1400)
        unit = make_unit(place, size=0)
        before = b"" if place == 0 else encode_varint(place - 1)
        told = encode_varint(5 + number) + encode_varint(shot) + encode_varint(place) + b"\0"
        parts.append(RAW.frame(b"PORT", told + before + b"\x80\x80\x02\0" + unit))
    data = b"".join(parts) + SMALL_2[SMALL_2.index(b"PORT") :]

    def recover() -> None:
        assert sum(isinstance(i, MotionGroup) for i in RecoveringReader.open(io.BytesIO(data))) == 1

    peak_mib, seconds = cost(recover)
    assert peak_mib < 16 and seconds < 8


def forged(index: bytes) -> bytes:
    """A stream with this index, and an IEND that leads to it."""
    pairs = RAW.split(SMALL)
    size = len(RAW.frame(b"INDX", index))
    return RAW.join(
        [
            *pairs[:-2],
            (b"INDX", index),
            (b"IEND", RAW.put(12, size.to_bytes(4, "big"))(pairs[-1][1])),
        ]
    )


def unreadable(index: bytes) -> None:
    with pytest.raises(Fault):
        parse_index(index)


def test_the_largest_index() -> None:
    first = parse_index(RAW.split(SMALL)[-2][1])
    entries = RAW.split(SMALL)[-2][1] + b"\x05\x02" * (MAX_INDEX_ENTRIES - len(first))
    peak_mib, seconds = cost(lambda: parse_index(entries))
    assert peak_mib < 64 and seconds < 2
    data = forged(entries)

    def use() -> None:
        reader = Reader(io.BytesIO(data))
        with pytest.raises(BitstreamError):  # its last group starts after the end
            reader.index()
        index = parse_index(entries)
        assert len(index) == MAX_INDEX_ENTRIES and index[-1].offset == first[
            -1
        ].offset + MAX_INDEX_ENTRIES - len(first)

    assert cost(use)[0] < 64 + 17
    with pytest.raises(Fault, match="more than"):
        parse_index(entries + b"\x05\x02")
    assert cost(lambda: unreadable(bytes(16 * MIB)))[0] < 64
    longest = (b"\xff" * 7 + b"\x7f") * (2 * MAX_INDEX_ENTRIES)
    assert len(longest) == MAX_CHUNK_BYTES[b"INDX"]
    peak_mib, seconds = cost(lambda: unreadable(longest))
    assert peak_mib < 64 + 16 and seconds < 4


@pytest.mark.parametrize("value", [312, None], ids=["no bytes", "noise"])
def test_the_largest_group(value: int | None) -> None:
    """240 frames x 4 layers: the time depends on frames and layers only, whatever the payloads are."""
    noise = (np.arange(240 * 48, dtype=np.uint64) * 2654435761 >> 7) % 625
    indices = (
        noise.astype(np.uint16).reshape(240, 12, 4)
        if value is None
        else np.full((240, 12, 4), value, np.uint16)
    )
    sink = io.BytesIO()
    with Writer(sink, make_head(audio=None, time_base_s=Fraction(1, 120))) as writer:
        writer.key_frame(make_key_frame())
        writer.motion(MotionGroup(0, np.arange(240), np.zeros(240, np.bool_), indices))
    peak_mib, seconds = cost(lambda: verify(io.BytesIO(sink.getvalue())))
    assert peak_mib < 16
    assert seconds < 2 * 4  # traced


def test_garbage_in_the_largest_group() -> None:
    """65,535 bytes a layer, which no 240 frames can use, behind a right CRC."""
    head, portrait = RAW.split(SMALL)[:2]
    in_4_layers = RAW.put(5, struct.pack(">II", 1, 120))(RAW.put(24, b"\4")(head[1]))
    group = b"\0\xf0\6\0\1\0" + encode_varint(65_535) * 3 + b"\x55" * 4 * 65_535
    stream = RAW.join([(b"HEAD", in_4_layers), portrait, (b"MOTN", group)])
    peak_mib, seconds = cost(refused(stream))
    assert refused(stream)() == "bad-payload"
    assert peak_mib < 16 and seconds < 8  # traced


def test_packed_lists_at_their_widest() -> None:
    widest = bytes([0xFF]) * ((239 * 34 + 7) // 8 - 1) + b"\xfc"
    assert max(unpack_bits(widest, 239, 34)) == 2**34 - 1
    assert cost(lambda: unpack_bits(widest, 239, 34))[1] < 0.1
    assert cost(lambda: unpack_bits(b"\xff" * 1300, 800, 13))[1] < 0.1
    head = make_head(audio=MONO, layers=1)
    sink = io.BytesIO()
    with Writer(sink, head) as writer:
        writer.key_frame(make_key_frame())
        writer.motion(make_group(0, 1, 1))
        for number in range(20):
            packets = make_audio(number * 96_000, 800, 327)
            writer.audio(packets)
    data = sink.getvalue()
    verify(io.BytesIO(data))  # the tables are loaded now
    peak_mib, seconds = cost(lambda: verify(io.BytesIO(data)))
    assert peak_mib < 3 and seconds < 4  # traced; nothing of the 5 MB that have passed is kept


def test_masses_of_tiny_chunks() -> None:
    """Memory stays; time is linear in the bytes: 6,000 chunks of one byte each, known or not."""
    for kind, payload in ((b"anci", b"x"), (b"zZZZ", b"")):
        body = HEAD_AND_PORTRAIT + RAW.frame(kind, payload) * 6_000
        peak_mib, seconds = cost(refused(body))
        assert peak_mib < 1 and seconds < 2.5, kind  # traced
    assert refused(HEAD_AND_PORTRAIT + RAW.frame(b"MOTN", b"x") * 6_000)() == "bad-layout"


def test_thinning_keeps_no_chunks() -> None:
    body = (
        SIGNATURE
        + b"".join(RAW.frame(*pair) for pair in RAW.split(SMALL)[:2])
        + RAW.frame(b"note", bytes(100_000)) * 100
    )

    class Nowhere(io.RawIOBase):
        def write(self, data: object) -> int:
            return len(data)  # type: ignore[arg-type]

    def action() -> None:
        with pytest.raises(BitstreamError):
            thin(io.BytesIO(body), Nowhere(), 1)  # type: ignore[arg-type]

    assert cost(action)[0] < 2


@pytest.mark.parametrize(
    "filler",
    [
        b"MOTN",
        b"MOTN\x80\x80\x10",
        b"INDX\xff\xff\xff\x07",
        b"KEYF\x80\x80\x40",
        SIGNATURE,
        RAW.frame(b"MOTN", b""),
        RAW.frame(b"anci", b""),
    ],
    ids=repr,
)
def test_recovery_from_a_file_of_nothing_but_beginnings(filler: bytes) -> None:
    """Announced chunks nested in each other: no byte may be looked at again for each of them."""
    data = HEAD_AND_PORTRAIT + filler * (50_000 // len(filler))

    def action() -> None:
        with pytest.raises(BitstreamError):
            list(RecoveringReader.open(io.BytesIO(data)))

    start = time.process_time()
    action()
    assert time.process_time() - start < 2
    assert cost(action)[0] < 16
