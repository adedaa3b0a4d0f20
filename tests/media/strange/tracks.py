"""Files with several pictures' or sounds' tracks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.stream import Disposition

from tests.media.strange.table import Strange
from tests.support.media import picture


@dataclass(frozen=True)
class Track:
    """Pictures of one grey: which, how many, how large."""

    grey: int
    count: int = 10
    side: int = 48
    codec: str = "libx264"
    default: bool = True


def _tracks(*tracks: Track) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        with av.open(str(path), "w") as container:
            streams = [_stream(container, track) for track in tracks]
            for index in range(max(track.count for track in tracks)):
                for stream, track in zip(streams, tracks, strict=True):
                    if index < track.count:
                        container.mux(stream.encode(_frame(index, track)))
            for stream in streams:
                container.mux(stream.encode(None))

    return make


def _stream(container: Any, track: Track) -> Any:
    stream = container.add_stream(track.codec, rate=25)
    stream.width = stream.height = track.side
    stream.pix_fmt = "yuvj420p" if track.codec == "mjpeg" else "yuv420p"
    stream.codec_context.time_base = Fraction(1, 25)
    stream.disposition = Disposition.default if track.default else Disposition(0)
    if track.codec == "libx264":
        stream.options = {"crf": "8", "preset": "ultrafast", "tune": "zerolatency"}
    return stream


def _frame(index: int, track: Track) -> av.VideoFrame:
    rgb = picture(track.grey, track.side, track.side)
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
    frame.pts, frame.time_base = index, Fraction(1, 25)
    return frame


def _row(name: str, grey: int, *tracks: Track, says: tuple[str, ...] = (), **more: Any) -> Strange:
    times = [n / 25 for n in range(10)]
    return Strange(name, _tracks(*tracks), times=times, greys=[grey] * 10, says=says, **more)


THUMBNAIL = Track(1, count=1, side=32, codec="mjpeg")
SMALL, LARGE = Track(2, side=32), Track(3)
SEVERAL = ("2 video tracks",)

ROWS = [
    _row("thumbnail first.mov", 3, THUMBNAIL, LARGE),
    _row("thumbnail first.mkv", 3, THUMBNAIL, LARGE),
    _row("large still first.mov", 3, Track(1, count=1, side=96, codec="mjpeg"), LARGE),
    _row("thumbnail is the default.mkv", 3, THUMBNAIL, Track(3, default=False)),
    _row("two sizes, no default.ts", 3, SMALL, LARGE, says=SEVERAL),
    _row("two sizes, small first.mkv", 3, SMALL, LARGE, says=SEVERAL),
    _row("small one is the default.mkv", 2, Track(3, default=False), SMALL, says=SEVERAL),
    _row("small one asked for.mov", 2, SMALL, LARGE, options={"tracks": (0, None)}),
    _row("large one asked for.mkv", 3, SMALL, LARGE, options={"tracks": (1, None)}),
]
