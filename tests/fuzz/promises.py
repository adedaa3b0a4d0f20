"""What readers promise beside reading in order: recovery, random access, thinning. For the oracles."""

from __future__ import annotations

import io
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from tests.fuzz.walks import Pipe, Walk, decode_once, refusal, walk_coded
from tests.support.container import same_item
from vqcodec.container import (
    CodedGroup,
    Reader,
    RecoveringReader,
    RelativePortrait,
    UnsupportedStreamError,
    thin,
)
from vqcodec.container.chunks import is_safe_to_copy
from vqcodec.container.items import item_position, item_types
from vqcodec.container.ledger import MAX_HOLE_S
from vqcodec.errors import BitstreamError, UsageError
from vqcodec.format import AUDIO_RATE_HZ, MIN_PACKET_SAMPLES, PRE_ROLL_SAMPLES
from vqcodec.types import AudioGroup, KeyFrame, MotionGroup, PortraitUnit


def check_recovery(data: bytes, decoded: Walk) -> None:
    """Recovery gives all of a valid stream, and of any other groups that follow each other."""
    try:
        reader = RecoveringReader.open(Pipe(data), decode=decode_once)  # type: ignore[arg-type]
        found = list(reader)
    except (BitstreamError, UnsupportedStreamError) as error:
        refusal(error)
        assert decoded.refusal is not None or has_long_hole(data), (
            f"recovery refuses a valid stream: {error}"
        )
        return
    intact = decoded.refusal is None and not has_long_hole(data)
    for kind in (KeyFrame, PortraitUnit, MotionGroup, AudioGroup):
        mine, theirs = (
            [item for item in items if isinstance(item, kind)] for items in (found, decoded.items)
        )
        if intact:
            assert len(mine) == len(theirs) and all(map(same_item, mine, theirs)), (
                f"recovery gives another {kind.__name__}"
            )
    assert not (intact and reader.damage.any), reader.damage
    groups = [item for item in found if isinstance(item, MotionGroup)]
    for before, after in pairwise(groups):
        assert (
            before.first_frame + len(before.ticks) <= after.first_frame
            and before.ticks[-1] < after.ticks[0]
        )
    sounds = [item for item in found if isinstance(item, AudioGroup)]
    for one, two in pairwise(sounds):
        assert one.first_sample + MIN_PACKET_SAMPLES * len(one.packets) <= two.first_sample
    assert isinstance(found[0], KeyFrame | PortraitUnit) or reader.damage.any
    if reader.head.version[0] != 1:
        check_usable(found)


def check_usable(items: list[Any]) -> None:
    """Every portrait can be decoded, and every group shown, with what has been given before."""
    shot, given = None, set()
    for item in items:
        if isinstance(item, PortraitUnit):
            if item.number == 0:
                shot, given = item.shot, set()
            assert item.shot == shot
            assert item.depends_on is None or item.depends_on in given
            given.add(item.number)
        elif isinstance(item, MotionGroup):
            assert item.shot == shot
            assert sum(run.frames for run in item.runs) in (0, len(item.ticks))
            for run in item.runs:
                assert {run.portrait, run.other} <= {None, *given}


def has_long_hole(data: bytes) -> bool:
    """Whether times jump so far that recovery takes them for damage (vqcodec.container.ledger); half of it is near enough."""
    reader = Reader(io.BytesIO(data))
    tick = sample = 0
    holes = []
    for item in reader.coded():
        if isinstance(item, CodedGroup):
            holes.append((int(item.ticks[0]) - tick) * reader.head.time_base_s)
            tick = int(item.ticks[-1])
        elif isinstance(item, AudioGroup):
            holes.append(Fraction(item.first_sample - sample, AUDIO_RATE_HZ))
            sample = item.first_sample
    assert reader.end_tick is not None
    return max(*holes, (reader.end_tick - tick) * reader.head.time_base_s) > MAX_HOLE_S / 2


def check_random_access(data: bytes, items: list[Any], coded: Walk) -> None:
    """The index and what it leads to are what reading in order gives."""
    reader = Reader(io.BytesIO(data), decode=decode_once)
    index = reader.index()
    assert [entry.offset for entry in index.entries] == coded.offsets
    for entry, item in zip(index.entries, coded.items, strict=True):
        assert data[entry.offset : entry.offset + 4] == item_types(reader.head)[entry.kind]
        assert entry.position == item_position(item)
    head = reader.head
    starts = [
        int(item.ticks[len(item.ticks) // 2]) for item in items if isinstance(item, MotionGroup)
    ]
    for tick in {0, starts[0], starts[-1], starts[len(starts) // 2] - 1, index.end_tick - 1}:
        if tick >= 0:
            start_s = (tick + Fraction(1, 3)) * head.time_base_s
            expected = playable_from(items, start_s, head)
            found = list(reader.groups_from(start_s))
            assert len(found) == len(expected) and all(map(same_item, found, expected)), (
                f"playing from {start_s} s"
            )


def playable_from(items: list[Any], start_s: Fraction, head: Any) -> list[Any]:
    """vqt.md, section 11, "Random access", from all items."""
    motion = [i for i, item in enumerate(items) if isinstance(item, MotionGroup)]
    first = max(
        [i for i in motion if int(items[i].ticks[0]) * head.time_base_s <= start_s],
        default=motion[0],
    )
    key_frame = max(i for i in range(first) if begins(items[i]))
    before = [item for item in items[key_frame:first] if isinstance(item, KeyFrame | PortraitUnit)]
    sound = [i for i, item in enumerate(items) if isinstance(item, AudioGroup)]
    pre_skip = head.audio.pre_skip_samples if head.audio else 0
    sample = start_s * AUDIO_RATE_HZ + pre_skip - PRE_ROLL_SAMPLES
    first_sound = max(
        [i for i in sound if items[i].first_sample <= sample], default=min(sound, default=0)
    )
    rest = [
        item
        for i, item in enumerate(items)
        if i >= (first_sound if isinstance(item, AudioGroup) else first)
    ]
    return [*before, *rest]


def begins(item: Any) -> bool:
    """Whether all groups up to the next such item need this one."""
    return isinstance(item, KeyFrame) or (isinstance(item, PortraitUnit) and item.number == 0)


def check_thinning(data: bytes, coded: Walk) -> None:
    """Thinner streams are valid, and hold the same coarse layers, sound and safe ancillary chunks."""
    reader = Reader(io.BytesIO(data))
    kept = [
        (chunk.type, chunk.payload)
        for chunk, value in reader.chunks()
        if value is None and is_safe_to_copy(chunk.type)
    ]
    for layers in range(1, reader.head.layers + 1):
        sink = io.BytesIO()
        sizes = thin(io.BytesIO(data), sink, layers)
        thinner = sink.getvalue()
        assert sizes.portrait + sizes.motion + sizes.audio + sizes.scene + sizes.container == len(
            thinner
        )
        walk = walk_coded(thinner)
        assert walk.refusal is None, f"thinned to {layers} layers: {walk.refusal}"
        again = Reader(io.BytesIO(thinner))
        assert [
            (chunk.type, chunk.payload) for chunk, value in again.chunks() if value is None
        ] == kept
        assert again.head.layers == layers and again.end_tick == reader.end_tick
        for one, two in zip(coded.items, walk.items, strict=True):
            if isinstance(one, CodedGroup):
                assert one.payloads[:layers] == two.payloads and np.array_equal(
                    one.ticks, two.ticks
                )
                assert np.array_equal(one.low_confidence, two.low_confidence)
                assert (one.shot, one.runs) == (two.shot, two.runs)
            elif isinstance(one, RelativePortrait):
                assert one.unit == two.unit and same_outline(one, two)
            else:
                assert same_item(one, two)


def same_outline(one: RelativePortrait, two: RelativePortrait) -> bool:
    """Whether two portraits say the same before their units."""
    return same_item(one.outline, two.outline)


def check_damaged_random_access(data: bytes) -> None:
    """A damaged file's index gives typed errors, or groups of this file."""
    try:
        reader = Reader(io.BytesIO(data), decode=decode_once)
        index = reader.index()
        for start_s in (Fraction(0), index.end_tick * reader.head.time_base_s / 2):
            for item in reader.groups_from(start_s):
                assert isinstance(item, KeyFrame | PortraitUnit | MotionGroup | AudioGroup)
    except (BitstreamError, UnsupportedStreamError) as error:
        refusal(error)


def check_damaged_thinning(data: bytes) -> None:
    """A damaged file can't be thinned to its end; payloads that don't decode pass unseen."""
    try:
        thin(io.BytesIO(data), io.BytesIO(), 1)
    except (BitstreamError, UnsupportedStreamError) as error:
        refusal(error)
    except UsageError as error:
        raise AssertionError(f"thin blames its caller for a damaged file: {error}") from error
