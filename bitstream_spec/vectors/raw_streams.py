"""Streams taken apart into chunks, changed, and put together again: for what the writer would refuse to write."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from vqcodec.container.chunks import Chunk, make_chunk
from vqcodec.container.head import parse_head
from vqcodec.container.items import apply_chunk
from vqcodec.container.rules import StreamRules
from vqcodec.container.varint import decode_varint, encode_varint
from vqcodec.format import SIGNATURE

Pair = tuple[bytes, bytes]
"""Type and payload of a chunk."""


def split(stream: bytes) -> list[Pair]:
    """The chunks of a valid stream."""
    pairs = []
    at = len(SIGNATURE)
    while at < len(stream):
        kind = stream[at : at + 4]
        length, start = decode_varint(stream, at + 4)
        pairs.append((kind, stream[start : start + length]))
        at = start + length + 4
    return pairs


def frame(kind: bytes, payload: bytes) -> bytes:
    """A chunk with a right CRC, whatever its type and length."""
    body = kind + encode_varint(len(payload)) + payload
    return body + zlib.crc32(body).to_bytes(4, "big")


def join(pairs: list[Pair]) -> bytes:
    """A stream of these chunks; CRCs are right, INDX and IEND stay as they are."""
    return SIGNATURE + b"".join(frame(kind, payload) for kind, payload in pairs)


def finish(pairs: list[Pair], end_tick: int) -> bytes:
    """A valid stream of these chunks, which end before INDX; INDX and IEND are made for them."""
    head, data = make_chunk(*pairs[0], len(SIGNATURE))
    rules = StreamRules(parse_head(head.payload), head)
    stream = SIGNATURE + data

    def add(kind: bytes, payload: bytes, check: Callable[[Chunk], object]) -> None:
        nonlocal stream
        chunk, data = make_chunk(kind, payload, len(stream))
        check(chunk)
        stream += data

    for kind, payload in pairs[1:]:
        add(kind, payload, lambda chunk: apply_chunk(chunk, rules))
    add(b"INDX", rules.index_payload(), rules.index)
    add(b"IEND", rules.end_payload(end_tick), rules.end)
    return stream


def edit(stream: bytes, kind: bytes, change: Callable[[bytes], bytes], which: int = 0) -> bytes:
    """The stream with one payload changed and its CRC made right."""
    pairs = split(stream)
    place = [i for i, pair in enumerate(pairs) if pair[0] == kind][which]
    pairs[place] = (kind, change(pairs[place][1]))
    return join(pairs)


def put(at: int, data: bytes) -> Callable[[bytes], bytes]:
    """A change: overwrite bytes of a payload from `at` on."""
    return lambda payload: payload[:at] + data + payload[at + len(data) :]


def insert(stream: bytes, before: int, *pairs: Pair) -> bytes:
    """The stream with chunks put before its chunk number `before`."""
    chunks = split(stream)
    return join(chunks[:before] + list(pairs) + chunks[before:])


def without(stream: bytes, *numbers: int) -> bytes:
    """The stream without the chunks of these numbers."""
    return join([pair for i, pair in enumerate(split(stream)) if i not in numbers])
