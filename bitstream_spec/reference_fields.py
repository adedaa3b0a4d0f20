"""Fields for the reference decoder: vqt.md, section 1. Standard library only."""

import math
import struct

from reference_entropy import need


class Fields:
    """Reads fields from front to back (vqt.md, section 1)."""

    def __init__(self, data, *too_short):
        self.data, self.at, self.too_short = data, 0, too_short or ["bad-layout"]

    def bytes(self, size):
        need(self.at + size <= len(self.data), *self.too_short)
        self.at += size
        return self.data[self.at - size : self.at]

    def rest(self):
        return self.bytes(len(self.data) - self.at)

    def number(self, kind, low=0, high=2**64 - 1):
        value = struct.unpack(">" + kind, self.bytes(struct.calcsize(kind)))[0]
        need(low <= value <= high)
        return value

    def varint(self, low=0, high=2**56 - 1):
        data = self.bytes(1)
        while data[-1] > 127 and len(data) < 8:
            data += self.bytes(1)
        need(0 < data[-1] < 128 or data == b"\0", "bad-varint")
        value = sum((byte & 127) << 7 * i for i, byte in enumerate(data))
        need(low <= value <= high)
        return value

    def bits(self, length, width):
        whole, spare = (
            int.from_bytes(self.bytes((length * width + 7) // 8), "big"),
            -length * width % 8,
        )
        need(whole % 2**spare == 0)
        return [(whole >> spare + width * (length - 1 - i)) % 2**width for i in range(length)]

    def packed(self, length, high, max_width, low=1):
        base, width = (self.varint(low, high), self.number("B", 0, max_width)) if length else (0, 0)
        elements = [base + value for value in self.bits(length, width)]
        need(max(elements, default=0) <= high)
        return elements

    def rational(self, maximum):
        above, below = self.number("I", 1), self.number("I", 1)
        need(math.gcd(above, below) == 1 and above <= maximum * below)
        return f"{above}/{below}"

    def model(self):
        data = self.bytes(self.number("B", 1, 64))
        name = data.decode("utf-8", "replace")
        need(
            name.encode() == data and not any(c < " " or "\x7f" <= c <= "\x9f" for c in name),
            "bad-text",
        )
        return {"name": name, "sha256": self.bytes(32).hex()}
