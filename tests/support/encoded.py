"""Streams that stand-in models made, and what is in them."""

from __future__ import annotations

import io
from fractions import Fraction

from tests.support.pipeline import encoder_parts
from vqcodec.api import verify
from vqcodec.config import EncodeOptions
from vqcodec.container import Reader
from vqcodec.encoding.parts import EncoderParts
from vqcodec.encoding.pipeline import encode
from vqcodec.types import MotionGroup


def stream(data: bytes) -> Reader:
    verify(io.BytesIO(data))
    return Reader(io.BytesIO(data))


def coded(
    source: object, options: EncodeOptions | None = None, parts: EncoderParts | None = None
) -> bytes:
    sink = io.BytesIO()
    encode(source, sink, options, parts=parts or encoder_parts())  # type: ignore[arg-type]
    return sink.getvalue()


def groups(data: bytes) -> list[MotionGroup]:
    return [item for item in stream(data) if isinstance(item, MotionGroup)]


def times(data: bytes) -> list[Fraction]:
    base_s = stream(data).head.time_base_s
    return [int(tick) * base_s for group in groups(data) for tick in group.ticks]
