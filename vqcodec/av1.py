"""The structure of AV1 data: units (OBUs), the fields of a sequence header, what kind of picture a frame is.

Integers only; no picture is decoded. Names of fields, and their order, are those of the AV1 specification (sections 5.3,
5.5 and 5.9.2), which also says what they mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

SEQUENCE_HEADER = 1
FRAME = 6
KEY_PICTURE = 0
INTER_PICTURE = 1

_MAX_LEB128_BYTES = 8
_SRGB = (1, 13, 0)
"""Primaries, transfer and matrix that stand for RGB: such a picture has no chroma planes of a quarter size."""


class Av1Error(ValueError):
    """The bytes are not what the AV1 specification allows, or a form of it that isn't read here."""


class Bits:
    """Bits of some bytes, most significant first."""

    def __init__(self, data: bytes) -> None:
        self._value, self.left = int.from_bytes(data, "big"), 8 * len(data)

    def take(self, count: int) -> int:
        """The next `count` bits as a number.

        Raises:
            Av1Error: there aren't so many.
        """
        if count > self.left:
            raise Av1Error("an AV1 unit ends inside its header")
        self.left -= count
        return self._value >> self.left & (1 << count) - 1

    def rest(self) -> int:
        """All bits that are left, as a number."""
        return self.take(self.left)


@dataclass(frozen=True, slots=True)
class Obu:
    """One unit.

    Attributes:
        type: 0..15.
        extended: it has an extension byte.
        sized: it says its own size; else it reaches to the end.
        reserved: one of the bits that must be 0 isn't.
        payload: what follows its header.
    """

    type: int
    extended: bool
    sized: bool
    reserved: bool
    payload: bytes


@dataclass(frozen=True, slots=True)
class SequenceHeader:
    """What holds for all pictures of a sequence, as far as anybody here asks.

    Attributes:
        profile: 0 for 4:2:0 in 8 or 10 bits.
        still: the sequence is one picture.
        timing: it says how long pictures are shown.
        width_px, height_px: greatest size of a picture.
        numbered: frames carry identity numbers.
        bits: of a sample: 8, 10 or 12.
        monochrome: there is no colour.
        halved: the chroma planes have half the width and half the height.
        grain: film grain may be added to what was decoded.
    """

    profile: int
    still: bool
    timing: bool
    width_px: int
    height_px: int
    numbered: bool = False
    bits: int = 8
    monochrome: bool = False
    halved: bool = True
    grain: bool = False


def leb128(data: bytes, at: int) -> tuple[int, int]:
    """A number in seven bits a byte, least significant first.

    Returns:
        The number, and the position after it.

    Raises:
        Av1Error: it is cut off, or has more than 8 bytes.
    """
    value = 0
    for i in range(_MAX_LEB128_BYTES):
        if at + i >= len(data):
            break
        value |= (data[at + i] & 127) << 7 * i
        if data[at + i] < 128:
            return value, at + i + 1
    raise Av1Error("the size of an AV1 unit is broken")


def obus(data: bytes) -> Iterator[Obu]:
    """The units that lie one after the other in some bytes.

    Raises:
        Av1Error: one of them reaches over the end.
    """
    at = 0
    while at < len(data):
        header = data[at]
        extended, sized = bool(header & 4), bool(header & 2)
        at += 2 if extended else 1
        size = len(data) - at
        if sized:
            size, at = leb128(data, at)
        if size < 0 or at + size > len(data):
            raise Av1Error("an AV1 unit is cut off")
        yield Obu(header >> 3 & 15, extended, sized, bool(header & 0x81), data[at : at + size])
        at += size


def read_sequence_header(payload: bytes) -> SequenceHeader:
    """Read a sequence header that isn't of a reduced still picture, up to its trailing bits.

    Of one with timing nothing after that flag is read: its fields would only move what follows.

    Raises:
        Av1Error: it is cut off, of a reduced still picture, or doesn't end with a one and zeros.
    """
    bits = Bits(payload)
    profile, still, reduced = bits.take(3), bool(bits.take(1)), bits.take(1)
    if reduced:
        raise Av1Error("the sequence header is the short one of a still picture")
    if bits.take(1):
        return SequenceHeader(profile, still, True, 0, 0)
    _operating_points(bits)
    widths = bits.take(4) + 1, bits.take(4) + 1
    width_px, height_px = bits.take(widths[0]) + 1, bits.take(widths[1]) + 1
    if bits.take(1):
        return SequenceHeader(profile, still, False, width_px, height_px, numbered=True)
    _tools(bits)
    depth, monochrome, halved = _colour(bits, profile)
    grain = bool(bits.take(1))
    ending = bits.left
    if not ending or bits.rest() != 1 << ending - 1:
        raise Av1Error("the sequence header doesn't end with a one and zeros")
    return SequenceHeader(
        profile, still, False, width_px, height_px, False, depth, monochrome, halved, grain
    )


def is_shown_picture(payload: bytes, kind: int) -> bool:
    """Whether a frame unit begins as a new picture of this kind (KEY_PICTURE, INTER_PICTURE) that is shown.

    Raises:
        Av1Error: it is empty.
    """
    bits = Bits(payload[:1])
    existing, found, shown = bits.take(1), bits.take(2), bits.take(1)
    return not existing and found == kind and bool(shown)


def _operating_points(bits: Bits) -> None:
    delays = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:  # a level that has tiers
            bits.take(1)
        if delays and bits.take(1):
            bits.take(4)


def _tools(bits: Bits) -> None:
    """Superblocks to loop restoration: which tools the pictures may use."""
    bits.take(3 + 4)
    ordered = bits.take(1)
    if ordered:
        bits.take(2)
    screen_content = 1 if bits.take(1) else bits.take(1)  # chosen in each picture, or here
    if screen_content and not bits.take(1):
        bits.take(1)
    if ordered:
        bits.take(3)
    bits.take(3)


def _colour(bits: Bits, profile: int) -> tuple[int, bool, bool]:
    """Bits of a sample, whether there is no colour, and whether its planes have a quarter of the samples."""
    deep = bits.take(1)
    depth = 8 + 2 * deep
    if profile == 2 and deep:
        depth += 2 * bits.take(1)
    monochrome = profile != 1 and bool(bits.take(1))
    described = (bits.take(8), bits.take(8), bits.take(8)) if bits.take(1) else None
    if monochrome:
        bits.take(1)
        return depth, True, True
    if described == _SRGB:
        bits.take(1)
        return depth, False, False
    bits.take(1)
    halved = profile == 0
    if profile == 2 and depth == 12 and bits.take(1):
        halved = bool(bits.take(1))
    bits.take(2 if halved else 0)
    bits.take(1)
    return depth, False, halved
