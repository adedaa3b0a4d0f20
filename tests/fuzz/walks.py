"""Reading a stream to its end or its first fault, for the oracles."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.container import CodedGroup, Reader, UnsupportedStreamError
from vqcodec.container.faults import HINTS, UNSUPPORTED_HINTS
from vqcodec.entropy import decode_layers
from vqcodec.errors import BitstreamError

Refusal = tuple[str, int]
"""Error code and byte offset."""


@lru_cache(4096)
def _decoded(payloads: tuple[bytes, ...], frames: int, groups: int) -> NDArray[np.uint16]:
    return decode_layers(payloads, frames, groups)


def decode_once(payloads: Sequence[bytes], frames: int, groups: int) -> NDArray[np.uint16]:
    """`decode_layers`, once for each group in a process: most changes leave most groups as they were."""
    return _decoded(tuple(payloads), frames, groups)


class Pipe(io.RawIOBase):
    """Can't seek, and gives at most 7 bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self._source = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._source.read(min(7, len(buffer)))
        buffer[: len(data)] = data
        return len(data)


@dataclass
class Walk:
    """What came before the end or the error."""

    items: list[Any] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    refusal: Refusal | None = None


def refusal(error: BitstreamError | UnsupportedStreamError) -> Refusal:
    """Code and offset of a typed error, which must have all that it promises."""
    known = HINTS if isinstance(error, BitstreamError) else UNSUPPORTED_HINTS
    assert error.code in known, f"{error!r} has an unknown code"
    assert error.hint and error.offset is not None, f"{error!r} lacks a hint or an offset"
    assert f"[{error.code}]" in str(error) and f"at byte {error.offset}" in str(error)
    return error.code, error.offset


def walk_coded(data: bytes) -> Walk:
    """Every chunk, tokens left as they are."""
    walk = Walk()
    try:
        reader = Reader(io.BytesIO(data))
        for chunk, value in reader.chunks():
            if value is not None:
                walk.items.append(value)
                walk.offsets.append(chunk.offset)
        reader.check_nothing_follows()
    except (BitstreamError, UnsupportedStreamError) as error:
        walk.refusal = refusal(error)
    return walk


def walk_pipe(data: bytes) -> Walk:
    """Every item, tokens decoded, from a pipe."""
    walk = Walk()
    try:
        reader = Reader(Pipe(data), decode=decode_once)  # type: ignore[arg-type]  # RawIOBase is a BinaryIO in all that is used
        for item in reader:
            walk.items.append(item)
        reader.check_nothing_follows()
    except (BitstreamError, UnsupportedStreamError) as error:
        walk.refusal = refusal(error)
    return walk


def work(items: list[Any]) -> int:
    """Frames times layers: what decoding and the reference decoder take time for."""
    return sum(
        len(item.ticks) * len(item.payloads) for item in items if isinstance(item, CodedGroup)
    )
