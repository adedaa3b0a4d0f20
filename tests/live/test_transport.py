"""Any loss, any order: what is given is a valid stream, and every frame of it is right, coarse, or not there."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.live import FRAMES, GROUP_FRAMES, frames_of, live_stream, moments, shown, written
from vqcodec.container import Reader
from vqcodec.container.reader import Item
from vqcodec.errors import BitstreamError
from vqcodec.live.feed import COPY_LAYERS, Feed
from vqcodec.live.outlet import ZERO_INDEX
from vqcodec.live.receiver import Receiver
from vqcodec.types import AudioGroup, MotionGroup, PortraitUnit

SENT = list(Reader(io.BytesIO(live_stream())))
MADE = moments(live_stream())
TRUE = frames_of(SENT)
SILENT_TICK_SAMPLES = 1920


def check(items: Sequence[Item], receiver: Receiver) -> list[int]:
    """Every frame has its own tokens, or the coarse ones; returns the layers of each frame, 0 where it isn't there."""
    read = list(Reader(io.BytesIO(written(items, receiver)))) if items else []
    assert [type(item) for item in read] == [type(item) for item in items]
    origin = receiver._outlet.origin_tick or 0
    layers = [0] * FRAMES
    for tick, (group, place) in frames_of(read).items():
        true, at = TRUE[tick + origin]
        same = [
            bool((group.indices[place, :, r] == true.indices[at, :, r]).all()) for r in range(4)
        ]
        zero = [bool((group.indices[place, :, r] == ZERO_INDEX).all()) for r in range(4)]
        count = same.index(False) if False in same else 4
        assert count >= COPY_LAYERS and all(zero[count:])
        layers[tick + origin] = count
    return layers


def every(number: int, data: bytes) -> list[tuple[float, bytes]]:
    return [(0.0, data)]


def test_without_loss_all_comes_as_it_was_made() -> None:
    items, receiver = shown(MADE, every)
    assert check(items, receiver) == [4] * FRAMES
    got = [item for item in items if isinstance(item, MotionGroup)]
    made = [item for item in SENT if isinstance(item, MotionGroup)]
    assert [group.runs for group in got] == [group.runs for group in made]
    heard = [item for item in items if isinstance(item, AudioGroup)]
    assert [(a.first_sample, a.packets) for a in heard] == [
        (a.first_sample, a.packets) for a in SENT if isinstance(a, AudioGroup)
    ]
    assert [(u.shot, u.number, u.unit) for u in items if isinstance(u, PortraitUnit)] == [
        (u.shot, u.number, u.unit) for u in SENT if isinstance(u, PortraitUnit)
    ]
    tally = receiver.tally
    assert (tally.exact, tally.coarse, tally.late, tally.lost) == (
        FRAMES,
        0,
        0,
        0,
    ) and receiver.over


def test_a_lost_packet_costs_its_own_frames_their_fine_layers_and_nothing_else() -> None:
    items, receiver = shown(MADE, lambda number, data: [] if number == 5 else [(0.0, data)])
    layers = check(items, receiver)
    lost = range(5 * GROUP_FRAMES, 6 * GROUP_FRAMES)
    assert [frame for frame, count in enumerate(layers) if count != 4] == list(lost)
    assert {layers[frame] for frame in lost} == {COPY_LAYERS}
    assert receiver.tally.lost == 1 and receiver.tally.coarse == GROUP_FRAMES


def test_two_lost_in_a_row_are_held_for_one_group() -> None:
    items, receiver = shown(MADE, lambda number, data: [] if number in (5, 6) else [(0.0, data)])
    layers = check(items, receiver)
    assert layers[15:18] == [0] * 3 and layers[18:21] == [COPY_LAYERS] * 3
    assert layers[:15] == [4] * 15 and layers[21:] == [4] * 24


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), loss=st.sampled_from([0.0, 0.1, 0.4, 0.9, 1.0]))
@example(seed=0, loss=1.0)
def test_no_pattern_of_loss_order_and_doubles_raises_or_shows_what_is_wrong(
    seed: int, loss: float
) -> None:
    chance = random.Random(seed)

    def channel(number: int, data: bytes) -> list[tuple[float, bytes]]:
        copies = [0.0] * (chance.random() >= loss) + [0.3] * (chance.random() < 0.1)
        return [(later + chance.expovariate(1 / 0.05), data) for later in copies]

    items, receiver = shown(MADE, channel, lambda feed: list(feed.pieces(chance.randrange(3))))
    check(items, receiver)
    ticks = [int(t) for item in items if isinstance(item, MotionGroup) for t in item.ticks]
    assert ticks == sorted(set(ticks))


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_bytes_that_are_no_packet_are_as_good_as_lost(data: st.DataObject) -> None:
    def channel(number: int, packet: bytes) -> list[tuple[float, bytes]]:
        changed = bytearray(packet)
        for _ in range(data.draw(st.integers(0, 3))):
            changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
        return [(0.0, bytes(changed[: data.draw(st.integers(0, 400))]))]

    items, receiver = shown(MADE[:6], channel)
    if items:
        written(items, receiver)
    receiver.packet(b"", 0.0)
    receiver.packet(bytes(20_000), 0.0)
    assert receiver.tally.refused >= 2


def test_who_comes_late_gets_the_shot_at_hand_and_begins_at_zero() -> None:
    feed, receiver = Feed(MADE[9].joining, 12), Receiver()
    items: list[Item] = []
    for number, moment in enumerate(MADE[10:]):
        for packet in feed.packets(moment):
            receiver.packet(packet, number * 0.12)
        for piece in feed.pieces(1):
            receiver.whole(piece)
        items += receiver.due(number * 0.12)
    items += receiver.rest()
    layers = check(items, receiver)
    assert layers[30:] == [4] * 15 and receiver._outlet.origin_tick == 30
    first = next(item for item in items if isinstance(item, PortraitUnit))
    assert (first.shot, first.number, first.continues) == (0, 0, False)
    sounds = [item for item in items if isinstance(item, AudioGroup)]
    assert sounds[0].first_sample == 0


def test_a_portrait_that_is_late_is_stood_in_for_and_a_shot_without_one_waits() -> None:
    sent = 0

    def slowly(feed: object) -> list[bytes]:
        nonlocal sent
        sent += 1
        whole = list(feed.pieces(1 << 20))  # type: ignore[attr-defined]
        held.extend(whole)
        return [held.pop(0) for _ in range(len(held))] if sent % 6 == 1 else []

    held: list[bytes] = []
    items, receiver = shown(MADE, every, slowly)
    layers = check(items, receiver)
    # portraits of the first shot came with moment 6 (frame 18), the second shot's with moment 12 (frame 36)
    assert layers[:24] == [4] * 24 and layers[36:] == [4] * 9
    runs = {int(g.ticks[0]): g.runs for g in items if isinstance(g, MotionGroup)}
    assert runs[9] == ()


def test_a_sender_that_sends_no_stream_is_told() -> None:
    with pytest.raises(BitstreamError):
        Receiver().whole(b"GET / HTTP/1.1\r\n")
    assert np.array_equal(Receiver().rest(), [])
