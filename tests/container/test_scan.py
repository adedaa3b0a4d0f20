"""Finding intact chunks in damaged bytes, in linear time."""

from __future__ import annotations

import io
import random
import time
import zlib

import pytest

from tests.support.container import make_group, make_head, make_key_frame, make_stream, same_item
from tests.support.recover import flipped, labels, recovered, split
from vqcodec.container import Writer
from vqcodec.container.chunks import Chunk
from vqcodec.container.ranges import RangeCrc
from vqcodec.container.scan import ChunkScanner, Gap, Signature
from vqcodec.format import SIGNATURE

WHOLE = make_stream(8, 3, cut=4, layers=1)
PARTS = split(WHOLE)
PLACE_IN_MOTION = WHOLE.index(PARTS[2]) + 8


def test_crc_of_every_range() -> None:
    rng = random.Random(1)
    data, window = rng.randbytes(70_000), RangeCrc()
    for at in range(0, len(data), 700):
        window.extend(data[at : at + 700])
    window.release(9_000)
    assert window.start <= 9_000 and window.end == len(data)
    for _ in range(500):
        first, stop = sorted(rng.sample(range(9_000, len(data) + 1), 2))
        assert window.crc32(first, stop) == zlib.crc32(data[first:stop])
    assert window.crc32(9_500, 9_500) == 0


def test_pieces_cover_every_byte() -> None:
    damaged = flipped(WHOLE, 400) + b"noise" + WHOLE[:1000]
    at = 0
    for piece in ChunkScanner(io.BytesIO(damaged)):
        assert piece.offset == at
        size = len(SIGNATURE) if isinstance(piece, Signature) else piece.size_bytes
        if isinstance(piece, Chunk):
            assert damaged[at : at + size] in PARTS or piece.type == b"HEAD"
        at += size
    assert at == len(damaged)


def test_a_gap_tells_what_was_lost() -> None:
    gaps = [
        piece
        for piece in ChunkScanner(io.BytesIO(flipped(WHOLE, PLACE_IN_MOTION)))
        if isinstance(piece, Gap)
    ]
    assert gaps == [Gap(WHOLE.index(PARTS[2]), len(PARTS[2]), {b"MOTN": 1})]


@pytest.mark.parametrize(
    "trap", [b"INDX\xff\xff\xff\x07", b"KEYF\x80\x80\x40", b"MOTN\x80\x80\x10", b"AUDO\x70"]
)
def test_searching_takes_linear_time(trap: bytes) -> None:
    """Chunk types with long lengths everywhere: each is checked in constant time, not by reading all it claims."""

    def seconds(size: int) -> float:
        start_s = time.process_time()
        pieces = list(ChunkScanner(io.BytesIO(trap * (size // len(trap)))))
        assert [type(piece) for piece in pieces] == [Gap]
        return time.process_time() - start_s

    seconds(5_000)
    short_s, long_s = seconds(100_000), seconds(400_000)
    assert long_s < 10 * short_s and long_s < 15


def test_long_chunks_between_traps_are_found() -> None:
    """Real chunks of a megabyte, each after a thousand false ones, are found with their bytes right."""
    still = make_key_frame(0, 1_000_000)
    sink = io.BytesIO()
    with Writer(sink, make_head(audio=None)) as writer:
        writer.key_frame(still)
        writer.motion(make_group(0, 2))
    parts = split(sink.getvalue())
    trap = b"KEYF\x80\x80\x40" * 1000
    items, damage = recovered(parts[0] + trap + parts[1] + trap + b"".join(parts[2:]))
    assert (
        labels(items) == "K0 M0"
        and same_item(items[0], still)
        and damage.skipped_bytes == 2 * len(trap)
    )
