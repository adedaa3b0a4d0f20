"""A look at a stream's structure: the same as reading it in order, over a small part of the bytes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vqcodec
from tests.support.container import make_audio, make_group, make_head, make_key_frame
from tests.support.spec import INVALID, VALID, vector
from tests.support.units import in_shot, make_head_2, make_portrait, write_2
from vqcodec.container import Reader, Survey, Writer, survey
from vqcodec.container.faults import UnsupportedStreamError
from vqcodec.errors import BitstreamError
from vqcodec.types import KeyFrame, StreamSizes

SHOWN_BY_CONTENTS_ONLY = {"bad-crc", "bad-payload", "bad-value", "bad-text", "bad-unit"}
"""Codes of faults that may lie in what is skipped; all others show in the structure."""


class Counting(io.BytesIO):
    """A file that counts the bytes read from it."""

    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


class Pipe(io.BytesIO):
    """The same bytes without a seek."""

    def seekable(self) -> bool:
        return False


def refusal(source: Any) -> tuple[str, int | None] | None:
    try:
        survey(source)
    except (BitstreamError, UnsupportedStreamError) as error:
        return error.code, error.offset
    return None


def long_stream() -> bytes:
    rng = np.random.default_rng(1)
    sink = io.BytesIO()
    with Writer(sink, make_head(layers=4)) as writer:
        for number in range(20):
            if number in (0, 11):
                portrait = make_key_frame(number * 40)
                still = rng.integers(0, 256, 30_000, dtype=np.uint8).tobytes()
                writer.key_frame(KeyFrame(portrait.first_frame, still, portrait.features))
            held = (3, 39) if number == 5 else ()
            writer.motion(make_group(number * 40, 40, 4, held=held))
            writer.audio(make_audio(number * 80 * 960, 80, 180))
    return sink.getvalue()


def sizes_in_order(data: bytes) -> StreamSizes:
    reader = Reader(io.BytesIO(data))
    list(reader.coded())
    return reader.sizes


@pytest.mark.parametrize("name", VALID)
def test_a_file_and_a_pipe_say_the_same(name: str, tmp_path: Path) -> None:
    data = vector("valid", name)
    looked = survey(io.BytesIO(data))
    assert looked == survey(Pipe(data))
    reader = Reader(io.BytesIO(data))
    held = sum(int(item.low_confidence.sum()) for item in reader if hasattr(item, "ticks"))
    assert (looked.head, looked.sizes) == (reader.head, reader.sizes)
    assert looked.low_confidence_frames == held
    (tmp_path / "a.vqt").write_bytes(data)
    assert vqcodec.info(tmp_path / "a.vqt") == vqcodec.info(Pipe(data))


@pytest.mark.parametrize("name", INVALID)
def test_damage_that_the_structure_shows_is_told_as_ever(name: str) -> None:
    data = vector("invalid", name)
    found, expected = refusal(io.BytesIO(data)), refusal(Pipe(data))
    if found is None and expected is not None:
        assert expected[0] in SHOWN_BY_CONTENTS_ONLY
    else:
        assert found == expected


def test_most_invalid_vectors_are_refused_from_the_structure() -> None:
    seen = {name: refusal(io.BytesIO(vector("invalid", name))) is not None for name in INVALID}
    unseen = sorted(name for name, refused in seen.items() if not refused)
    told = [name for name in unseen if INVALID[name]["error"] not in SHOWN_BY_CONTENTS_ONLY]
    assert told == [name for name in told if INVALID[name]["error"] == "trailing-data"]
    assert len(unseen) < len(INVALID) / 4


def test_contents_are_not_read() -> None:
    data = long_stream()
    file = Counting(data)
    looked = survey(file)
    assert looked == Survey(looked.head, sizes_in_order(data), 2, 2)
    assert file.taken < 0.12 * len(data)
    piped = Pipe(data)
    assert survey(piped) == looked and piped.tell() == len(data)


def test_units_are_not_read() -> None:
    """Those of version 2 neither: only their fields."""
    items: list[object] = []
    for number in range(8):
        items += [make_portrait(20 * number, number=number, size=9_000)]
        items += [in_shot(make_group(20 * number, 20, 4), 0)]
    data = write_2(make_head_2(audio=None), *items)
    file = Counting(data)
    looked = survey(file)
    assert file.taken < 0.06 * len(data)
    assert looked == survey(Pipe(data)) and looked.shots[0].portraits == 8
    broken = bytearray(data)
    broken[data.index(b"PORT") + 5_000] ^= 1
    assert survey(io.BytesIO(bytes(broken))) == looked
    assert refusal(Pipe(bytes(broken))) == ("bad-crc", data.index(b"PORT"))


def test_a_stream_inside_a_file_starts_where_the_file_stands() -> None:
    data = vector("valid", "typical")
    file = io.BytesIO(b"before" + data)
    file.seek(6)
    assert survey(file) == survey(Pipe(data))
    cut = io.BytesIO(b"before" + data[:-40])
    cut.seek(6)
    assert refusal(cut) == ("truncated", len(data) - 40)


@pytest.mark.parametrize("cut", [9, 100, 5_000, 60_000])
def test_a_cut_file_is_told_with_its_length(cut: int) -> None:
    data = long_stream()[:-cut]
    assert refusal(io.BytesIO(data)) == ("truncated", len(data))


def test_a_chunk_lost_or_doubled_is_told() -> None:
    """Also where nothing but the CRC of all CRCs shows it."""
    data = bytearray(vector("valid", "typical"))
    at = data.index(b"AUDO") if b"AUDO" in data else data.index(b"MOTN")
    data[at + 40] ^= 1  # contents: unseen, but by reading everything
    assert refusal(io.BytesIO(bytes(data))) in (None, ("bad-crc", at))
    assert refusal(Pipe(bytes(data))) == ("bad-crc", at)
