"""CRC-32 of any range of a stream in constant time, from the CRCs of its prefixes.

With P(i) the CRC of the first i bytes, the CRC of bytes a..b is P(b) xor shift(P(a), b - a), where the shift is a
multiplication by x^(8 (b - a)) modulo the CRC's polynomial over GF(2) (zlib's crc32_combine). So a search that finds ever
new chunk types with long lengths costs the same for each, whatever the lengths say.
"""

from __future__ import annotations

import zlib
from functools import cache

_POLYNOMIAL = 0xEDB88320
_ONE = 0x80000000
_X8 = 0x00800000
_STRIDE = 1024


def _multiply(a: int, b: int) -> int:
    """Product modulo the polynomial; bit 31 is the coefficient of x^0."""
    product, bit = 0, _ONE
    while a:
        if a & bit:
            product ^= b
            a ^= bit
        bit >>= 1
        b = _times_x(b)
    return product


def _times_x(a: int) -> int:
    return a >> 1 ^ _POLYNOMIAL if a & 1 else a >> 1


@cache
def _power(size: int) -> int:
    """x^(8 size)."""
    if size < 2:
        return _X8 if size else _ONE
    half = _power(size >> 1)
    square = _multiply(half, half)
    return _multiply(square, _X8) if size & 1 else square


@cache
def _table(size: int) -> tuple[list[int], list[int], list[int], list[int]]:
    """Products of x^(8 size) with every value of each of a CRC's four bytes, low byte first."""
    images = [_power(size)]  # of bits 31, 30, ...
    for _ in range(31):
        images.append(_times_x(images[-1]))
    images.reverse()
    tables: list[list[int]] = []
    for byte in range(4):
        table = [0]
        for image in images[8 * byte : 8 * byte + 8]:
            table += [value ^ image for value in table]
        tables.append(table)
    return tables[0], tables[1], tables[2], tables[3]


def shifted(crc32: int, size: int) -> int:
    """What a CRC contributes `size` bytes later; a table for each hexadecimal digit of the size."""
    place = 1
    while size:
        if size & 15:
            low, second, third, high = _table((size & 15) * place)
            crc32 = (
                low[crc32 & 0xFF]
                ^ second[crc32 >> 8 & 0xFF]
                ^ third[crc32 >> 16 & 0xFF]
                ^ high[crc32 >> 24]
            )
        size >>= 4
        place <<= 4
    return crc32


class RangeCrc:
    """A sliding window over a stream, with the CRC-32 of every range in it.

    Attributes:
        data: the bytes of the window.
        start: stream position of its first byte; a multiple of an internal stride.
    """

    def __init__(self) -> None:
        self.data = bytearray()
        self.start = 0
        self._prefix = [0]  # P at start, start + stride, ...

    @property
    def end(self) -> int:
        """Stream position after the last byte of the window."""
        return self.start + len(self.data)

    def extend(self, piece: bytes) -> None:
        """Take the next bytes of the stream."""
        self.data += piece
        with memoryview(self.data) as view:
            while (len(self._prefix)) * _STRIDE <= len(view):
                at = (len(self._prefix) - 1) * _STRIDE
                self._prefix.append(zlib.crc32(view[at : at + _STRIDE], self._prefix[-1]))

    def release(self, position: int) -> None:
        """Forget what comes before a stream position, about."""
        strides = min(position - self.start, len(self.data)) // _STRIDE
        if strides > 0:
            del self.data[: strides * _STRIDE]
            del self._prefix[:strides]
            self.start += strides * _STRIDE

    def crc32(self, first: int, stop: int) -> int:
        """CRC-32 of the bytes first..stop of the stream, which must lie in the window."""
        return self._to(stop) ^ shifted(self._to(first), stop - first)

    def _to(self, position: int) -> int:
        offset = position - self.start
        index = offset // _STRIDE
        with memoryview(self.data) as view:
            return zlib.crc32(view[index * _STRIDE : offset], self._prefix[index])
