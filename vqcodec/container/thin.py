"""Dropping fine layers of a finished stream, without decoding a token (vqt.md, "Layers")."""

from __future__ import annotations

from typing import BinaryIO

from vqcodec.container.chunks import is_safe_to_copy
from vqcodec.container.head import replace_layers
from vqcodec.container.payloads import CodedGroup, drop_layers
from vqcodec.container.portraits import RelativePortrait
from vqcodec.container.reader import Reader
from vqcodec.container.writer import Writer
from vqcodec.errors import UsageError
from vqcodec.types import KeyFrame, StreamSizes


def thin(source: BinaryIO, sink: BinaryIO, layers: int) -> StreamSizes:
    """Copy a stream with fewer layers in every motion group; both ends may be pipes.

    Everything else is kept, but for ancillary chunks of unknown types that are not safe to copy.

    Args:
        source: a .vqt stream.
        sink: where the smaller stream goes; it is written front to back.
        layers: layers to keep, 1 up to what the stream has.

    Returns:
        The bytes written, by purpose.

    Raises:
        UsageError: `layers` is outside what the stream has.
        BitstreamError, TruncatedError, UnsupportedError: as `Reader`; what was written then is cut short, too.
    """
    reader = Reader(source)
    if not 1 <= layers <= reader.head.layers:
        raise UsageError(
            f"can't keep {layers} layers", hint=f"the stream has 1 to {reader.head.layers}"
        )
    writer = Writer.with_head_payload(sink, replace_layers(reader.head_chunk.payload, layers))
    for chunk, value in reader.chunks():
        if isinstance(value, CodedGroup):
            writer.coded_motion(drop_layers(value, layers))
        elif isinstance(value, KeyFrame):
            writer.key_frame(value)
        elif isinstance(value, RelativePortrait):
            writer.relative_portrait(value)
        elif value is not None:
            writer.audio(value)
        elif is_safe_to_copy(chunk.type):
            writer.ancillary(chunk.type, chunk.payload)
    writer.close(reader.end_tick)
    return writer.sizes
