"""Stages in threads: order, bounds, errors, and an orderly end."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator

import pytest

from vqcodec.runtime.threads import overlapped


def stage_threads() -> int:
    return sum(thread.name == "vqcodec-stage" for thread in threading.enumerate())


def test_order_is_kept_through_several_stages() -> None:
    doubled = (2 * x for x in overlapped(iter(range(500)), depth=3))
    assert list(overlapped(doubled, depth=2)) == [2 * x for x in range(500)]
    assert stage_threads() == 0


def test_runs_in_another_thread_and_no_further_ahead_than_its_depth() -> None:
    made: list[str] = []

    def numbers() -> Iterator[int]:
        for i in range(100):
            made.append(threading.current_thread().name)
            yield i

    items = overlapped(numbers(), depth=4)
    assert next(items) == 0
    time.sleep(0.3)
    assert len(made) <= 6  # one taken, four waiting, one in hand
    assert set(made) == {"vqcodec-stage"}
    items.close()
    assert stage_threads() == 0


def test_nothing_runs_before_it_is_asked_for() -> None:
    items = overlapped(iter([1]), depth=1)
    assert stage_threads() == 0
    assert list(items) == [1]


def test_errors_come_out_where_the_items_do() -> None:
    def numbers() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("three")

    seen = []
    with pytest.raises(ValueError, match="three"):
        for item in overlapped(overlapped(numbers(), depth=1), depth=1):
            seen.append(item)  # noqa: PERF402 - what comes before the error counts
    assert seen == [1, 2]
    assert stage_threads() == 0


def test_leaving_early_closes_every_stage() -> None:
    closed = []

    def endless(name: str, source: Iterator[int]) -> Iterator[int]:
        try:
            yield from source
        finally:
            closed.append(name)

    def forever() -> Iterator[int]:
        while True:
            yield 0

    first = overlapped(endless("first", forever()), depth=2)
    second = overlapped(endless("second", first), depth=2)
    with pytest.raises(KeyboardInterrupt):
        for count, _ in enumerate(second):
            if count == 10:
                second.throw(KeyboardInterrupt())
    assert sorted(closed) == ["first", "second"]
    assert stage_threads() == 0


def test_a_generator_finished_in_its_own_thread_ends_without_an_error() -> None:
    """A generator that nobody holds any more is closed where the collector happens to run: here, in its own stage."""
    seen: list[BaseException | None] = []
    held: list[Generator[int, None, None]] = []
    taken = threading.Event()

    def numbers() -> Iterator[int]:
        yield 0
        taken.wait(5)
        try:
            held[0].close()
        except BaseException as error:
            seen.append(error)
        else:
            seen.append(None)
        yield 1

    held.append(overlapped(numbers(), depth=1))
    assert next(held[0]) == 0
    taken.set()
    deadline = time.monotonic() + 5
    while not seen and time.monotonic() < deadline:
        time.sleep(0.01)
    assert seen == [None]
