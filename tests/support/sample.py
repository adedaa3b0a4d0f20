"""The sample through the command line: weights, short clips, frames counted."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from vqcodec.errors import VqcodecError


def weights_are_here() -> bool:
    try:
        from vqcodec.motion.space import MotionSpace
        from vqcodec.render.renderer import Renderer

        MotionSpace.load()
        Renderer.load()
    except (ImportError, VqcodecError, FileNotFoundError):
        return False
    return True


def write_video(path: Path, frames: list[np.ndarray]) -> Path:
    """25 frames per second, H.264 in Matroska, no sound: can be read from a pipe."""
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=25, options={"crf": "18", "preset": "ultrafast"})
        video.height, video.width = frames[0].shape[:2]
        video.pix_fmt = "yuv420p"
        for t, rgb in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame.pts, frame.time_base = t, Fraction(1, 25)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
    return path


def count_frames(data: bytes) -> int:
    with av.open(io.BytesIO(data)) as source:
        return sum(1 for _ in source.decode(video=0))
