"""The byte-wise range coder of bitstream_spec/entropy.md section 3: 32-bit range, carries, frequencies out of 4096.

Symbols are digit ranks 0..4. A row gives a rank's place in the frequency line; ranks are laid out in order, so a
stream of nothing but rank 0 keeps the interval's lower end at zero and needs no bytes at all.
"""

from __future__ import annotations

from collections.abc import Sequence

from vqcodec.errors import BitstreamError

FREQ_BITS = 12
FREQ_TOTAL = 1 << FREQ_BITS
MIN_RANGE = 1 << 24
WORD = 1 << 32

FrequencyRow = tuple[int, int, int, int, int, int]
"""Cumulative frequencies of ranks 0..4 and the total: (0, c1, c2, c3, c4, 4096)."""


def final_word(low: int, span: int) -> int:
    """The 32 bits that end a payload: the value in [low, low + span) with the most trailing zero bytes.

    Args:
        low: the interval's lower end, 0 <= low < 2**32.
        span: its length, 2**24 <= span <= 2**32.

    Returns:
        A value that may reach 2**32 (a carry into the bytes before).
    """
    if low == 0:
        return 0
    if low + span > WORD:
        return WORD
    return -(-low // MIN_RANGE) * MIN_RANGE


class RangeEncoder:
    """Writes one layer's payload; `encode` any number of times, then `finish` once."""

    def __init__(self) -> None:
        self._low = 0
        self._span = WORD - 1
        self._out = bytearray()

    def _carry(self) -> None:
        i = len(self._out) - 1
        while self._out[i] == 0xFF:
            self._out[i] = 0
            i -= 1
        self._out[i] += 1

    def encode(self, rows: Sequence[FrequencyRow], ranks: Sequence[int]) -> None:
        """Code each rank with its row (two sequences of one length)."""
        low, span, out = self._low, self._span, self._out
        for row, rank in zip(rows, ranks, strict=True):
            unit = span >> FREQ_BITS
            start = unit * row[rank]
            low += start
            span = unit * row[rank + 1] - start if rank < 4 else span - start
            if low >= WORD:
                low -= WORD
                self._carry()
            while span < MIN_RANGE:
                out.append(low >> 24)
                low = (low & 0xFFFFFF) << 8
                span <<= 8
        self._low, self._span = low, span

    def finish(self) -> bytes:
        """The payload: all bytes so far and the final word, without trailing zero bytes."""
        word = final_word(self._low, self._span)
        if word == WORD:
            self._carry()
            word = 0
        return bytes(self._out + word.to_bytes(4, "big")).rstrip(b"\0")


class RangeDecoder:
    """Reads one layer's payload; bytes past its end read as zero.

    Args:
        payload: the bytes.
        symbols: how many ranks will be asked for in all; each consumes at most two bytes.

    Raises:
        BitstreamError: code "bad-payload", when the first 32 bits are all ones (no encoder writes that).
    """

    def __init__(self, payload: bytes, symbols: int) -> None:
        self._length = len(payload)
        self._data = bytes(payload) + bytes(4 + 2 * symbols)
        self._code = int.from_bytes(self._data[:4], "big")
        self._span = WORD - 1
        self._pos = 4
        if self._code >= self._span:
            raise _bad_payload("begins with 32 one bits")

    def decode(self, rows: Sequence[FrequencyRow]) -> list[int]:
        """One rank for each row."""
        code, span, pos, data = self._code, self._span, self._pos, self._data
        ranks: list[int] = []
        put = ranks.append
        for _, c1, c2, c3, c4, _ in rows:
            unit = span >> FREQ_BITS
            if code < unit * c1:
                span = unit * c1
                put(0)
            elif code < unit * c2:
                code -= unit * c1
                span = unit * (c2 - c1)
                put(1)
            elif code < unit * c3:
                code -= unit * c2
                span = unit * (c3 - c2)
                put(2)
            elif code < unit * c4:
                code -= unit * c3
                span = unit * (c4 - c3)
                put(3)
            else:
                code -= unit * c4
                span -= unit * c4
                put(4)
            while span < MIN_RANGE:
                code = (code << 8) | data[pos]
                pos += 1
                span <<= 8
        self._code, self._span, self._pos = code, span, pos
        return ranks

    @property
    def state(self) -> tuple[int, int, int]:
        """(code, span, bytes consumed): the final state that conformance vectors record."""
        return self._code, self._span, self._pos

    def finish(self) -> None:
        """Check that the payload is the one an encoder writes for these symbols (entropy.md section 3.4).

        Raises:
            BitstreamError: code "bad-payload".
        """
        word = int.from_bytes(self._data[self._pos - 4 : self._pos], "big")
        low = (word - self._code) % WORD
        if self._length > self._pos or (self._length and self._data[self._length - 1] == 0):
            raise _bad_payload("is longer than its symbols need")
        if word != final_word(low, self._span) % WORD:
            raise _bad_payload("does not end where its symbols end")


def _bad_payload(what: str) -> BitstreamError:
    return BitstreamError(
        f"a motion payload {what}",
        code="bad-payload",
        hint="The file is damaged or was written by a faulty encoder; encode it again.",
    )
