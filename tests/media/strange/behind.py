"""Files joined byte by byte, of kinds that say of themselves how long they are: what lies behind the first isn't read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.media.strange.table import Strange
from tests.support.media import make_clip, times_at

COUNT = 20


def _joined(parts: int, **options: str) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        data = b""
        for number in range(parts):
            part = path.with_name(f"{number}{path.suffix}")
            make_clip(part, times_at(25, COUNT + 10 * number), options=options)
            data += part.read_bytes()
        path.write_bytes(data)

    return make


def _row(name: str, make: Callable[[Path], object], *says: str) -> Strange:
    return Strange(
        name,
        make,
        times=[n / 25 for n in range(COUNT)],
        greys=list(range(COUNT)),
        says=says,
    )


ROWS = [
    _row("two one behind the other.mp4", _joined(2), "2 recordings"),
    _row("two, the index first.mp4", _joined(2, movflags="faststart"), "2 recordings"),
    _row("three one behind the other.mov", _joined(3), "3 recordings"),
    _row("two one behind the other.flv", _joined(2), "2 recordings"),
    _row("one.flv", _joined(1)),
    _row("in fragments.mp4", _joined(1, movflags="frag_keyframe+empty_moov")),
]
