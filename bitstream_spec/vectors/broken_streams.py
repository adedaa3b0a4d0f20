"""What vectors/invalid is made from: sound streams, and ways to change a field and make the CRCs right again."""

from __future__ import annotations

from collections.abc import Callable

from raw_streams import Pair, edit, split
from whole_streams import silent

from tests.support.container import make_group, make_stream
from vqcodec.container.payloads import CodedGroup, build_motion
from vqcodec.format import SIGNATURE

# chunks: 0 HEAD, 1 KEYF, 2 MOTN, 3 AUDO, 4 MOTN, 5 AUDO, 6 INDX, 7 IEND
BASE = make_stream(2, 4, layers=2)
CHUNKS = split(BASE)
# chunks: 0 HEAD, 1 KEYF, 2 MOTN, 3 INDX, 4 IEND
SMALL = silent(make_group(0, 3, 1, ticks=[0, 2, 5]), layers=1)

SECOND_MOTN = BASE.rindex(b"MOTN")


def flip(stream: bytes, at: int, bits: int = 1) -> bytes:
    """One byte damaged; no CRC made right."""
    return stream[:at] + bytes([stream[at] ^ bits]) + stream[at + 1 :]


def head(change: Callable[[bytes], bytes]) -> bytes:
    """HEAD changed."""
    return edit(BASE, b"HEAD", change)


def motn(change: Callable[[bytes], bytes], which: int = 0) -> bytes:
    """A MOTN of BASE changed."""
    return edit(BASE, b"MOTN", change, which)


def small(change: Callable[[bytes], bytes]) -> bytes:
    """The MOTN of SMALL changed: first frame, count, form, first tick, base, width, bits, payload."""
    return edit(SMALL, b"MOTN", change)


def audo(change: Callable[[bytes], bytes]) -> bytes:
    """The first AUDO changed: first sample, count, trim, base, width, packets."""
    return edit(BASE, b"AUDO", change)


def last(change: Callable[[bytes], bytes]) -> bytes:
    """IEND changed."""
    return edit(BASE, b"IEND", change)


def first_group(
    ticks: list[int], layers: int = 1, payload: bytes = b"", first_frame: int = 0
) -> bytes:
    """SMALL with another MOTN."""
    sample = make_group(0, len(ticks), 1, ticks=ticks)
    coded = CodedGroup(first_frame, sample.ticks, sample.low_confidence, (payload,) * layers)
    return edit(SMALL, b"MOTN", lambda _: build_motion(coded))


def over_the_end() -> bytes:
    """A group that ends one tick after the greatest tick: first tick 2^53 - 1, one step of 1."""
    tick = b"\xff\xff\xff\xff\xff\xff\xff\x0f"
    return edit(SMALL, b"MOTN", lambda _: b"\x00\x02\x00" + tick + b"\x01\x00")


def length(value: bytes, kind: bytes = b"HEAD") -> bytes:
    """A stream that begins with a chunk of this length field."""
    return SIGNATURE + kind + value + bytes(40)


def pair(number: int) -> Pair:
    """A chunk of BASE."""
    return CHUNKS[number]


END = len(BASE) - 29
