"""Streams of more than 12 groups of dimensions (major version 2): written, read, damaged, thinned, and what is refused."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.container import make_group, make_head, make_key_frame, same_item
from tests.support.recover import flipped, kinds, recovered, split
from tests.support.spec import INVALID, VALID, VECTORS, load, reference_result
from tests.support.units import (
    in_shot,
    make_head_2,
    make_items_2,
    make_portrait,
    make_stream_2,
    write_2,
)
from vqcodec.codec import look
from vqcodec.codec.tokens import TokenSequence
from vqcodec.container import Reader, RecoveringReader, Writer, survey, thin, verify
from vqcodec.container.usable import stand_in
from vqcodec.errors import UsageError
from vqcodec.types import MotionGroup, PortraitUnit

MAKE = load(VECTORS / "make.py")
WIDE = [name for name in VALID if name.startswith("2-groups-")]
some_groups = st.sampled_from([12, 13, 16, 20, 32])


def one_group(groups: int, frames: int, layers: int, seed: int) -> tuple[bytes, MotionGroup]:
    """A stream of any tokens whatever, and its group."""
    shape = frames, groups, layers
    indices = np.random.default_rng(seed).integers(0, 625, shape).astype(np.uint16)
    group = replace(make_group(0, frames, layers), indices=indices)
    head = make_head_2(audio=None, layers=layers, groups=groups)
    return write_2(head, make_portrait(groups=groups), in_shot(group, 0)), group


@given(some_groups, st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**32))
@settings(deadline=None, max_examples=25)
def test_any_tokens_read_back(groups: int, frames: int, layers: int, seed: int) -> None:
    data, group = one_group(groups, frames, layers, seed)
    portrait, read = Reader(io.BytesIO(data))
    assert isinstance(read, MotionGroup) and np.array_equal(read.indices, group.indices)
    assert same_item(portrait, make_portrait(groups=groups))
    result = reference_result(data)
    assert result == MAKE.describe(data)
    assert isinstance(result, dict) and result["last_tokens"] == group.indices[-1].ravel().tolist()


@pytest.mark.parametrize("groups", [16, 20, 32])
def test_everything_that_reads_a_stream_reads_it(groups: int) -> None:
    items = make_items_2((3, 2), dim_groups=groups)
    data = write_2(make_head_2(groups=groups), *items)
    found = list(Reader(io.BytesIO(data)))
    assert len(found) == len(items) and all(map(same_item, found, items))
    recovering = RecoveringReader.open(io.BytesIO(data))
    assert all(map(same_item, recovering, items)) and not recovering.damage.any
    late = list(Reader(io.BytesIO(data)).groups_from(Fraction(1, 2)))
    groups_late = [item for item in late if isinstance(item, MotionGroup)]
    assert same_item(groups_late[-1], [i for i in items if isinstance(i, MotionGroup)][-1])
    for report in (verify(io.BytesIO(data)), survey(io.BytesIO(data))):
        assert report.head.groups == groups and report.head.dims == 4 * groups
    silent = make_stream_2(sound=False, groups=groups)
    assert TokenSequence.read(silent).to_bytes() == silent
    cut = TokenSequence.read(silent)[2:9]
    assert (
        cut.tokens.shape == (7, groups, 4)
        and TokenSequence.read(cut.to_bytes()).head.groups == groups
    )


def test_thinning_keeps_the_groups() -> None:
    data, sink = make_stream_2((2, 1), groups=20), io.BytesIO()
    thin(io.BytesIO(data), sink, 2)
    before, after = TokenSequence.read(data), TokenSequence.read(sink.getvalue())
    assert after.tokens.shape == (12, 20, 2)
    np.testing.assert_array_equal(after.tokens, before.tokens[..., :2])


def test_damage_leaves_the_rest() -> None:
    items = make_items_2((3,), dim_groups=16, sound=False)
    parts = split(write_2(make_head_2(groups=16, audio=None), *items))
    broken = kinds(parts, b"MOTN")[1]
    data = b"".join([*parts[:broken], flipped(parts[broken], 20), *parts[broken + 1 :]])
    found, damage = recovered(data)
    for kind, kept in ((PortraitUnit, items[::2]), (MotionGroup, [items[1], items[5]])):
        mine = [item for item in found if isinstance(item, kind)]
        assert len(mine) == len(kept) and all(map(same_item, mine, kept))
    assert damage.groups_lost == 1  # type: ignore[attr-defined]


def test_without_portraits_one_of_the_right_size_stands_in() -> None:
    portrait = stand_in(make_head_2(groups=20))
    assert isinstance(portrait, PortraitUnit) and portrait.features.shape == (80,)
    assert stand_in(make_head()).features.shape == (48,)


def test_info_and_verify_tell_groups_and_raw_rate() -> None:
    for groups, layers, kbps in ((12, 4, 11.145), (16, 4, 14.860), (20, 1, 4.644)):
        data = make_stream_2((2,), groups=groups, layers=layers)
        for fields in (look.info(io.BytesIO(data)), look.verify(io.BytesIO(data)).to_json()):
            assert fields["dimension_groups"] == groups
            assert fields["motion_raw_kbps"] == pytest.approx(kbps, abs=0.0006)


@pytest.mark.parametrize(
    ("version", "groups"), [((1, 0), 13), ((1, 0), 11), ((2, 0), 11), ((2, 0), 33), ((2, 0), 300)]
)
def test_other_numbers_are_not_written(version: tuple[int, int], groups: int) -> None:
    sink = io.BytesIO()
    with pytest.raises(UsageError):
        Writer(sink, make_head(version=version, groups=groups))
    assert sink.getvalue() == b""


def test_items_of_another_number_are_not_written() -> None:
    writer = Writer(io.BytesIO(), make_head_2(audio=None, groups=16))
    with pytest.raises(UsageError, match=r"not int16\(64,\)"):
        writer.portrait(make_portrait(groups=12))
    writer.portrait(make_portrait(groups=16))
    with pytest.raises(UsageError, match=r"not uint16\(3, 16, 4\)"):
        writer.motion(in_shot(make_group(0, 3, groups=20), 0))
    writer.motion(in_shot(make_group(0, 3, groups=16), 0))
    old = Writer(io.BytesIO(), make_head(audio=None))
    with pytest.raises(UsageError, match=r"not int16\(48,\)"):
        old.key_frame(replace(make_key_frame(), features=np.zeros(64, np.int16)))


def test_a_sequence_must_have_the_groups_of_its_head() -> None:
    tokens = TokenSequence.read(make_stream_2((1,), sound=False, groups=16))
    with pytest.raises(UsageError) as caught:
        replace(tokens, tokens=tokens.tokens[:, :12])
    assert "(T, 16, layers)" in str(caught.value.hint)


def test_vectors_show_what_they_are_for() -> None:
    told = {
        name: json.loads((VECTORS / "valid" / f"{name}.json").read_text(encoding="utf-8"))
        for name in WIDE
    }
    for name, expected in told.items():
        groups = int(name.split("-")[2])
        assert len(expected["first_tokens"]) == groups * expected["layers"]
        assert expected["sizes"]["motion"] > 0
    assert {e["layers"] for e in told.values()} == {1, 2, 4}
    assert len(told["2-groups-20-two-portraits"]["portraits"]) == 2
    assert {p["shot"] for p in told["2-groups-16-shots"]["portraits"]} == {0, 1, 2}
    codes = [e["error"] for name, e in INVALID.items() if name.startswith("2-groups-")]
    assert sorted(set(codes)) == ["bad-layout", "bad-payload", "unsupported-layout"]
