"""Files of which something was lost on the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np

from tests.media.strange.table import Strange

_PACKET, _VIDEO_ID = 188, 256
KEY_EVERY, COUNT = 12, 30


def _without_parts(*hit: int) -> Callable[[Path], object]:
    """A transport stream that lacks packets from the middle of some pictures."""

    def make(path: Path) -> None:
        _write_noise(path)
        data, kept, picture, part = path.read_bytes(), b"", -1, 0
        for at in range(0, len(data), _PACKET):
            packet = data[at : at + _PACKET]
            if (packet[1] & 0x1F) << 8 | packet[2] == _VIDEO_ID:
                starts = bool(packet[1] & 0x40)
                picture, part = picture + starts, 0 if starts else part + 1
                if picture in hit and part in (3, 4, 5):
                    continue
            kept += packet
        path.write_bytes(kept)

    return make


def _write_noise(path: Path) -> None:
    """Pictures that take many packets each; every KEY_EVERY-th is a key picture."""
    rng = np.random.default_rng(2)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        options = {"preset": "ultrafast", "sc_threshold": "0", "bf": "0", "crf": "30"}
        stream.options = {**options, "g": str(KEY_EVERY)}
        for _ in range(COUNT):
            noise = rng.integers(0, 255, (96, 160, 3)).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(noise, format="rgb24")))
        container.mux(stream.encode(None))


def _row(name: str, hit: tuple[int, ...], damaged: list[int], says: str) -> Strange:
    times = [n / 25 for n in range(COUNT)]
    return Strange(name, _without_parts(*hit), times=times, damaged=damaged, says=(says,))


# damage lasts until the next key picture: 0, 12 and 24 are some; the demuxer notes a hole one picture early
ROWS = [
    _row("parts missing of a picture.ts", (5,), list(range(4, 12)), "2 pictures of"),
    _row("parts missing of another.ts", (15,), list(range(14, 24)), "1 picture of"),
]
