"""What the writer refuses of major version 2: every rule of portraits, shots and runs."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tests.support.container import make_group, make_key_frame, same_item
from tests.support.units import (
    in_shot,
    make_head_2,
    make_portrait,
    write_2,
)
from vqcodec.container import Reader, Writer
from vqcodec.errors import UsageError
from vqcodec.types import PortraitRun


def read(data: bytes) -> list[object]:
    return list(Reader(io.BytesIO(data)))


def same(one: list[object], two: list[object]) -> bool:
    return len(one) == len(two) and all(map(same_item, one, two))


GROUP = in_shot(make_group(0, 4), 0)
NEXT = make_group(4, 4)


def long_path(count: int) -> list[object]:
    return [make_portrait(number=n) for n in range(count)]


def run(*parts: tuple[int, int, int | None, int]) -> list[object]:
    runs = [PortraitRun(*part) for part in parts]
    return [make_portrait(), make_portrait(number=1), in_shot(make_group(0, 4), 0, *runs)]


REFUSED: dict[str, tuple[str, Callable[[], list[object]]]] = {
    "a first shot that is not number 0": ("bad-portrait", lambda: [make_portrait(shot=1)]),
    "a shot left out": (
        "bad-portrait",
        lambda: [make_portrait(), GROUP, make_portrait(4, shot=2)],
    ),
    "a first portrait that isn't number 0": ("bad-portrait", lambda: [make_portrait(number=1)]),
    "a number left out": ("bad-portrait", lambda: [make_portrait(), make_portrait(number=2)]),
    "a number that comes twice": (
        "bad-portrait",
        lambda: [make_portrait(), make_portrait(number=1), make_portrait(number=1)],
    ),
    "a portrait of another shot": (
        "bad-portrait",
        lambda: [make_portrait(), make_portrait(shot=1, number=1)],
    ),
    "the first shot continues": ("bad-portrait", lambda: [make_portrait(continues=True)]),
    "number 1 continues": (
        "bad-portrait",
        lambda: [make_portrait(), make_portrait(number=1, continues=True)],
    ),
    "a path of nine": ("bad-portrait", lambda: long_path(9)),
    "two shots without a group between": (
        "bad-order",
        lambda: [make_portrait(), make_portrait(shot=1)],
    ),
    "a group before the first portrait": ("bad-order", lambda: [GROUP]),
    "no group after the last shot": (
        "bad-order",
        lambda: [make_portrait(), GROUP, make_portrait(4, shot=1)],
    ),
    "a portrait at another frame": ("bad-frame", lambda: [make_portrait(1)]),
    "a group of another shot": (
        "bad-portrait",
        lambda: [make_portrait(), in_shot(make_group(0, 4), 1)],
    ),
    "a group that names what hasn't come": (
        "bad-portrait",
        lambda: [make_portrait(), in_shot(make_group(0, 4), 0, PortraitRun(4, 1))],
    ),
    "a second portrait that hasn't come": (
        "bad-portrait",
        lambda: [make_portrait(), in_shot(make_group(0, 4), 0, PortraitRun(4, 0, 1, 3))],
    ),
    "with itself": ("bad-portrait", lambda: run((4, 1, 1, 3))),
    "too few frames": ("bad-value", lambda: run((3, 1, None, 0))),
    "too many frames": ("bad-value", lambda: run((5, 1, None, 0))),
    "no frames": ("bad-value", lambda: run((0, 1, None, 0), (4, 0, None, 0))),
    "a weight of 16": ("bad-value", lambda: run((4, 1, 0, 16))),
    "a weight without a second one": ("bad-value", lambda: run((4, 1, None, 3))),
    "neighbours of one portrait": ("bad-value", lambda: run((2, 1, None, 0), (2, 1, None, 0))),
    "only portrait 0": ("bad-value", lambda: run((4, 0, None, 0))),
    "a shot of 60.04 s": (
        "bad-time",
        lambda: [make_portrait(), GROUP, in_shot(make_group(4, 2, ticks=[1500, 1501]), 0)],
    ),
    "no dependence": (
        "bad-value",
        lambda: [make_portrait(), replace(make_portrait(number=1), depends_on=None)],
    ),
    "a dependence of number 0": (
        "bad-value",
        lambda: [replace(make_portrait(), depends_on=0)],
    ),
    "on itself": (
        "bad-value",
        lambda: [make_portrait(), replace(make_portrait(number=1), depends_on=1)],
    ),
    "an empty unit": ("bad-value", lambda: [replace(make_portrait(), unit=b"")]),
    "features of another type": (
        "bad-value",
        lambda: [replace(make_portrait(), features=np.zeros(48, np.int32))],
    ),
    "features too far apart": (
        "bad-value",
        lambda: [
            replace(make_portrait(), features=np.full(48, -32768, np.int16)),
            replace(make_portrait(number=1), features=np.full(48, 32767, np.int16)),
        ],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    code, items = REFUSED[name]
    with pytest.raises(UsageError, match=rf"\[{code}\]"):
        write_2(make_head_2(audio=None), *items())


def test_what_is_just_allowed() -> None:
    head = make_head_2(audio=None)
    items = [*long_path(8), make_portrait(number=8, depends_on=6), GROUP]
    assert same(read(write_2(head, *items)), items)
    late = in_shot(make_group(4, 2, ticks=[1499, 1500]), 0)
    assert len(read(write_2(head, make_portrait(), GROUP, late))) == 3
    behind = [make_portrait(), GROUP, make_portrait(4, number=1)]
    assert same(read(write_2(head, *behind)), behind)


def test_a_refused_portrait_leaves_the_writer_as_it_was() -> None:
    sink = io.BytesIO()
    writer = Writer(sink, make_head_2(audio=None))
    writer.portrait(make_portrait())
    before = len(sink.getvalue())
    for wrong in (make_portrait(number=2), make_portrait(1, number=1), make_portrait(shot=1)):
        with pytest.raises(UsageError):
            writer.portrait(wrong)
    assert len(sink.getvalue()) == before
    writer.portrait(make_portrait(number=1))
    writer.motion(GROUP)
    writer.close()
    assert len(read(sink.getvalue())) == 3


def test_each_version_has_its_own_portraits() -> None:
    with pytest.raises(UsageError, match=r"\[bad-order\]"):
        Writer(io.BytesIO(), make_head_2()).key_frame(make_key_frame())
    with pytest.raises(UsageError, match=r"\[unsupported-chunk\]"):
        Writer(io.BytesIO(), replace(make_head_2(), version=(1, 0))).portrait(make_portrait())
    first = Writer(io.BytesIO(), replace(make_head_2(), version=(1, 0)))
    first.key_frame(make_key_frame())
    for group in (in_shot(NEXT, 1), in_shot(NEXT, 0, PortraitRun(4, 1))):
        with pytest.raises(UsageError, match="neither shots nor runs"):
            first.motion(group)
    with pytest.raises(UsageError, match="no delay"):
        Writer(io.BytesIO(), replace(make_head_2(delay_ms=5), version=(1, 0)))
    with pytest.raises(UsageError, match=r"1\.0 and 2\.0"):
        Writer(io.BytesIO(), make_head_2(version=(2, 1)))
