"""Field kinds that `construct` lacks: varints, ranges, packed lists, bitmaps, names (vqt.md, "Numbers").

Each checks on reading and on writing alike, and raises `Fault` with the specification's error code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

import construct

from vqcodec.container.faults import Fault
from vqcodec.container.varint import decode_varint, encode_varint
from vqcodec.format import MAX_VARINT_BYTES

Count = Callable[[Any], int]
"""Number of elements, from the fields read so far."""


class Varint(construct.Construct):  # type: ignore[misc]  # construct has no annotations
    """Unsigned LEB128 in its shortest form."""

    def _parse(self, stream: BinaryIO, context: Any, path: str) -> int:
        data = b""
        while len(data) < MAX_VARINT_BYTES:
            byte = stream.read(1)
            data += byte
            if not byte or byte[0] < 0x80:
                break
        return decode_varint(data, 0)[0]

    def _build(self, obj: int, stream: BinaryIO, context: Any, path: str) -> int:
        stream.write(encode_varint(obj))
        return obj


class Ranged(construct.Adapter):  # type: ignore[misc]
    """An integer that must lie in low..high."""

    def __init__(self, subcon: Any, low: int, high: int) -> None:
        super().__init__(subcon)
        self.low = low
        self.high = high

    def _check(self, value: int, path: str) -> int:
        if not self.low <= value <= self.high:
            raise Fault(
                "bad-value", f"{field_name(path)} is {value}, outside {self.low}..{self.high}"
            )
        return value

    def _decode(self, obj: int, context: Any, path: str) -> int:
        return self._check(obj, path)

    def _encode(self, obj: int, context: Any, path: str) -> int:
        return self._check(obj, path)


class Name(construct.Adapter):  # type: ignore[misc]
    """UTF-8 text without control characters, on top of a field of bytes."""

    def _decode(self, obj: bytes, context: Any, path: str) -> str:
        try:
            return _printable(obj.decode("utf-8"), path)
        except UnicodeDecodeError as error:
            raise Fault("bad-text", f"{field_name(path)} is not UTF-8") from error

    def _encode(self, obj: str, context: Any, path: str) -> bytes:
        try:
            return _printable(obj, path).encode("utf-8")
        except UnicodeEncodeError as error:
            raise Fault("bad-text", f"{field_name(path)} can't be written as UTF-8") from error


class Counted(construct.Construct):  # type: ignore[misc]
    """A one-byte length in low..high, then that many bytes."""

    def __init__(self, low: int, high: int) -> None:
        super().__init__()
        self.length = Ranged(construct.Byte, low, high)

    def _parse(self, stream: BinaryIO, context: Any, path: str) -> bytes:
        return _read(stream, self.length._parsereport(stream, context, path), path)

    def _build(self, obj: bytes, stream: BinaryIO, context: Any, path: str) -> bytes:
        self.length._build(len(obj), stream, context, path)
        stream.write(obj)
        return obj


class Packed(construct.Construct):  # type: ignore[misc]
    """A list of integers as base, width, and the differences to the base in `width` bits each.

    Width 0, all elements equal, costs no bits: a constant frame rate or constant packet size takes a few bytes.
    """

    def __init__(self, count: Count, low: int, high: int, max_width_bits: int) -> None:
        super().__init__()
        self.count = count
        self.base = Ranged(Varint(), low, high)
        self.width = Ranged(construct.Byte, 0, max_width_bits)

    def _parse(self, stream: BinaryIO, context: Any, path: str) -> list[int]:
        count = self.count(context)
        if count == 0:
            return []
        base = self.base._parsereport(stream, context, path + " base")
        width = self.width._parsereport(stream, context, path + " width")
        offsets = unpack_bits(_read(stream, (count * width + 7) // 8, path), count, width)
        self.base._check(base + max(offsets), path)
        return [base + offset for offset in offsets]

    def _build(
        self, obj: Sequence[int], stream: BinaryIO, context: Any, path: str
    ) -> Sequence[int]:
        if len(obj) != self.count(context):
            raise Fault(
                "bad-value",
                f"{field_name(path)} has {len(obj)} elements, not {self.count(context)}",
            )
        if obj:
            base = min(obj)
            self.base._check(max(obj), path)
            width = (max(obj) - base).bit_length()
            self.base._build(base, stream, context, path + " base")
            self.width._build(width, stream, context, path + " width")
            stream.write(pack_bits([value - base for value in obj], width))
        return obj


class Bitmap(construct.Construct):  # type: ignore[misc]
    """One bit per element, first element in the highest bit of the first byte, zero bits to the next byte."""

    def __init__(self, count: Count) -> None:
        super().__init__()
        self.count = count

    def _parse(self, stream: BinaryIO, context: Any, path: str) -> list[int]:
        count = self.count(context)
        return unpack_bits(_read(stream, (count + 7) // 8, path), count, 1)

    def _build(
        self, obj: Sequence[int], stream: BinaryIO, context: Any, path: str
    ) -> Sequence[int]:
        stream.write(pack_bits([int(bit) for bit in obj], 1))
        return obj


def pack_bits(values: Sequence[int], width: int) -> bytes:
    """Write each value in `width` bits, high bits first, then zero bits up to a whole byte."""
    bits = 0
    for value in values:
        bits = bits << width | value
    size = (len(values) * width + 7) // 8
    return (bits << size * 8 - len(values) * width).to_bytes(size, "big")


def unpack_bits(data: bytes, count: int, width: int) -> list[int]:
    """Undo `pack_bits`.

    Raises:
        Fault: bad-value when a padding bit is not zero.
    """
    padding = len(data) * 8 - count * width
    bits = int.from_bytes(data, "big")
    if bits & (1 << padding) - 1:
        raise Fault("bad-value", "a padding bit is not zero")
    mask = (1 << width) - 1
    return [bits >> padding + width * (count - 1 - i) & mask for i in range(count)]


def field_name(path: str) -> str:
    """The readable part of a construct path: "(parsing) -> audio -> channels" gives "audio.channels"."""
    return ".".join(path.split(" -> ")[1:]) or "the value"


def _read(stream: BinaryIO, size: int, path: str) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise Fault("bad-layout", f"the payload ends inside {field_name(path)}")
    return data


def _printable(text: str, path: str) -> str:
    if any(character < " " or "\x7f" <= character <= "\x9f" for character in text):
        raise Fault("bad-text", f"{field_name(path)} holds a control character")
    return text
