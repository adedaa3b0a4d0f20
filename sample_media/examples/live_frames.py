"""Frames as they come to tokens as they are ready: python live_frames.py SOURCE

The encoder reads an iterator (here a file's, else a camera's) and writes into a pipe; at the other end tokens arrive in
groups of two seconds. No memory grows with the length.
"""

import os
import sys
import threading
from collections.abc import Iterator

import av

import vqcodec


def camera(source: str) -> Iterator[vqcodec.VideoFrame]:
    """Pictures with their times."""
    with av.open(source) as video:
        for frame in video.decode(video=0):
            yield vqcodec.VideoFrame(frame.to_ndarray(format="rgb24"), frame.pts * frame.time_base)


def main(source: str) -> None:
    """Encode in a thread, print what arrives."""
    read_end, write_end = os.pipe()

    def encode() -> None:
        with os.fdopen(write_end, "wb") as pipe:
            vqcodec.encode(vqcodec.Frames(camera(source)), pipe)

    threading.Thread(target=encode).start()
    with os.fdopen(read_end, "rb") as pipe, vqcodec.open(pipe) as stream:
        for item in stream:
            if isinstance(item, vqcodec.MotionGroup):
                print(f"frame {item.first_frame}: tokens {item.indices.shape}")


if __name__ == "__main__":
    main(*sys.argv[1:])
