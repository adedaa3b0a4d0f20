"""The range coder alone: bitstream_spec/entropy.md section 3."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vqcodec.entropy.rangecoder import (
    FREQ_TOTAL,
    MIN_RANGE,
    WORD,
    FrequencyRow,
    RangeDecoder,
    RangeEncoder,
    final_word,
)
from vqcodec.errors import BitstreamError

SPEC = Path(__file__).resolve().parents[2] / "bitstream_spec" / "entropy.md"
EXAMPLE: FrequencyRow = (0, 2048, 3072, 3584, 3840, 4096)


def random_rows(seed: int, count: int) -> list[FrequencyRow]:
    rng = random.Random(seed)
    cuts = [sorted(rng.sample(range(1, FREQ_TOTAL), 4)) for _ in range(count)]
    return [(0, a, b, c, d, FREQ_TOTAL) for a, b, c, d in cuts]


def encode(table: list[FrequencyRow], ranks: list[int]) -> bytes:
    coder = RangeEncoder()
    coder.encode(table, ranks)
    return coder.finish()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 4), max_size=300))
def test_ranks_survive(seed: int, ranks: list[int]) -> None:
    table = random_rows(seed, len(ranks))
    payload = encode(table, ranks)
    decoder = RangeDecoder(payload, len(ranks))
    assert decoder.decode(table) == ranks
    decoder.finish()
    assert not payload.endswith(b"\0")


def test_the_specifications_example() -> None:
    payload = encode([EXAMPLE] * 4, [0, 2, 4, 1])
    text = SPEC.read_text()
    assert payload.hex(" ") in re.findall(r"The payload is `([0-9a-f ]+)`", text)
    decoder = RangeDecoder(payload, 4)
    assert decoder.decode([EXAMPLE] * 4) == [0, 2, 4, 1]
    code, span, taken = decoder.state
    assert f"`{code:08x}`" in text and f"`{span:08x}`" in text and taken == 5


def test_nothing_but_rank_0_takes_no_bytes() -> None:
    assert encode([EXAMPLE] * 5000, [0] * 5000) == b""


def test_carries_run_through_bytes_of_ones() -> None:
    rng = random.Random(7)
    table: list[FrequencyRow] = [(0, 1, 2, 3, 4, 4096)] * 4000
    ranks = [rng.choices((4, 3, 0), (4000, 3, 3))[0] for _ in table]
    payload = encode(table, ranks)
    decoder = RangeDecoder(payload, len(ranks))
    assert decoder.decode(table) == ranks
    decoder.finish()


@given(st.integers(0, WORD - 1), st.integers(MIN_RANGE, WORD))
def test_the_final_word_lies_in_the_interval_and_is_short(low: int, span: int) -> None:
    word = final_word(low, span)
    assert low <= word < low + span and word % MIN_RANGE == 0
    if any(low <= w < low + span for w in (0, WORD)):
        assert word % WORD == 0


@pytest.mark.parametrize(
    "change", [lambda p: p + b"\0", lambda p: p + b"\1", lambda p: p + p, lambda p: b"\xff" * 4 + p]
)
def test_a_payload_that_no_encoder_writes_is_refused(change: object) -> None:
    rng = random.Random(3)
    ranks = rng.choices(range(5), (8, 4, 2, 1, 1), k=200)
    payload = change(encode([EXAMPLE] * 200, ranks))  # type: ignore[operator]
    with pytest.raises(BitstreamError) as caught:
        decoder = RangeDecoder(payload, 200)
        decoder.decode([EXAMPLE] * 200)
        decoder.finish()
    assert caught.value.code == "bad-payload"


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=40), st.integers(0, 2**32 - 1), st.integers(0, 60))
def test_whatever_passes_the_check_is_what_the_encoder_writes(
    payload: bytes, seed: int, count: int
) -> None:
    table = random_rows(seed, count)
    try:
        decoder = RangeDecoder(payload, len(table))
        ranks = decoder.decode(table)
        decoder.finish()
    except BitstreamError:
        return
    assert encode(table, ranks) == payload
