"""Pictures and videos for the evaluation tests: NASA's portrait of Eileen Collins (public domain, in scikit-image)."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


def portrait(side_px: int = 256) -> Picture:
    """A face with shoulders, (side, side, 3) uint8 RGB; skips the test where scikit-image is missing."""
    data = pytest.importorskip("skimage.data")
    picture = data.astronaut()[0:256, 96:352]
    return np.asarray(
        cv2.resize(picture, (side_px, side_px), interpolation=cv2.INTER_CUBIC), np.uint8
    )


def moving(frames: int, side_px: int = 256) -> Picture:
    """The portrait turning a little to and fro, (frames, side, side, 3)."""
    picture, result = portrait(side_px), []
    for number in range(frames):
        turn = cv2.getRotationMatrix2D(
            (side_px / 2, side_px / 2), 6 * np.sin(number / 2), 1 + 0.02 * np.sin(number)
        )
        result.append(
            cv2.warpAffine(picture, turn, (side_px, side_px), borderMode=cv2.BORDER_REFLECT)
        )
    return np.stack(result).astype(np.uint8)


def blurred(frames: Picture, sigma_px: float) -> Picture:
    """Every frame blurred."""
    return np.stack([cv2.GaussianBlur(f, (0, 0), sigma_px) for f in frames]).astype(np.uint8)


def noise(shape: tuple[int, ...], seed: int = 0) -> Picture:
    """Uniform random bytes."""
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def write_video(path: Path, frames: Picture, fps: int = 25) -> Path:
    """Write H.264 with PyAV alone, independent of the package's own writer."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=fps, options={"crf": "12", "preset": "ultrafast"}
        )
        stream.height, stream.width, stream.pix_fmt = frames.shape[1], frames.shape[2], "yuv420p"
        for frame in frames:
            container.mux(
                stream.encode(
                    av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
                )
            )
        container.mux(stream.encode())
    return path
