"""Transport streams whose pictures go on in another codec."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.media.strange.table import Strange
from tests.support.media import make_clip, times_at

COUNT = 12
_H264: dict[str, Any] = {"codec": "libx264"}
_MPEG2: dict[str, Any] = {
    "codec": "mpeg2video",
    "base": Fraction(1, 25),
    "video_options": {"q:v": "2", "sc_threshold": "1000000000"},
}


def _parts(*kinds: dict[str, Any]) -> Callable[[Path], object]:
    """So many pictures of each, whose times go on."""

    def make(path: Path) -> None:
        data = b""
        for number, kind in enumerate(kinds):
            part = path.with_suffix(f".{number}.ts")
            begin = 1 + Fraction(number * COUNT, 25)
            make_clip(part, [begin + time for time in times_at(25, COUNT)], **kind)
            data += part.read_bytes()
        path.write_bytes(data)

    return make


# libav loses a picture before each change, and the last MPEG-2 one shows what the one before it does
_LOST = (10, 22)
_KEPT = [n for n in range(3 * COUNT) if n not in _LOST]
ROWS = [
    Strange(
        "MPEG-2 for a while.ts",
        _parts(_H264, _MPEG2, _H264),
        times=[n / 25 for n in _KEPT],
        within_s=0.021,
        greys=[9 if n == 23 else n % COUNT for n in _KEPT],
        damaged=None,
        says=("go on in another codec 2 times", "1 picture of"),
    ),
]
