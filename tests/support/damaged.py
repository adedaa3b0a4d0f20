"""A stream without real sound or picture to damage, chunk by chunk."""

from __future__ import annotations

import io

from tests.support.container import make_stream
from tests.support.recover import split
from tests.support.spec import VECTORS, load
from vqcodec.container import Reader

RAW = load(VECTORS / "raw_streams.py")
WHOLE = make_stream(8, 3, cut=4, layers=1)
PARTS = split(WHOLE)
ITEMS = list(Reader(io.BytesIO(WHOLE)))
CODED = dict(zip(PARTS[1:-2], ITEMS, strict=True))


def with_chunk(number: int, kind: bytes, payload: bytes) -> bytes:
    """WHOLE with a chunk put in front of another, its CRC right."""
    pairs = RAW.split(WHOLE)
    return bytes(RAW.join([*pairs[:number], (kind, payload), *pairs[number:]]))
