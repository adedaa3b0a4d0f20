"""Damaged streams of major version 2: groups always come, portraits only where they can be decoded, and all is counted."""

from __future__ import annotations

import io
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.promises import check_usable
from tests.support.container import make_group, same_item
from tests.support.recover import flipped, kinds, recovered, split
from tests.support.units import (
    in_shot,
    make_head_2,
    make_items_2,
    make_portrait,
    make_stream_2,
    write_2,
)
from vqcodec.container import Reader
from vqcodec.errors import BitstreamError, TruncatedError
from vqcodec.types import MotionGroup, PortraitRun, PortraitUnit

SHOTS = (4, 1, 3)
ITEMS = make_items_2(SHOTS, frames=4, layers=1)
WHOLE = write_2(make_head_2(layers=1), *ITEMS)
PARTS = split(WHOLE)
PORTS = kinds(PARTS, b"PORT")
ALL = [item for item in ITEMS if isinstance(item, PortraitUnit)]


def without(*numbers: int, parts: list[bytes] = PARTS) -> bytes:
    return b"".join(part for number, part in enumerate(parts) if number not in numbers)


def lost_port(number: int, *, index: bool = True) -> tuple[list[object], object]:
    """The stream without one of its portraits."""
    gone = [PORTS[number]]
    if not index:
        gone += [*kinds(PARTS, b"INDX"), *kinds(PARTS, b"IEND")]
    return recovered(without(*gone))


def motion(items: list[object]) -> list[MotionGroup]:
    return [item for item in items if isinstance(item, MotionGroup)]


def names(items: list[object]) -> str:
    """P shot.number, M shot: the portraits it names."""
    told = []
    for item in items:
        if isinstance(item, PortraitUnit):
            told.append(f"P{item.shot}.{item.number}")
        elif isinstance(item, MotionGroup):
            runs = [
                run.portrait if run.other is None else (run.portrait, run.other)
                for run in item.runs
            ]
            told.append(f"M{item.shot}:" + ",".join(map(str, runs)).replace(" ", ""))
    return " ".join(told)


def test_an_intact_stream_is_read_as_it_is() -> None:
    items, damage = recovered(WHOLE)
    assert len(items) == len(ITEMS) and all(map(same_item, items, ITEMS))
    assert not damage.any and damage.complete and damage.sentences() == []
    behind = write_2(
        make_head_2(audio=None),
        make_portrait(),
        in_shot(make_group(0, 4), 0),
        make_portrait(4, number=1),
    )
    items, damage = recovered(behind)
    assert names(items) == "P0.0 M0: P0.1" and not damage.any


@pytest.mark.parametrize("index", [True, False])
@pytest.mark.parametrize("number", range(len(PORTS)))
def test_any_one_portrait_lost(number: int, index: bool) -> None:
    items, damage = lost_port(number, index=index)
    check_usable(items)
    gone = ALL[number]
    assert len(motion(items)) == sum(SHOTS) and damage.groups_lost == 0
    behind = [unit for unit in ALL if unit.shot == gone.shot and unit.number > gone.number]
    assert (damage.key_frames_lost, damage.portraits_unusable) == (1, len(behind))
    given = [item for item in items if isinstance(item, PortraitUnit)]
    expected = [unit for unit in ALL if unit is not gone and unit not in behind]
    assert all(map(same_item, given, expected)) and len(given) == len(expected)
    told = " ".join(damage.sentences())
    assert "lost: 1 portrait" in told
    assert ("can't be shown: another one that it takes is lost" in told) == bool(behind)
    assert damage.frames_other_portrait > 0 and damage.any
    assert damage.to_json()["portraits_unusable"] == len(behind)


def test_what_is_shown_instead() -> None:
    assert names(ITEMS[:12]) == (
        "P0.0 M0: P0.1 M0:(0,1),(0,1),1 P0.2 M0:(1,2),(1,2),2 P0.3 M0:(2,3),(2,3),3"
    )
    items, damage = lost_port(2)
    assert names(items[:10]) == "P0.0 M0: P0.1 M0:(0,1),(0,1),1 M0:1 M0:1"
    assert damage.frames_other_portrait == 8
    items, _ = lost_port(1)
    assert names(items[:9]) == "P0.0 M0: M0: M0: M0:"
    items, damage = lost_port(4)  # shot 1's only portrait
    assert names(items[12:16]) == "M0:3 P2.0 M2:" and damage.frames_other_portrait == 4
    items, damage = lost_port(5)  # shot 2's first portrait
    assert names(items[12:]).startswith("P1.0 M1: M1: M1: M1:")
    assert damage.frames_other_portrait == 12


def test_the_first_portrait_lost_is_replaced_by_the_next_shots() -> None:
    items, damage = lost_port(0)
    assert names(items).startswith("P1.0 M1: M1: M1: M1: M1:")
    assert damage.frames_other_portrait == 16 and damage.portraits_unusable == 3
    with pytest.raises(BitstreamError, match="no portrait"):
        recovered(without(*PORTS))
    items, damage = recovered(without(*PORTS), portrait_needed=False)
    assert names(items).startswith("P0.0 M0: M0: M0:") and damage.key_frames_lost == 8
    assert not items[0].features.any()  # type: ignore[union-attr]


def test_a_branch_that_doesn_t_need_the_lost_portrait_is_shown() -> None:
    items = [
        make_portrait(),
        make_portrait(number=1),
        make_portrait(number=2),
        in_shot(make_group(0, 4), 0, PortraitRun(4, 2)),
        make_portrait(4, number=3, depends_on=0),
        in_shot(make_group(4, 4), 0, PortraitRun(2, 2, 3), PortraitRun(2, 3)),
    ]
    parts = split(write_2(make_head_2(audio=None), *items))
    found, damage = recovered(without(kinds(parts, b"PORT")[1], parts=parts))
    assert names(found) == "P0.0 M0: P0.3 M0:3"
    assert (damage.key_frames_lost, damage.portraits_unusable) == (1, 1)
    assert damage.frames_other_portrait == 6


def test_doubled_and_late_portraits_are_dropped() -> None:
    ports = [PARTS[n] for n in PORTS]
    for extra, place in ((ports[1], PORTS[1] + 1), (ports[0], PORTS[6]), (ports[2], PORTS[5] + 1)):
        parts = [*PARTS[:place], extra, *PARTS[place:]]
        items, damage = recovered(b"".join(parts))
        assert len(items) == len(ITEMS) and all(map(same_item, items, ITEMS))
        assert damage.dropped_chunks == 1 and damage.key_frames_lost == 0


def test_a_portrait_behind_its_group_is_used_from_the_next_on() -> None:
    at = PORTS[1]
    parts = [*PARTS[:at], PARTS[at + 1], PARTS[at], *PARTS[at + 2 :]]
    items, damage = recovered(b"".join(parts))
    check_usable(items)
    assert names(items[:8]) == "P0.0 M0: M0: P0.1 P0.2 M0:(1,2),(1,2),2"
    assert damage.key_frames_lost == 0 and damage.frames_other_portrait == 4


@pytest.mark.parametrize("number", [0, 1, 5])
def test_bytes_flipped_in_a_unit(number: int) -> None:
    at = WHOLE.index(PARTS[PORTS[number]])
    for place in (at + len(PARTS[PORTS[number]]) - 10, at + 6, at + 20):
        data = flipped(WHOLE, place)
        with pytest.raises(BitstreamError) as caught:
            list(Reader(io.BytesIO(data)))
        assert (caught.value.code, caught.value.offset) == ("bad-crc", at)
        items, damage = recovered(data)
        check_usable(items)
        assert len(motion(items)) == sum(SHOTS) and damage.key_frames_lost == 1


def test_a_cut_file() -> None:
    for length in range(len(PARTS[0]), len(WHOLE) - 1, 11):
        with pytest.raises(TruncatedError):
            list(Reader(io.BytesIO(WHOLE[:length])))
        try:
            items, damage = recovered(WHOLE[:length])
        except BitstreamError:
            assert length < WHOLE.index(b"MOTN") + 60
            continue
        check_usable(items)
        known = [item for item in items if any(same_item(item, whole) for whole in ITEMS)]
        assert len(known) == len(items) and not damage.complete
        assert damage.portraits_unusable == 0


@given(st.integers(0, 2**32), st.integers(1, 8))
@settings(deadline=None, max_examples=60)
def test_whatever_is_lost_the_rest_can_be_shown(seed: int, count: int) -> None:
    chosen = random.Random(seed)
    gone = {chosen.randrange(1, len(PARTS)) for _ in range(count)}
    data = without(*gone)
    if chosen.random() < 0.5:
        data = flipped(data, *(chosen.randrange(len(PARTS[0]), len(data)) for _ in range(2)))
    try:
        items, damage = recovered(data)
    except BitstreamError as error:
        assert "no portrait" in str(error) or "not one motion group" in str(error)
        return
    check_usable(items)
    for item in motion(items):
        original = next(i for i in motion(ITEMS) if i.first_frame == item.first_frame)
        assert same_item(replace(item, shot=original.shot, runs=original.runs), original)
    given = sum(isinstance(item, PortraitUnit) for item in items)
    if damage.complete:
        assert damage.key_frames_lost + damage.portraits_unusable + given == len(ALL)
    assert damage.any


def test_layers_and_a_later_start() -> None:
    data = make_stream_2((8, 8), frames=50, layers=2, sound=False)
    items, damage = recovered(data, layers=1, from_s=make_head_2().time_base_s * 600)
    assert not damage.any and motion(items)[0].indices.shape[2] == 1
    check_usable(items)
