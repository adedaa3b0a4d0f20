"""The sample clip cut short, for what needs real faces but not many of them."""

from __future__ import annotations

from fractions import Fraction
from itertools import islice
from pathlib import Path

import av

FRAMES = 12
RATE_HZ = 25


def cut(source: Path, target: Path, frames: int = FRAMES) -> Path:
    """The first frames of a clip of 25 per second with their sound, coded anew."""
    with av.open(str(source)) as whole, av.open(str(target), "w") as part:
        video = part.add_stream(
            "libx264", rate=RATE_HZ, options={"crf": "16", "preset": "veryfast"}
        )
        audio = part.add_stream_from_template(whole.streams.audio[0])
        first = whole.streams.video[0]
        video.width, video.height, video.pix_fmt = first.width, first.height, "yuv420p"
        for number, frame in enumerate(islice(whole.decode(video=0), frames)):
            picture = frame.reformat(format="yuv420p")
            picture.pts, picture.time_base = number, Fraction(1, RATE_HZ)
            part.mux(video.encode(picture))
        part.mux(video.encode(None))
        whole.seek(0)
        for packet in whole.demux(audio=0):
            if packet.dts is not None and packet.pts * packet.time_base < frames / RATE_HZ:
                packet.stream = audio
                part.mux(packet)
    return target
