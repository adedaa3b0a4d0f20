"""The structure of AV1 units: what the format takes, what it refuses, and that a real encoder's units are of that kind."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.container import make_group, same_item
from tests.support.units import (
    BitWriter,
    in_shot,
    make_head_2,
    make_portrait,
    make_unit,
    obu,
    sequence_header,
    write_2,
)
from vqcodec.av1 import Av1Error, Bits, leb128, obus, read_sequence_header
from vqcodec.container import Reader
from vqcodec.container.faults import Fault
from vqcodec.container.portraits import check_unit
from vqcodec.media.still.portrait_coder import PortraitCoder
from vqcodec.media.still.portrait_stream import PathDecoder
from vqcodec.types import PortraitRun, PortraitUnit

KEY, INTER = b"\x10rest", b"\x30rest"
HEADER = sequence_header()


def first(header: bytes = HEADER, frame: bytes = KEY) -> bytes:
    return obu(1, header) + obu(6, frame)


ALLOWED: dict[str, tuple[bytes, bool]] = {
    "a key picture": (first(), True),
    "an inter picture": (obu(6, INTER), False),
    "a size in more bytes than needed": (obu(6, INTER, size=b"\x85\x80\x00"), False),
    "a size of eight bytes": (obu(6, INTER, size=b"\x85" + b"\x80" * 6 + b"\x00"), False),
    "a level without tiers": (first(sequence_header(level=5)), True),
    "no order hints": (first(sequence_header(ordered=0)), True),
    "colours described": (first(sequence_header(colour=(1, 1, 1))), True),
    "zero bytes behind the ending": (first(HEADER + b"\0\0"), True),
}

REFUSED: dict[str, tuple[bytes, bool]] = {
    "nothing": (b"", False),
    "a forbidden bit": (obu(6, INTER, header=0x82), False),
    "a reserved bit": (obu(6, INTER, header=3), False),
    "an extension": (b"\x36\x00\x05" + INTER, False),
    "no size": (b"\x30" + INTER, False),
    "no size after the sequence header": (obu(1, HEADER) + b"\x30" + KEY, True),
    "a size beyond the end": (obu(6, INTER, size=b"\x06"), False),
    "a size before the end": (obu(6, INTER, size=b"\x04"), False),
    "a size cut off": (b"\x32\x80", False),
    "a size of nine bytes": (obu(6, INTER, size=b"\x85" + b"\x80" * 7 + b"\x00"), False),
    "only a header byte": (b"\x32", False),
    "an empty frame": (obu(6, b""), False),
    "a temporal delimiter": (b"\x12\x00" + obu(6, INTER), False),
    "padding": (obu(6, INTER) + obu(15, b""), False),
    "metadata": (obu(5, b"\x01") + obu(6, INTER), False),
    "a frame header and a tile group": (obu(3, INTER) + obu(4, b"tiles"), False),
    "two pictures": (obu(6, INTER) + obu(6, INTER), False),
    "a sequence header with number 1": (obu(1, HEADER) + obu(6, INTER), False),
    "number 0 without a sequence header": (obu(6, KEY), True),
    "number 0 with two": (obu(1, HEADER) + first(), True),
    "the frame first": (obu(6, KEY) + obu(1, HEADER), True),
    "a picture shown again": (obu(6, b"\xb0"), False),
    "a picture that is not shown": (obu(6, b"\x20"), False),
    "an intra-only picture": (obu(6, b"\x50"), False),
    "a switch picture": (obu(6, b"\x70"), False),
    "a key picture with number 1": (obu(6, KEY), False),
    "an inter picture with number 0": (first(frame=INTER), True),
    "a key picture that is not shown": (first(frame=b"\x00rest"), True),
    "profile 1": (first(sequence_header(profile=1)), True),
    "profile 2": (first(sequence_header(profile=2)), True),
    "a still picture": (first(sequence_header(still=1)), True),
    "a reduced header": (first(BitWriter().put(0, 3).put(1).put(1).put(0, 40).ended()), True),
    "timing": (first(sequence_header(timing=1)), True),
    "frame numbers": (first(sequence_header(numbered=1)), True),
    "ten bits": (first(sequence_header(deep=1)), True),
    "monochrome": (first(sequence_header(monochrome=1)), True),
    "RGB": (first(sequence_header(colour=(1, 13, 0))), True),
    "film grain": (first(sequence_header(grain=1)), True),
    "a larger picture": (first(sequence_header(513)), True),
    "a smaller picture": (first(sequence_header(511)), True),
    "another height": (first(sequence_header(height_px=256)), True),
    "a header cut off": (first(HEADER[:8]), True),
    "a header without its end": (first(HEADER[:-1]), True),
    "bits behind the ending": (first(HEADER + b"\x01"), True),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_allowed(name: str) -> None:
    unit, begins = ALLOWED[name]
    check_unit(unit, begins, (512, 512))


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    unit, begins = REFUSED[name]
    with pytest.raises(Fault) as caught:
        check_unit(unit, begins, (512, 512))
    assert caught.value.code == "bad-unit"


@given(st.integers(16, 4096), st.integers(0, 31), st.booleans(), st.integers(0, 1))
@settings(deadline=None, max_examples=40)
def test_sequence_headers_read_as_written(side: int, level: int, ordered: bool, grain: int) -> None:
    header = read_sequence_header(
        sequence_header(side, level=level, ordered=int(ordered), grain=grain)
    )
    assert (header.width_px, header.height_px, header.bits) == (side, side, 8)
    assert header.halved and not header.monochrome and header.grain == bool(grain)


@given(st.binary(max_size=60), st.booleans(), st.integers(0, 20))
@settings(deadline=None, max_examples=200)
def test_any_bytes_are_told_as_bad_unit(data: bytes, begins: bool, keep: int) -> None:
    for unit in (data, make_unit(0 if begins else 1)[:keep] + data):
        try:
            check_unit(unit, begins, (512, 512))
        except Fault as fault:
            assert fault.code == "bad-unit"


def test_parts_by_themselves() -> None:
    assert [unit.type for unit in obus(b"\x12\x00\x0a\x01\x05")] == [2, 1]
    assert leb128(b"\xe5\x8e\x26", 0) == (624485, 3)
    bits = Bits(b"\xa5")
    assert (bits.take(1), bits.take(3), bits.left, bits.rest()) == (1, 2, 4, 5)
    with pytest.raises(Av1Error):
        bits.take(1)


# --- units of an encoder ---


def picture(number: int, side_px: int) -> np.ndarray:
    """A disc that wanders over a slope."""
    y, x = np.mgrid[:side_px, :side_px]
    rgb = np.stack([x, (x + y) // 2, y], -1) * 255 // side_px
    rgb[np.hypot(x - side_px // 4 - 5 * number, y - side_px // 2) < side_px // 5] = 220
    return rgb.astype(np.uint8)


@pytest.fixture(scope="module")
def shot() -> list[PortraitUnit]:
    """Five portraits, the last two on a branch of their own."""
    coder = PortraitCoder(45, preset=10, size_px=128, branch_units=2)
    units = []
    for number in range(5):
        coded = coder.add(picture(number, 128))
        features = np.full(48, number, np.int16)
        units.append(PortraitUnit(0, 0, number, coded.depends_on, features, coded.unit))
    coder.close()
    return units


def test_an_encoders_units_pass_and_show_the_same_pictures(shot: list[PortraitUnit]) -> None:
    assert [unit.depends_on for unit in shot] == [None, 0, 1, 0, 3]
    head = make_head_2(audio=None, coded_size_px=128)
    runs = (PortraitRun(2, 4), PortraitRun(2, 2, 3, 7))
    items = [*shot, in_shot(make_group(0, 4), 0, *runs)]
    found = list(Reader(io.BytesIO(write_2(head, *items))))
    assert all(map(same_item, found, items)) and len(found) == len(items)
    sought = list(Reader(io.BytesIO(write_2(head, *items))).groups_from(Fraction(1, 25)))
    assert all(map(same_item, sought, items))
    units = {item.number: item.unit for item in sought if isinstance(item, PortraitUnit)}
    shown = PathDecoder(128).picture([units[n] for n in (0, 3, 4)])
    assert np.abs(shown.astype(int) - picture(4, 128)).mean() < 6


def test_an_encoders_units_are_refused_where_they_don_t_belong(shot: list[PortraitUnit]) -> None:
    with pytest.raises(Fault):
        check_unit(shot[0].unit, True, (512, 512))
    with pytest.raises(Fault):
        check_unit(b"\x12\x00" + shot[1].unit, False, (128, 128))
    with pytest.raises(Fault):
        check_unit(shot[1].unit + shot[2].unit, False, (128, 128))
    assert not same_item(make_portrait(), replace(make_portrait(), unit=shot[0].unit))
