"""Bytes that come in pieces of any size -> the chunks of a stream, each as soon as it is whole."""

from __future__ import annotations

import io
from collections.abc import Iterator

from vqcodec.container.chunks import (
    ByteSource,
    Chunk,
    read_chunk,
    read_chunk_head,
    read_signature,
)
from vqcodec.errors import TruncatedError
from vqcodec.format import CRC_BYTES, SIGNATURE


class ChunkSplitter:
    """Takes a stream from its signature on."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._offset = 0
        self._wanted = len(SIGNATURE)

    def push(self, data: bytes) -> Iterator[tuple[Chunk, bytes]]:
        """Take more bytes; gives chunks that are whole now, each with its bytes.

        Raises:
            BitstreamError: bad-signature, bad-type, bad-length, bad-crc.
        """
        self._bytes += data
        while len(self._bytes) >= self._wanted:
            if self._offset == 0:
                read_signature(ByteSource(io.BytesIO(self._bytes)))
                self._drop(len(SIGNATURE))
                continue
            size = self._size()
            if size is None:
                return
            self._wanted = size
            if len(self._bytes) >= size:
                whole = bytes(self._bytes[:size])
                yield self._chunk(whole), whole

    def _chunk(self, whole: bytes) -> Chunk:
        source = ByteSource(io.BytesIO(whole))
        source.offset = self._offset
        chunk = read_chunk(source)
        self._drop(len(whole))
        return chunk

    def _size(self) -> int | None:
        """Bytes of the next chunk, None while too few are there to tell."""
        source = ByteSource(io.BytesIO(self._bytes[:16]))
        source.offset = self._offset
        try:
            head, length = read_chunk_head(source)
        except TruncatedError:
            self._wanted = len(self._bytes) + 1
            return None
        return len(head) + length + CRC_BYTES

    def _drop(self, size: int) -> None:
        del self._bytes[:size]
        self._offset += size
        self._wanted = 1
