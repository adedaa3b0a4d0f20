"""Variable-length unsigned integers and zigzag (vqt.md, "Numbers")."""

from __future__ import annotations

from vqcodec.container.faults import Fault
from vqcodec.format import MAX_VARINT_BYTES


def encode_varint(value: int) -> bytes:
    """Write an unsigned integer as LEB128: seven bits a byte, low bits first, the high bit says "more".

    Args:
        value: 0 .. 2**56 - 1.

    Raises:
        Fault: bad-varint, when the value is outside that range.
    """
    if not 0 <= value < 1 << 7 * MAX_VARINT_BYTES:
        raise Fault("bad-varint", f"{value} doesn't fit a varint of {MAX_VARINT_BYTES} bytes")
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def decode_varint(data: bytes, start: int) -> tuple[int, int]:
    """Read a varint from `data` at `start`.

    Returns:
        The value and the position after it.

    Raises:
        Fault: bad-layout when the data ends inside it, bad-varint when it is longer than 8 bytes or not the
            shortest form.
    """
    value = 0
    for count in range(MAX_VARINT_BYTES):
        if start + count >= len(data):
            raise Fault("bad-layout", "the payload ends inside a varint")
        byte = data[start + count]
        value |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            if byte == 0 and count:
                raise Fault("bad-varint", "a varint is not in its shortest form")
            return value, start + count + 1
    raise Fault("bad-varint", f"a varint is longer than {MAX_VARINT_BYTES} bytes")


def zigzag(value: int) -> int:
    """Map 0, -1, 1, -2, 2 ... to 0, 1, 2, 3, 4 ..."""
    return value << 1 if value >= 0 else (-value << 1) - 1


def unzigzag(value: int) -> int:
    """Undo `zigzag`."""
    return value >> 1 if value & 1 == 0 else -(value + 1 >> 1)
