"""Progress callbacks: what they are told, how they end a call, how they reach an event loop."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from tests.support.codec import CountedLoads
from vqcodec import EncodeReport, ProgressEvent
from vqcodec.codec.codec import Codec


class Stopped(Exception):
    """What a caller's callback raises."""


def stop_after(count: int) -> tuple[list[ProgressEvent], object]:
    seen: list[ProgressEvent] = []

    def tell(event: ProgressEvent) -> None:
        seen.append(event)
        if len(seen) == count:
            raise Stopped

    return seen, tell


def stages() -> set[str]:
    return {thread.name for thread in threading.enumerate() if "vqcodec-stage" in thread.name}


def test_it_is_called_in_the_callers_thread(counted: CountedLoads, drawn_clip: Path) -> None:
    threads = set()
    counted.codec().encode(drawn_clip, progress=lambda event: threads.add(threading.get_ident()))
    assert threads == {threading.get_ident()}


@pytest.mark.parametrize("count", [1, 20])
def test_an_exception_ends_an_encode_and_leaves_nothing(
    counted: CountedLoads, drawn_clip: Path, tmp_path: Path, count: int
) -> None:
    seen, tell = stop_after(count)
    with pytest.raises(Stopped):
        counted.codec().encode(drawn_clip, tmp_path / "a.vqt", progress=tell)  # type: ignore[arg-type]
    assert len(seen) == count and list(tmp_path.iterdir()) == [] and not stages()


def test_an_exception_ends_a_decode_and_leaves_nothing(
    counted: CountedLoads, drawn_clip: Path, tmp_path: Path
) -> None:
    codec = counted.codec()
    data = codec.encode(drawn_clip).data
    assert data is not None
    _, tell = stop_after(5)
    with pytest.raises(Stopped):
        codec.decode(data, tmp_path / "a.mp4", progress=tell)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == [] and not stages()
    assert codec.decode(data, tmp_path / "a.mp4").frames == 30  # the Codec goes on


async def followed(codec: Codec, clip: Path, target: Path) -> tuple[EncodeReport, list[int]]:
    """As the Codec's module text says."""
    loop, events = asyncio.get_running_loop(), asyncio.Queue[ProgressEvent]()

    def tell(event: ProgressEvent) -> None:
        loop.call_soon_threadsafe(events.put_nowait, event)

    report = await asyncio.to_thread(codec.encode, clip, target, progress=tell)
    return report, [events.get_nowait().frames for _ in range(events.qsize())]


def test_events_reach_a_loop(counted: CountedLoads, drawn_clip: Path, tmp_path: Path) -> None:
    report, frames = asyncio.run(followed(counted.codec(), drawn_clip, tmp_path / "a.vqt"))
    # a frame each, and once more when the file is complete
    assert report.sizes.frames == 30 and frames == [*range(1, 31), 30]


async def cancelled(codec: Codec, clip: Path, target: Path) -> None:
    """A task that is cancelled ends the call at its next event."""
    over, started = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def tell(event: ProgressEvent) -> None:
        loop.call_soon_threadsafe(started.set)
        over.wait(30)
        raise Stopped

    task = asyncio.create_task(asyncio.to_thread(codec.encode, clip, target, progress=tell))
    await started.wait()
    over.set()
    with pytest.raises(Stopped):
        await task


def test_a_call_in_a_loop_can_be_ended(
    counted: CountedLoads, drawn_clip: Path, tmp_path: Path
) -> None:
    asyncio.run(cancelled(counted.codec(), drawn_clip, tmp_path / "a.vqt"))
    assert list(tmp_path.iterdir()) == [] and not stages()
