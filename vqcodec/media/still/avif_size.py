"""How large a picture an AVIF file makes its decoder allocate, read before anything is decoded.

The size that the file declares (`ispe`) isn't it: a decoder scales what the AV1 data holds to that size, so that a
kilobyte that says 512x512 can hold 65536x65536. This looks at the sequence headers of all AV1 items (AV1 specification,
section 5.5.1; ISO/IEC 14496-12 for the boxes).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from vqcodec.av1 import SEQUENCE_HEADER, Av1Error, Bits, obus

_MAX_BOXES = 4096
_MAX_HEADER_BYTES = 160


class AvifError(ValueError):
    """The file isn't an AVIF still of the kind that is read here."""


def largest_side(data: bytes) -> int:
    """The longest side in pixels that a frame in the file can have.

    It counts what the width of the size fields allows, too: frames may override the sequence's size.

    Raises:
        AvifError: a broken file, an image sequence, or no AV1 item.
    """
    boxes = dict(_boxes(data, 0, len(data)))
    if b"moov" in boxes:
        raise AvifError("an image sequence")
    if b"meta" not in boxes:
        raise AvifError("no meta box")
    start, end = boxes[b"meta"]
    meta = dict(_boxes(data, start + 4, end))
    if not {b"iinf", b"iloc"} <= set(meta):
        raise AvifError("no item list")
    idat = meta.get(b"idat", (0, 0))
    items = {number for number, kind in _item_types(data, *meta[b"iinf"]) if kind == b"av01"}
    sides = [
        side
        for number, payload in _item_data(data, *meta[b"iloc"], idat)
        if number in items
        for side in _sides(payload)
    ]
    if not sides:
        raise AvifError("no AV1 picture")
    return max(sides)


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """Type and extent of the content of each box; of two item lists a decoder might take the other, so they are refused."""
    seen: set[bytes] = set()
    for _ in range(_MAX_BOXES):
        if start == end:
            return
        size, kind = _unpack(">I4s", data, start)
        body = start + 8
        if size == 1:
            size, body = _unpack(">Q", data, body)[0], body + 8
        after = end if size == 0 else start + size
        if not body <= after <= end:
            raise AvifError("a box reaches outside its parent")
        if kind in seen and kind in (b"meta", b"iinf", b"iloc", b"idat"):
            raise AvifError(f"two boxes {kind!r}")
        seen.add(kind)
        yield kind, (body, after)
        start = after
    raise AvifError("too many boxes")


def _item_types(data: bytes, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Number and type of each item of iinf."""
    version = _unpack(">B", data, start)[0]
    for kind, (body, _) in _boxes(data, start + (6 if version == 0 else 8), end):
        if kind == b"infe":
            form = _unpack(">B", data, body)[0]
            if form < 2:
                raise AvifError("an item without a type")
            number, _, item = _unpack(">HH4s" if form == 2 else ">IH4s", data, body + 4)
            yield number, item


def _item_data(
    data: bytes, start: int, end: int, idat: tuple[int, int]
) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of each item of iloc."""
    version, _, sizes = _unpack(">B3sH", data, start)
    offset_size, length_size, base_size, index_size = (
        sizes >> shift & 15 for shift in (12, 8, 4, 0)
    )
    at = start + 6

    def number(size: int) -> int:
        nonlocal at
        if at + size > end:
            raise AvifError("iloc is cut off")
        at += size
        return int.from_bytes(data[at - size : at], "big")

    total = extents = 0
    for _ in range(number(2 if version < 2 else 4)):
        item = number(2 if version < 2 else 4)
        method = number(2) & 15 if version else 0
        number(2)
        base = number(base_size)
        pieces = []
        for _ in range(number(2)):
            number(index_size if version else 0)
            offset, length = number(offset_size), number(length_size)
            first, last = (
                (idat[0] + base + offset, idat[1]) if method == 1 else (base + offset, len(data))
            )
            if method > 1 or first + length > last:
                raise AvifError("an item lies outside the file")
            pieces.append(data[first : first + length] if length else data[first:last])
            total, extents = total + len(pieces[-1]), extents + 1
            if (
                total > len(data) or extents > _MAX_BOXES
            ):  # else a small file could make this take long
                raise AvifError("the items are longer than the file")
        yield item, b"".join(pieces)


def _sides(payload: bytes) -> Iterator[int]:
    """Largest side of each AV1 sequence header in an item."""
    try:
        for unit in obus(payload):
            if unit.type == SEQUENCE_HEADER:
                yield from _sequence_sides(Bits(unit.payload[:_MAX_HEADER_BYTES]))
    except Av1Error as error:
        raise AvifError(str(error)) from error


def _sequence_sides(bits: Bits) -> Iterator[int]:
    """Width and height, and half of what their fields can hold."""
    bits.take(4)  # profile, still picture
    if bits.take(1):  # reduced header
        bits.take(5)
    else:
        if bits.take(1):
            raise AvifError("a still picture with timing")
        delays = bits.take(1)
        for _ in range(bits.take(5) + 1):
            bits.take(12)
            if bits.take(5) > 7:
                bits.take(1)
            if delays and bits.take(1):
                bits.take(4)
    widths = bits.take(4) + 1, bits.take(4) + 1
    for width in widths:
        yield max(bits.take(width) + 1, 1 << width - 1)


def _unpack(form: str, data: bytes, at: int) -> tuple[Any, ...]:
    try:
        return struct.unpack_from(form, data, at)
    except struct.error as error:
        raise AvifError("a box is cut off") from error
