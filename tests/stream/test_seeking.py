"""A span of a long stream is shown without reading the rest."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction
from typing import BinaryIO

import pytest

from tests.support.container import make_audio, make_group, make_head, make_key_frame
from tests.support.pipeline import decoder_parts
from tests.support.recover import playable, split, still
from vqcodec.config import DecodeOptions
from vqcodec.container import CodedGroup, Reader, Writer
from vqcodec.decoding.pipeline import decode, decode_frames
from vqcodec.entropy import encode_layers

WHOLE = playable(6)


class Ranges(io.BytesIO):
    """Notes which bytes are read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.taken: set[int] = set()

    def read(self, size: int | None = -1, /) -> bytes:
        at = self.tell()
        data = super().read(size)
        self.taken.update(range(at, at + len(data)))
        return data


def ten_minutes(portrait: bytes) -> bytes:
    """300 groups of 2 s with their sound, two portraits."""
    sink = io.BytesIO()
    audio, group = make_audio(0, 34, 90), make_group(0, 50)
    payloads = tuple(encode_layers(group.indices))
    with Writer(sink, make_head(motion_space=decoder_parts().space.id)) as writer:
        for number in range(300):
            if number in (0, 100):
                writer.key_frame(replace(make_key_frame(50 * number), still=portrait))
            writer.coded_motion(
                CodedGroup(50 * number, group.ticks + 50 * number, group.low_confidence, payloads)
            )
            writer.audio(replace(audio, first_sample=96_000 * number))
    return sink.getvalue()


def chunk_ranges(data: bytes) -> dict[tuple[bytes, int], tuple[int, int]]:
    """From..to of every chunk, by type and number among its type."""
    found: dict[tuple[bytes, int], tuple[int, int]] = {}
    at = 0
    for part in split(data):
        kind = b"HEAD" if at == 0 else part[:4]
        found[kind, sum(known == kind for known, _ in found)] = (at, at + len(part))
        at += len(part)
    return found


@pytest.fixture(scope="module")
def long() -> bytes:
    return ten_minutes(still(90))


def test_a_start_reads_the_index_and_the_groups_it_needs(long: bytes) -> None:
    """HEAD, INDX, IEND, the portrait that applies, and the chunks of the span asked for: no other byte."""
    source, where = Ranges(long), chunk_ranges(long)
    reader = Reader(source)
    items = reader.groups_from(300)
    for _ in range(
        5
    ):  # the portrait; the sound before (pre-roll), group and sound of 300 s, the next group
        next(items)
    wanted = [
        where[b"HEAD", 0],
        where[b"KEYF", 1],
        where[b"AUDO", 149],
        where[b"MOTN", 150],
        where[b"AUDO", 150],
        where[b"MOTN", 151],
        where[b"INDX", 0],
        where[b"IEND", 0],
    ]
    assert source.taken == {at for first, stop in wanted for at in range(first, stop)}


def test_decoding_a_span_reads_little(long: bytes) -> None:
    """decode --start 300 --end 302: what two seconds need, and at most one group and its sound more, for a fade."""
    source, where = Ranges(long), chunk_ranges(long)
    options = DecodeOptions(start_s=Fraction(300), end_s=Fraction(302), size_px=256)
    target = io.BytesIO()
    assert decode(source, target, options, parts=decoder_parts()).frames == 50
    allowed = [where[b"HEAD", 0], where[b"KEYF", 1], where[b"INDX", 0], where[b"IEND", 0]]
    for number in (149, 150, 151):
        allowed += [where[b"MOTN", number], where[b"AUDO", number]]
    assert source.taken <= {at for first, stop in allowed for at in range(first, stop)}
    assert len(source.taken) < len(long) / 50


def test_a_stream_object_is_read_where_it_stands() -> None:
    source: BinaryIO = io.BytesIO(b"before" + WHOLE)
    source.seek(6)
    options = DecodeOptions(start_s=Fraction(1), size_px=256)
    assert len(list(decode_frames(source, options, parts=decoder_parts()))) == 35
