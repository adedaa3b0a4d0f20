"""Frames of a shot are rendered from the portraits that its runs name: alone, fused, or passing from one to the other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from itertools import chain, repeat

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.pipeline import RENDERER_ID, SPACE_ID, FakeSpace
from tests.support.shots import Painting, flat_portraits, group, level
from vqcodec.config import DecodeOptions
from vqcodec.container.reader import Item
from vqcodec.damage import Damage
from vqcodec.decoding.pictures import rendered
from vqcodec.decoding.portraits import MAX_STATES, PortraitStates
from vqcodec.decoding.window import Window, play
from vqcodec.errors import BitstreamError
from vqcodec.types import Head, PortraitRun, PortraitUnit, VideoFrame

UNITS = FakeSpace().units
HEAD = Head(Fraction(1, 25), Fraction(25), 4, SPACE_ID, RENDERER_ID, version=(2, 0))
A, B, C = 60, 120, 180
SHOT = flat_portraits(A, B, C)


def shown(
    items: Iterable[Item],
    renderer: Painting | None = None,
    *,
    batch_frames: int = 16,
    damage: Damage | None = None,
    start: int = 0,
) -> list[NDArray[np.uint8]]:
    """The pictures, 256 pixels square, of a stream's frames from one on."""
    renderer = renderer or Painting()
    poses = play(items, Window(HEAD, UNITS, DecodeOptions(start_s=Fraction(start, 25))))
    states = PortraitStates(renderer, UNITS, damage=damage)
    return [
        frame.rgb
        for frame in rendered(poses, states, renderer, 256, batch_frames)
        if isinstance(frame, VideoFrame)
    ]


def levels(items: Iterable[Item], renderer: Painting | None = None, **options: int) -> list[int]:
    return list(map(level, shown(items, renderer, **options)))


def shot(*runs: PortraitRun, units: list[PortraitUnit] | None = None) -> list[Item]:
    return [*(units or SHOT), group(0, sum(run.frames for run in runs), runs=runs)]


def near(found: list[int], expected: list[float]) -> bool:
    return len(found) == len(expected) and bool((np.abs(np.subtract(found, expected)) <= 2).all())


# --- which portraits ---


def test_each_run_from_its_own_portrait() -> None:
    renderer = Painting()
    found = levels(shot(PortraitRun(3, 0), PortraitRun(2, 2), PortraitRun(4, 1)), renderer)
    assert near(found, [A] * 3 + [C] * 2 + [B] * 4)
    assert [frames for _, frames in renderer.calls] == [3, 2, 4]


def test_without_runs_from_portrait_0() -> None:
    assert near(levels([*SHOT, group(0, 5)]), [A] * 5)


def test_each_portrait_is_prepared_with_its_own_features() -> None:
    renderer = Painting()
    units = flat_portraits(A, B, C, value=40)
    levels(shot(PortraitRun(1, 0), PortraitRun(1, 2), units=units), renderer)
    assert [own[0] for own in renderer.prepared] == [40 * UNITS[0], 42 * UNITS[0]]
    base = group(0, 2)
    assert all(len(batch) == 1 for batch in renderer.rendered)
    assert not np.array_equal(renderer.rendered[0], renderer.rendered[1]) and len(base.ticks) == 2


def test_the_motion_of_a_frame_is_the_same_from_every_portrait() -> None:
    first, second = Painting(), Painting()
    levels(shot(PortraitRun(6, 0)), first)
    levels(shot(PortraitRun(6, 2)), second)
    assert np.array_equal(first.rendered[0], second.rendered[0])


def test_a_passing_run_mixes_by_its_shares() -> None:
    found = levels(shot(PortraitRun(2, 0), PortraitRun(5, 0, other=1), PortraitRun(2, 1)))
    step = (B - A) / 6
    assert near(found, [A] * 2 + [A + step * n for n in range(1, 6)] + [B] * 2)


def test_a_passing_run_is_not_fused_and_not_taken_for_a_cut() -> None:
    units = flat_portraits(0, 255)
    pictures = shown(shot(PortraitRun(1, 0), PortraitRun(1, 0, other=1), units=units))
    assert abs(level(pictures[1]) - 128) <= 2 and float(np.ptp(pictures[1])) <= 2


def test_weights_fuse_where_the_renderer_can() -> None:
    renderer = Painting()
    pictures = shown(shot(PortraitRun(3, 0, other=2, weight=4)), renderer)
    assert [len(portraits) for portraits, _ in renderer.calls] == [2]
    assert renderer.calls[0][1] == 3
    assert all(abs(level(picture) - A) <= 2 for picture in pictures)  # the first is the main one
    assert abs(float(pictures[0][:, :128].mean()) - (A + C) / 2) <= 2


def test_weights_mix_where_it_cannot() -> None:
    renderer = Painting(most_portraits=1)
    found = levels(shot(PortraitRun(3, 0, other=2, weight=4)), renderer)
    assert near(found, [A + (C - A) / 4] * 3)


# --- how they are rendered ---


def alternating(frames: int) -> list[Item]:
    return shot(*(PortraitRun(1, number % 2) for number in range(frames)))


def test_alternating_portraits_make_no_tiny_batches() -> None:
    renderer = Painting()
    found = levels(alternating(32), renderer)
    assert near(found, [A, B] * 16)
    assert [frames for _, frames in renderer.calls] == [8] * 4
    assert len(renderer.prepared) == 2


@pytest.mark.parametrize("batch_frames", [1, 3, 64])
def test_pictures_are_the_same_in_every_batch_size(batch_frames: int) -> None:
    runs = (
        PortraitRun(2, 0),
        PortraitRun(3, 0, other=1),
        PortraitRun(2, 1, other=2, weight=9),
        PortraitRun(2, 2, other=0),
        PortraitRun(1, 0),
    )
    pairs = zip(shown(shot(*runs)), shown(shot(*runs), batch_frames=batch_frames), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


def test_no_more_poses_wait_than_fit_into_a_batch() -> None:
    given = 0

    def counted() -> Iterable[Item]:
        nonlocal given
        yield from SHOT
        for number in range(40):
            given = number + 1
            yield group(number, 1, runs=(PortraitRun(1, number % 2),))

    poses = play(counted(), Window(HEAD, UNITS, DecodeOptions()))
    frames = rendered(poses, PortraitStates(Painting(), UNITS), Painting(), 256, 4)
    for number, _ in enumerate(frames):
        assert given <= number + 5


def test_at_most_so_many_portraits_are_kept() -> None:
    units = flat_portraits(*range(30, 30 + 10 * (MAX_STATES + 2), 10))
    runs = chain.from_iterable(repeat([PortraitRun(2, n) for n in range(len(units))], 2))
    renderer = Painting()
    found = levels(shot(*runs, units=units), renderer, batch_frames=2)
    assert near(found, [30 + 10 * n for n in range(len(units)) for _ in range(2)] * 2)
    assert max(renderer.alive) == MAX_STATES


def test_those_used_last_are_kept() -> None:
    units = flat_portraits(*range(30, 80, 10))
    runs = [PortraitRun(1, n) for n in (0, 1, 2, 3, 0, 4, 0, 2, 3, 4, 0)]
    renderer = Painting()
    levels(shot(*runs, units=units), renderer, batch_frames=1)
    assert len(renderer.prepared) == 5


# --- from shot to shot ---


def two_shots(*, continues: bool, gap: int = 1, last: int = 2) -> list[Item]:
    after = flat_portraits(200, 230, shot=1, first_frame=10, value=900, continues=continues)
    runs = (PortraitRun(5, 0), PortraitRun(5, last))
    before = group(0, 10, runs=runs)
    return [*SHOT, before, *after, group(10, 10, shot=1, tick=9 + gap)]


def test_a_shot_that_continues_fades_from_the_last_portrait_before() -> None:
    found = levels(two_shots(continues=True))
    fade = [C + (200 - C) * n / 6 for n in range(1, 6)]
    assert near(found, [A] * 5 + [C] * 5 + fade + [200] * 5)


def test_a_cut_is_never_faded() -> None:
    items = two_shots(continues=False)
    alike = np.zeros(48, np.int16)
    still = [replace(i, features=alike) if isinstance(i, PortraitUnit) else i for i in items]
    for stream in (items, still):  # also where the motion goes on
        assert near(levels(stream), [A] * 5 + [C] * 5 + [200] * 10)


def test_a_pause_is_not_faded_over() -> None:
    assert near(levels(two_shots(continues=True, gap=6)), [A] * 5 + [C] * 5 + [200] * 10)


def test_a_change_within_a_shot_is_not_faded_by_itself() -> None:
    renderer = Painting()
    levels(shot(PortraitRun(5, 0), PortraitRun(5, 1)), renderer)
    assert sum(frames for _, frames in renderer.calls) == 10


def test_only_the_shots_being_shown_are_in_memory() -> None:
    renderer = Painting()
    levels(two_shots(continues=True), renderer, batch_frames=5)
    assert renderer.alive[-1] == 1 and len(renderer.prepared) == 3


@pytest.mark.parametrize("start", [1, 5, 7, 9, 10, 12, 14, 15, 19])
def test_a_frame_is_the_same_wherever_playing_began(start: int) -> None:
    items = two_shots(continues=True)
    whole, part = shown(items), shown(items, start=start)
    assert all(np.array_equal(a, b) for a, b in zip(part, whole[start:], strict=True))


# --- damage ---


def broken(*numbers: int) -> list[PortraitUnit]:
    return [replace(u, unit=b"\x32\x00") if u.number in numbers else u for u in SHOT]


def test_a_unit_that_does_not_decode_is_refused() -> None:
    with pytest.raises(BitstreamError) as caught:
        shown(shot(PortraitRun(2, 0), PortraitRun(2, 2), units=broken(1)))
    assert caught.value.code == "bad-unit"
    # what isn't shown need not decode
    assert near(levels(shot(PortraitRun(3, 0), units=broken(1))), [A] * 3)


def test_the_newest_portrait_that_decodes_stands_in() -> None:
    damage = Damage()
    runs = (PortraitRun(2, 0), PortraitRun(2, 1), PortraitRun(2, 2), PortraitRun(2, 2, other=0))
    found = shown(shot(*runs, units=broken(2)), damage=damage)
    assert near(list(map(level, found)), [A] * 2 + [B] * 4 + [B + (A - B) / 3, B + (A - B) * 2 / 3])
    assert damage.stills_lost == 1


def test_the_shot_before_stands_in_for_one_without_any_picture() -> None:
    damage = Damage()
    items = [
        replace(item, unit=b"\x32\x00") if isinstance(item, PortraitUnit) and item.shot else item
        for item in two_shots(continues=False)
    ]
    assert near(list(map(level, shown(items, damage=damage))), [A] * 5 + [C] * 15)
    assert damage.stills_lost == 1
