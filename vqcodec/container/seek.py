"""Finding the index from the end of a file (vqt.md, "Random access")."""

from __future__ import annotations

from vqcodec.container.chunks import ByteSource, Chunk, read_chunk
from vqcodec.container.faults import TRUNCATED, Fault, stream_error
from vqcodec.container.index import IndexKind, StreamIndex, parse_index
from vqcodec.container.structs import IEND, parse_struct
from vqcodec.format import (
    IEND_CHUNK_BYTES,
    IEND_TYPE,
    INDX_TYPE,
    MAX_POSITION,
    SIGNATURE,
    TYPE_BYTES,
)


def load_index(source: ByteSource, major: int = 1) -> StreamIndex:
    """Read IEND, the last 29 bytes, and INDX, which lies directly before it; of a stream of a major version.

    Raises:
        TruncatedError: the file doesn't end with an IEND chunk.
        BitstreamError: bad-total when IEND doesn't lead to INDX, bad-index when INDX can't be used,
            bad-time when the stream ends before its last group.
    """
    size = source.size()
    end_offset = size - IEND_CHUNK_BYTES
    if end_offset < len(SIGNATURE) or _peek_type(source, end_offset) != IEND_TYPE:
        raise stream_error(TRUNCATED, "the file doesn't end with an IEND chunk", size)
    source.seek(end_offset)
    end = read_chunk(source)
    try:
        totals = parse_struct(IEND, end.payload)
    except Fault as fault:
        raise stream_error(fault.code, f"IEND: {fault.message}", end.offset) from None
    index_offset = end_offset - totals.index_chunk_bytes
    if index_offset < len(SIGNATURE) or _peek_type(source, index_offset) != INDX_TYPE:
        raise stream_error("bad-total", "IEND doesn't lead to INDX", end.offset)
    source.seek(index_offset)
    index = read_chunk(source)
    if source.offset != end_offset:
        raise stream_error("bad-total", "IEND doesn't lead to INDX", end.offset)
    usable = _usable_index(index, totals.frames, totals.end_tick, major)
    last = usable.of(IndexKind.MOTION)[-1].position
    if not last < totals.end_tick <= MAX_POSITION:
        message = f"the stream ends at tick {totals.end_tick}; its last group starts at {last}"
        raise stream_error("bad-time", message, end.offset)
    return usable


def _usable_index(chunk: Chunk, frames: int, end_tick: int, major: int) -> StreamIndex:
    try:
        index = StreamIndex(parse_index(chunk.payload, major), frames, end_tick)
        kinds = index.entries.kinds
        seen = kinds[kinds != IndexKind.AUDIO]
        begin = seen[seen != IndexKind.PORTRAIT][:2].tolist()
        if begin != [IndexKind.KEY_FRAME, IndexKind.MOTION] or seen[0] != IndexKind.KEY_FRAME:
            raise Fault("bad-index", "the index doesn't start with a portrait and a motion group")
    except Fault as fault:
        raise stream_error(fault.code, fault.message, chunk.offset) from None
    return index


def _peek_type(source: ByteSource, offset: int) -> bytes:
    source.seek(offset)
    return source.read(TYPE_BYTES)
