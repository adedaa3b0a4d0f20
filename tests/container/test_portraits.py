"""Streams of major version 2: what is written reads back, and every rule of portraits, shots and runs is kept."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.container import make_group, make_stream, same_item
from tests.support.units import (
    in_shot,
    make_head_2,
    make_items_2,
    make_portrait,
    make_stream_2,
    make_unit,
    write_2,
)
from vqcodec.container import Reader, survey, thin, verify
from vqcodec.container.chunks import ByteSource, read_chunk
from vqcodec.container.index import IndexKind
from vqcodec.types import MotionGroup, PortraitRun, PortraitUnit


def read(data: bytes) -> list[object]:
    return list(Reader(io.BytesIO(data)))


def same(one: list[object], two: list[object]) -> bool:
    return len(one) == len(two) and all(map(same_item, one, two))


def test_what_is_written_reads_back() -> None:
    items = make_items_2()
    data = write_2(make_head_2(), *items)
    assert same(read(data), items)
    assert data == make_stream_2()
    reader = Reader(io.BytesIO(data))
    assert reader.head == make_head_2()
    list(reader)
    sizes = reader.sizes
    assert sizes.portrait + sizes.motion + sizes.audio + sizes.container == len(data)


runs_of = st.lists(
    st.tuples(st.integers(0, 5), st.none() | st.integers(0, 5), st.integers(0, 15)),
    min_size=1,
    max_size=6,
)


def canonical(parts: list[tuple[int, int | None, int]], frames: int) -> tuple[PortraitRun, ...]:
    """Runs of one frame each but the last, made such that they may be written."""
    runs: list[PortraitRun] = []
    for portrait, other, weight in parts:
        if other == portrait:
            other = None
        run = PortraitRun(1, portrait, other, 0 if other is None else weight)
        if runs and other is None and runs[-1].other is None and runs[-1].portrait == portrait:
            continue
        runs.append(run)
    runs[-1] = replace(runs[-1], frames=frames - len(runs) + 1)
    return () if len(runs) == 1 and runs[0].other is None and not runs[0].portrait else tuple(runs)


@given(runs_of, st.integers(6, 12), st.integers(1, 4), st.booleans())
@settings(deadline=None, max_examples=60)
def test_any_runs_read_back(
    parts: list[tuple[int, int | None, int]], frames: int, layers: int, held: bool
) -> None:
    runs = canonical(parts, frames)
    group = make_group(0, frames, layers, held=(1,) if held else ())
    items = [make_portrait(number=n) for n in range(6)] + [in_shot(group, 0, *runs)]
    assert same(read(write_2(make_head_2(layers=layers, audio=None), *items)), items)


features_of = st.lists(st.integers(-32768, 32767), min_size=48, max_size=48)


@given(features_of, st.lists(st.integers(-9, 9), min_size=48, max_size=48), st.integers(1, 300))
@settings(deadline=None, max_examples=40)
def test_any_features_and_units_read_back(base: list[int], steps: list[int], size: int) -> None:
    own = np.clip(np.array(base) + steps, -32768, 32767).astype(np.int16)
    items = [
        replace(make_portrait(), features=np.array(base, np.int16)),
        replace(make_portrait(number=1), features=own, unit=make_unit(1, size=size)),
        in_shot(make_group(0, 2), 0),
    ]
    assert same(read(write_2(make_head_2(audio=None), *items)), items)


@pytest.mark.parametrize("delay_ms", [None, 1, 200, 65_535])
def test_delay(delay_ms: int | None) -> None:
    head = make_head_2(delay_ms=delay_ms)
    assert Reader(io.BytesIO(write_2(head, *make_items_2()))).head == head


def test_verify_thin_and_survey() -> None:
    data = make_stream_2((3, 1), delay_ms=120)
    report = verify(io.BytesIO(data))
    assert (report.key_frames, report.shots, report.groups) == (4, 2, 4)
    sink = io.BytesIO()
    thin(io.BytesIO(data), sink, 2)
    thinned, whole = read(sink.getvalue()), read(data)
    for one, two in zip(thinned, whole, strict=True):
        if isinstance(one, MotionGroup) and isinstance(two, MotionGroup):
            assert same_item(one, replace(two, indices=two.indices[..., :2]))
        else:
            assert same_item(one, two)
    looked = survey(io.BytesIO(data))
    first, second = looked.shots
    assert (looked.head.delay_ms, looked.key_frames) == (120, 4)
    assert (first.portraits, first.frames, first.continues) == (3, 12, False)
    assert (second.portraits, second.frames, second.continues) == (1, 4, True)
    assert first.portrait_bytes + second.portrait_bytes == looked.sizes.portrait
    assert first.seconds == Fraction(12, 25) and first.portraits_per_minute == 375

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    assert survey(Pipe(data)) == looked


def test_version_1_is_untouched() -> None:
    data = make_stream(3, 4, cut=1)
    looked = survey(io.BytesIO(data))
    assert looked.shots == () and verify(io.BytesIO(data)).shots == 0


# --- random access ---


def test_seek_gives_the_shots_portraits_first() -> None:
    items = make_items_2((3, 2), frames=25)
    data = write_2(make_head_2(), *items)
    reader = Reader(io.BytesIO(data))
    kinds = [entry.kind for entry in reader.index().entries]
    assert kinds.count(IndexKind.KEY_FRAME) == 2 and kinds.count(IndexKind.PORTRAIT) == 3
    for start_s in (Fraction(0), Fraction(1), Fraction(5, 2), Fraction(3), Fraction(49, 10)):
        found = list(reader.groups_from(start_s))
        motion = next(n for n, item in enumerate(found) if isinstance(item, MotionGroup))
        portraits = [item for item in found[:motion] if isinstance(item, PortraitUnit)]
        group = found[motion]
        assert isinstance(group, MotionGroup)
        assert int(group.ticks[0]) <= start_s * 25 <= int(group.ticks[-1]) + 1
        number = int(start_s) if start_s < 3 else int(start_s) - 3
        assert [(unit.shot, unit.number) for unit in portraits] == [
            (group.shot, n) for n in range(number + 1)
        ]
        whole = [item for item in items if not hasattr(item, "packets")]
        rest = [item for item in found[motion:] if not hasattr(item, "packets")]
        assert same(rest, whole[-len(rest) :])
        assert all(any(same_item(item, known) for known in items) for item in found)


def test_seek_within_a_shot_gives_portraits_behind_the_group_in_their_place() -> None:
    first, second = in_shot(make_group(0, 4), 0), in_shot(make_group(4, 4), 0)
    items = [make_portrait(), first, make_portrait(4, number=1), make_portrait(4, number=2), second]
    reader = Reader(io.BytesIO(write_2(make_head_2(audio=None), *items)))
    assert same(list(reader.groups_from(0)), items)
    at_second = list(reader.groups_from(Fraction(5, 25)))
    assert same(at_second, [items[0], items[2], items[3], second])


def test_an_index_that_takes_one_portrait_for_another_is_refused() -> None:
    data = make_stream_2((2,), sound=False)
    source = ByteSource(io.BytesIO(data))
    source.seek(data.index(b"INDX"))
    index = read_chunk(source)
    assert index.payload[0] & 3 == IndexKind.KEY_FRAME
    assert len(list(Reader(io.BytesIO(data)).groups_from(0))) == 4
