"""A stream of short groups on its way to a viewer: over a channel that does with packets what it is told."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

from tests.support.shots import flat_portraits, group, shot_stream
from vqcodec.container import Reader, Writer
from vqcodec.container.reader import Item
from vqcodec.live.feed import Feed
from vqcodec.live.programme import Moment, Programme
from vqcodec.live.receiver import Receiver
from vqcodec.types import AudioGroup, MotionGroup, PortraitRun, PortraitUnit

GROUP_FRAMES = 3
FRAMES = 45
INTERVAL_S = GROUP_FRAMES / 25
WAY_S = 0.05


@cache
def live_stream() -> bytes:
    """45 frames at 25 Hz in groups of three, with sound: two shots, the second of which continues the first from frame 24 on."""
    reader = Reader(io.BytesIO(shot_stream(sound=True)))
    packets = [data for item in reader if isinstance(item, AudioGroup) for data in item.packets]
    first = flat_portraits(60, 120, 180, value=20)
    second = flat_portraits(200, 230, shot=1, value=-40, continues=True)
    portraits = {0: first[:1], 9: first[1:], 24: second[:1], 36: second[1:]}
    sink = io.BytesIO()
    with Writer(sink, reader.head) as writer:
        for start in range(0, FRAMES, GROUP_FRAMES):
            for unit in portraits.get(start, []):
                writer.portrait(replace(unit, first_frame=start))
            writer.motion(group(start, GROUP_FRAMES, shot=int(start >= 24), runs=_runs(start)))
            heard = packets[2 * start : 2 * start + 6] or packets[:6]
            writer.audio(AudioGroup(start * 1920, tuple(heard)))
    return sink.getvalue()


def _runs(start: int) -> tuple[PortraitRun, ...]:
    if start == 9:
        return (PortraitRun(1, 0), PortraitRun(2, 0, other=1))
    if start == 39:
        return (PortraitRun(GROUP_FRAMES, 1),)
    return ()


def moments(data: bytes, programme: Programme | None = None) -> list[Moment]:
    """A moment for each motion group with its sound, as a live encode flushes; the end in the last one."""
    programme = programme or Programme()
    parts = _parts(data)
    found = []
    for number, part in enumerate(parts):
        programme.push(part)
        after = parts[number + 1][:4] if number + 1 < len(parts) else b""
        if part[:4] == b"AUDO" or (part[:4] == b"MOTN" and after != b"AUDO") or not after:
            found.append(programme.flush())
    return found


def _parts(data: bytes) -> list[bytes]:
    from tests.support.recover import split

    return split(data)


def frames_of(items: Sequence[Item]) -> dict[int, tuple[MotionGroup, int]]:
    """Groups by the ticks of their frames, with the frame's place."""
    return {
        int(tick): (item, place)
        for item in items
        if isinstance(item, MotionGroup)
        for place, tick in enumerate(item.ticks)
    }


def shown(
    made: Sequence[Moment],
    channel: Callable[[int, bytes], Sequence[tuple[float, bytes]]],
    pieces: Callable[[Feed], Sequence[bytes]] = lambda feed: list(feed.pieces(8)),
) -> tuple[list[Item], Receiver]:
    """What a viewer gives, asked every 20 ms, where `channel` says what comes of each packet, and how much later."""
    head_groups = 12
    feed, receiver = Feed(b"", head_groups), Receiver()
    waiting: list[tuple[float, int, bytes]] = []
    given: list[Item] = []
    count = 0
    for number, moment in enumerate(made):
        now_s = number * INTERVAL_S
        for packet in feed.packets(moment):
            for later_s, data in channel(count, packet):
                waiting.append((now_s + WAY_S + later_s, len(waiting), data))
            count += 1
        for piece in pieces(feed):
            receiver.whole(piece)
        for step in range(6):
            given += _arrived(receiver, waiting, now_s + step * 0.02)
    while waiting:
        given += _arrived(receiver, waiting, waiting[0][0])
    return given + receiver.rest(), receiver


def _arrived(
    receiver: Receiver, waiting: list[tuple[float, int, bytes]], now_s: float
) -> list[Item]:
    waiting.sort()
    while waiting and waiting[0][0] <= now_s:
        at_s, _, data = waiting.pop(0)
        receiver.packet(data, at_s)
    return receiver.due(now_s)


def written(items: Sequence[Item], receiver: Receiver) -> bytes:
    """The items as a stream: a writer refuses what isn't one."""
    assert receiver.head is not None
    sink = io.BytesIO()
    writer = Writer(sink, receiver.head)
    for item in items:
        if isinstance(item, PortraitUnit):
            writer.portrait(item)
        elif isinstance(item, MotionGroup):
            writer.motion(item)
        elif isinstance(item, AudioGroup):
            writer.audio(item)
    if any(isinstance(item, MotionGroup) for item in items):
        writer.close()
    return sink.getvalue()
