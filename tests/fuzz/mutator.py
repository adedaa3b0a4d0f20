"""Changes .vqt streams so that most get past the CRCs: chunks are cut apart, changed, and put together again.

Lenient on purpose: it shares no parsing code with what it tests.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable

Pair = tuple[bytes, bytes]
"""Type and payload of a chunk."""
ChangeBytes = Callable[[bytes, int], bytes]
"""(data, greatest size) -> changed data."""

SIGNATURE = b"\xd6VQT\r\n\x1a\n"
ITEMS = {b"KEYF": 0, b"MOTN": 1, b"AUDO": 2, b"PORT": 3}
"""Kind in the index; a PORT that begins a shot is of kind 0."""
TYPES = [b"HEAD", *ITEMS, b"INDX", b"IEND", b"noTe", b"noTE", b"NEWC", b"zZzz"]
# edges of the format's limits, and of machine words
NUMBERS = [
    0,
    1,
    2,
    3,
    5,
    12,
    13,
    34,
    35,
    47,
    48,
    96,
    119,
    120,
    127,
    128,
    239,
    240,
    241,
    255,
    256,
    311,
    625,
    800,
    801,
    5760,
    5761,
    8191,
    8192,
    65535,
    65536,
    131070,
    262144,
    1048576,
    2**31,
    2**32 - 1,
    2**32,
    2**33,
    2**34,
    2**53 - 1,
    2**53,
    2**56 - 1,
    2**63,
]


def varint(value: int) -> bytes:
    """Seven bits a byte, low bits first."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """Value and the position after it; takes what there is."""
    value = shift = 0
    while at < len(data) and shift < 63:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            break
    return value, at


def split(data: bytes) -> list[Pair]:
    """Chunks as far as they can be told; what is left is the last one's payload."""
    pairs: list[Pair] = []
    at = len(SIGNATURE)
    while at + 5 <= len(data):
        length, start = read_varint(data, at + 4)
        pairs.append((data[at : at + 4], data[start : start + length]))
        at = start + length + 4
    return pairs


def frame(kind: bytes, payload: bytes) -> bytes:
    """A chunk with a right CRC."""
    body = kind + varint(len(payload)) + payload
    return body + zlib.crc32(body).to_bytes(4, "big")


def join(pairs: list[Pair]) -> bytes:
    """A stream of these chunks."""
    return SIGNATURE + b"".join(frame(*pair) for pair in pairs)


def renumbered(pairs: list[Pair]) -> list[Pair]:
    """First frames that follow each other, and ticks and samples that go on where the chunk before stopped."""
    frames = tick = sample = 0
    out = []
    for kind, payload in pairs:
        _, at = read_varint(payload, 0)
        if kind in (b"KEYF", b"PORT"):
            payload = varint(frames) + payload[at:]
        elif kind == b"MOTN" and at + 2 <= len(payload):
            count = payload[at]
            first, after = read_varint(payload, at + 2)
            tick = max(tick, first)
            payload = varint(frames) + payload[at : at + 2] + varint(tick) + payload[after:]
            frames, tick = frames + count, tick + 3 * count + 1
        elif kind == b"AUDO":
            first, _ = read_varint(payload, 0)
            sample = max(sample, first)
            packets, _ = read_varint(payload, at)
            payload = varint(sample) + payload[at:]
            sample += 120 * packets
        out.append((kind, payload))
    return out


def begins_shot(payload: bytes) -> bool:
    """Whether a PORT has number 0, its third field."""
    at = 0
    for _ in range(2):
        at = read_varint(payload, at)[1]
    return payload[at : at + 1] == b"\0"


def finished(pairs: list[Pair]) -> bytes:
    """These chunks with the INDX and IEND that they ask for; those that they hold are dropped."""
    body = [pair for pair in pairs if pair[0] not in (b"INDX", b"IEND")]
    index, offset, before = bytearray(), len(SIGNATURE), 0
    last = dict.fromkeys(ITEMS.values(), (0, 0))
    frames = end = 0
    for kind, payload in body:
        if kind in ITEMS:
            position, at = read_varint(payload, 0)
            if kind == b"MOTN" and at + 2 <= len(payload):
                frames += payload[at]
                position, _ = read_varint(payload, at + 2)
                end = (
                    position + 40_000
                )  # 1600 s at 25 frames a second: later than most groups end, not absurdly late
            number = 0 if kind == b"PORT" and begins_shot(payload) else ITEMS[kind]
            value, step = last[number]
            surprise = position - value - step
            index += varint(4 * (offset - before) + number)
            index += varint(2 * surprise if surprise >= 0 else -2 * surprise - 1)
            before, last[number] = offset, (position, position - value)
        offset += len(frame(kind, payload))
    indx = (b"INDX", bytes(index))
    chain = 0
    for pair in [*body, indx]:
        chain = zlib.crc32(frame(*pair)[-4:], chain)
    totals = (frames % 2**32).to_bytes(4, "big") + min(end, 2**53 - 1).to_bytes(8, "big")
    totals += len(frame(*indx)).to_bytes(4, "big") + chain.to_bytes(4, "big")
    return join([*body, indx, (b"IEND", totals)])


def change_bytes(rng: random.Random) -> ChangeBytes:
    """The plain changes of a fuzzer, for where libFuzzer's own are not there."""

    def change(data: bytes, most: int) -> bytes:
        at = rng.randrange(len(data) + 1)
        size = min(rng.choice([1, 1, 1, 2, 4, 9]), len(data) - at)
        number = varint(rng.choice(NUMBERS))
        filler = rng.choice(
            [bytes(1), b"\xff", rng.randbytes(1), rng.randbytes(3), number, data[at : at + 8]]
        )
        choice = rng.randrange(4)
        if choice == 0 and size:
            return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
        if choice == 1:
            return data[:at] + data[at + size :]
        return (data[:at] + filler + data[at + (size if choice == 2 else 0) :])[:most]

    return change


def change_payload(
    kind: bytes, payload: bytes, rng: random.Random, change: ChangeBytes, most: int
) -> bytes:
    """One payload changed: anywhere, or a field at its beginning, where most fields are."""
    choice = rng.randrange(5)
    if choice == 0:
        _, at = read_varint(payload, rng.randrange(min(6, len(payload) + 1)))
        start = rng.randrange(min(at, len(payload)) + 1)
        return (payload[:start] + varint(rng.choice(NUMBERS)) + payload[at:])[:most]
    if choice == 1 and kind == b"MOTN" and len(payload) > 3:
        _, at = read_varint(payload, 0)
        return (
            payload[:at]
            + bytes([rng.choice([1, 2, 3, rng.randrange(256)]), rng.randrange(16)])
            + payload[at + 2 :]
        )
    if choice == 2:
        cut = rng.randrange(len(payload) + 1)
        return (
            payload[:cut] + change(payload[cut:] or b"\0", max(most - cut, 1))[: max(most - cut, 0)]
        )
    return change(payload or b"\0", most)[:most]


def mutate(data: bytes, most: int, seed: int, change: ChangeBytes | None = None) -> bytes:
    """A changed stream of at most `most` bytes.

    Args:
        data: a stream, or anything.
        most: the greatest size of the result.
        seed: the same seed makes the same change, if `change` does.
        change: how raw bytes are changed; None for `change_bytes`.
    """
    rng = random.Random(seed)
    change = change or change_bytes(rng)
    pairs = split(data)
    if not pairs or rng.random() < 0.06:
        return change(data or SIGNATURE, most)[:most]
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        at = rng.randrange(len(pairs)) if pairs else 0
        choice = rng.randrange(10)
        if choice < 6 and pairs:
            kind, payload = pairs[at]
            pairs[at] = kind, change_payload(kind, payload, rng, change, most)
        elif choice == 6 and pairs:
            del pairs[at]
        elif choice == 7 and pairs:
            pairs.insert(rng.randrange(len(pairs) + 1), pairs[at])
        elif choice == 8 and pairs:
            other = rng.randrange(len(pairs))
            pairs[at], pairs[other] = pairs[other], pairs[at]
        else:
            kind = rng.choice(TYPES)
            pairs.insert(at, (kind, rng.randbytes(rng.choice([0, 1, 5, 40]))))
    return repaired(pairs, data, rng)[:most]


def repaired(pairs: list[Pair], data: bytes, rng: random.Random) -> bytes:
    """Put together again, mostly so that more than the first check is met."""
    choice = rng.random()
    if choice < 0.35:
        return finished(renumbered(pairs))
    if choice < 0.7:
        return finished(pairs)
    if choice < 0.95:
        return join(pairs)
    whole = join(pairs)
    at = rng.randrange(len(whole))
    return (
        whole[:at]
        + (data[at : at + 9] if rng.random() < 0.5 else b"")
        + whole[at + rng.randrange(9) :]
    )


def cross(one: bytes, two: bytes, most: int, seed: int) -> bytes:
    """Chunks of two streams."""
    rng = random.Random(seed)
    left, right = split(one), split(two)
    if not left or not right:
        return (one + two)[:most]
    cut, rest = rng.randrange(len(left) + 1), rng.randrange(len(right) + 1)
    return repaired(left[:cut] + right[rest:], one, rng)[:most]
