"""Files of which something was lost on the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.media.strange.table import Strange
from tests.support.media import make_clip, times_at

_PACKET, _VIDEO_ID = 188, 256
KEY_EVERY = 12


def _with_errors(*hit: int) -> Callable[[Path], object]:
    """A transport stream whose receiver noted an error behind some pictures."""

    def make(path: Path) -> None:
        options = {"g": str(KEY_EVERY), "bf": "0", "sc_threshold": "0"}
        make_clip(path, times_at(25, 30), video_options=options)
        data, picture = bytearray(path.read_bytes()), -1
        for at in range(0, len(data), _PACKET):
            if (data[at + 1] & 0x1F) << 8 | data[at + 2] == _VIDEO_ID:
                starts = bool(data[at + 1] & 0x40)
                if starts and picture - 1 in hit:  # noted with the next one
                    data[at + 1] |= 0x80
                picture += starts
        path.write_bytes(data)

    return make


def _row(name: str, hit: tuple[int, ...], damaged: list[int], says: str) -> Strange:
    return Strange(
        name, _with_errors(*hit), times=[n / 25 for n in range(30)], damaged=damaged, says=(says,)
    )


# damage lasts until the next key picture: 0, 12 and 24 are some
ROWS = [
    _row("errors in a picture.ts", (5,), list(range(5, 12)), "1 picture of"),
    _row("errors in two pictures.ts", (0, 15), [*range(12), *range(15, 24)], "2 pictures of"),
]
