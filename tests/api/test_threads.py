"""One Codec, several threads at the same time: results are those of one call after the other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.codec import CountedLoads
from tests.support.pipeline import write_swaying
from vqcodec.codec.models import Models
from vqcodec.config import RuntimeOptions

THREADS = 4


def at_once(*calls: Callable[[], bytes | None]) -> list[bytes | None]:
    """Results of calls that begin together."""
    met = threading.Barrier(len(calls))

    def run(call: Callable[[], bytes | None]) -> bytes | None:
        met.wait(30)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_encodes_and_decodes_at_the_same_time(
    counted: CountedLoads, drawn_clip: Path, tmp_path: Path
) -> None:
    other = write_swaying(tmp_path / "other.mp4", 40, size=60)
    serial = counted.codec()
    coded = [serial.encode(clip).data for clip in (drawn_clip, other)]
    assert coded[0] is not None and coded[1] is not None
    first, second = coded[0], coded[1]
    shown = [serial.decode(data).data for data in (first, second)]
    codec = counted.codec()
    counted.loads.clear()
    made = at_once(
        lambda: codec.encode(drawn_clip).data,
        lambda: codec.decode(first).data,
        lambda: codec.encode(other).data,
        lambda: codec.decode(second).data,
    )
    assert made == [first, shown[0], second, shown[1]]
    assert counted.loads == {"encoder": 1, "decoder": 1}


def test_two_threads_that_need_a_model_load_it_once() -> None:
    models, begun, loads = Models(RuntimeOptions()), threading.Barrier(THREADS), list[int]()

    def load() -> object:
        loads.append(1)
        return object()

    def need(_: int) -> object:
        begun.wait(30)
        return models._once("a", load)

    with ThreadPoolExecutor(THREADS) as pool:
        found = set(map(id, pool.map(need, range(THREADS))))
    assert len(found) == len(loads) == 1


def test_a_failed_load_is_tried_again() -> None:
    models, tries = Models(RuntimeOptions()), list[int]()

    def load() -> int:
        tries.append(1)
        if len(tries) == 1:
            raise OSError("the disk")
        return 7

    try:
        models._once("a", load)
    except OSError:
        assert models._once("a", load) == 7
    assert len(tries) == 2
