"""Stand-ins for the models, and drawn people to encode: fast, deterministic, without weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np
from numpy.typing import NDArray

from vqcodec.decoding.parts import DecoderParts
from vqcodec.encoding.parts import EncoderParts
from vqcodec.face.landmarks import FaceObservation
from vqcodec.format import DIMS, LANDMARKS
from vqcodec.geometry.layout import MOTION_2, Layout
from vqcodec.types import ModelId, VideoFrame

FACE_BLUE = 250
SPACE_ID = ModelId("fake-space", bytes(range(32)))
RENDERER_ID = ModelId("fake-renderer", bytes(range(32, 64)))


def face_template() -> NDArray[np.float32]:
    """(478, 2) points in an ellipse of width 0.8 and height 1 around 0, with eyes, lips and skull where they belong."""
    rng = np.random.default_rng(7)
    radius, angle = np.sqrt(rng.uniform(0, 0.2, LANDMARKS)), rng.uniform(0, 2 * np.pi, LANDMARKS)
    points = np.stack([0.8 * radius * np.cos(angle), radius * np.sin(angle)], 1)
    points[10], points[152], points[234], points[454] = (0, -0.5), (0, 0.5), (-0.4, 0), (0.4, 0)
    for corners, lids in (
        ((33, 133), ((160, 144), (159, 145), (158, 153))),
        ((362, 263), ((385, 380), (386, 374), (387, 373))),
    ):
        x = -0.2 if corners[0] == 33 else 0.2
        points[corners[0]], points[corners[1]] = (x - 0.07, -0.1), (x + 0.07, -0.1)
        for above, below in lids:
            points[above], points[below] = (x, -0.122), (x, -0.078)
    points[61], points[291], points[13], points[14] = (
        (-0.12, 0.25),
        (0.12, 0.25),
        (0, 0.245),
        (0, 0.255),
    )
    return points.astype(np.float32)


CENTRED = face_template() * np.float32(0.5) + np.float32(0.5)


def turned(angle: float) -> NDArray[np.float32]:
    """CENTRED with the head turned about the vertical axis, as an ellipsoid would look."""
    points = CENTRED.copy()
    x, y = points[:, 0] - 0.5, points[:, 1] - 0.5
    depth = np.sqrt(np.maximum(0.25**2 - x**2 - 0.6 * y**2, 0))
    points[:, 0] = 0.5 + x * np.cos(angle) + depth * np.sin(angle)
    return points


def draw(
    width: int, height: int, faces: list[tuple[float, float, float]], background: int = 60
) -> NDArray[np.uint8]:
    """A picture with faces: boxes (centre x, centre y, height) of a blue that only faces have, 0.8 as wide as high."""
    rgb = np.full((height, width, 3), background, np.uint8)
    rgb[:, :, 1] = np.linspace(0, 120, width).astype(np.uint8)
    rgb[:, :, 2] = 20
    for x, y, size in faces:
        top, bottom = max(round(y - size / 2), 0), round(y + size / 2)
        left, right = max(round(x - 0.4 * size), 0), round(x + 0.4 * size)
        rgb[top:bottom, left:right] = (200, 150, FACE_BLUE)
    return rgb


class DrawnFaces:
    """Finds the faces of `draw`: a stand-in for FaceLandmarker.

    Attributes:
        calls: pictures looked at.
    """

    def __init__(self) -> None:
        self.calls = 0
        self.template = face_template()

    def __enter__(self) -> DrawnFaces:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def faces(self, frame: NDArray[np.uint8]) -> list[FaceObservation]:
        self.calls += 1
        mask = frame[:, :, 2] > 170
        found = []
        columns = np.flatnonzero(np.diff(np.concatenate([[0], mask.any(0).astype(np.int8), [0]])))
        for left, right in columns.reshape(-1, 2):
            rows = np.flatnonzero(mask[:, left:right].any(1))
            box = np.array([right - left, rows[-1] + 1 - rows[0]], np.float32)
            if min(box) < frame.shape[0] / 10:  # the real one misses small faces, too
                continue
            centre = np.array([(left + right) / 2, (rows[0] + rows[-1] + 1) / 2], np.float32)
            found.append(FaceObservation(self.template / np.float32([0.8, 1]) * box + centre))
        return sorted(found, key=lambda face: -float(np.prod(np.ptp(face.points, axis=0))))


@dataclass
class FakeSpace:
    """48 features, or as many as there are units: a random orthonormal projection of the landmarks, in pixels of 256."""

    id: ModelId = SPACE_ID
    units: NDArray[np.float32] = field(default_factory=lambda: np.full(DIMS, 0.5, np.float32))
    layout: Layout = MOTION_2

    def __post_init__(self) -> None:
        rng = np.random.default_rng(3)
        self.basis = np.linalg.qr(rng.normal(size=(LANDMARKS * 2, len(self.units))))[0].astype(
            np.float32
        )
        self.batches: list[int] = []

    def tracker(self) -> None:
        return None

    def transfer(
        self, features: NDArray[np.float32], own: NDArray[np.float32], other: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        return features + (other - own)

    def features(
        self,
        frames: NDArray[np.uint8],
        landmarks: NDArray[np.float32],
        surroundings: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        assert frames.shape[1:] == (256, 256, 3) and frames.dtype == np.uint8
        assert landmarks.shape == (len(frames), LANDMARKS, 2) and landmarks.dtype == np.float32
        self.batches.append(len(frames))
        # row by row: a matrix product may round differently in another batch size
        return np.stack([(points.reshape(-1) * 256) @ self.basis for points in landmarks]).astype(
            np.float32
        )


@dataclass
class FakeRenderer:
    """Returns the portrait; its first pixel row holds the features, so that a test can see what was asked for."""

    id: ModelId = RENDERER_ID
    motion_space: ModelId = SPACE_ID
    device: str = "cpu"
    dims: int = DIMS

    def __post_init__(self) -> None:
        self.prepared: list[NDArray[np.float32]] = []
        self.rendered: list[NDArray[np.float32]] = []

    def prepare(self, portrait: NDArray[np.uint8], features: NDArray[np.float32]) -> Any:
        assert portrait.shape == (512, 512, 3) and features.shape == (self.dims,)
        self.prepared.append(features)
        return portrait

    def render(
        self, state: Any, features: NDArray[np.float32], size_px: int = 512
    ) -> NDArray[np.uint8]:
        self.rendered.append(features)
        step = 512 // size_px
        return np.repeat(state[None, ::step, ::step], len(features), axis=0)


def encoder_parts(space: FakeSpace | None = None) -> EncoderParts:
    return EncoderParts(space or FakeSpace(), RENDERER_ID, DrawnFaces)


def decoder_parts(
    renderer: FakeRenderer | None = None, space: FakeSpace | None = None
) -> DecoderParts:
    return DecoderParts(space or FakeSpace(), renderer or FakeRenderer(), DrawnFaces)


def swaying(
    count: int, *, width: int = 96, height: int = 96, size: float = 48, fps: int = 25
) -> Iterator[VideoFrame]:
    """A face of one size that sways by a tenth of its height."""
    for i in range(count):
        shift = 0.1 * size * np.sin(i / 9)
        yield VideoFrame(
            draw(width, height, [(width / 2 + shift, height / 2, size)]), Fraction(i, fps)
        )


@contextmanager
def video_writer(
    path: Path,
    *,
    width: int,
    height: int,
    fps: Fraction = Fraction(25),
    sound: bool = False,
    time_base: Fraction | None = None,
) -> Iterator[Any]:
    """Yield write(rgb, pts=None) for a lossless-ish H.264 file; with sound, a 440 Hz tone as long as the pictures."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=fps, options={"crf": "6", "preset": "ultrafast"}
        )
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        if time_base is not None:
            stream.codec_context.time_base = time_base
        audio = container.add_stream("aac", rate=48000, layout="mono") if sound else None
        count = 0

        def write(rgb: NDArray[np.uint8], pts: int | None = None) -> None:
            nonlocal count
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame.pts = count if pts is None else pts
            frame.time_base = time_base or 1 / fps
            container.mux(stream.encode(frame))
            count += 1

        yield write
        container.mux(stream.encode(None))
        if audio is not None:
            _tone(container, audio, int(count / fps * 48000))


def _tone(container: Any, audio: Any, samples: int) -> None:
    wave = (8000 * np.sin(2 * np.pi * 440 * np.arange(samples) / 48000)).astype(np.int16)
    for start in range(0, samples, 1024):
        part = np.ascontiguousarray(wave[None, start : start + 1024])
        frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
        frame.sample_rate, frame.pts = 48000, start
        container.mux(audio.encode(frame))
    container.mux(audio.encode(None))


def write_swaying(path: Path, count: int, *, sound: bool = False, **drawn: Any) -> Path:
    """A file of `swaying` frames."""
    frames = list(swaying(count, **drawn))
    height, width = frames[0].rgb.shape[:2]
    with video_writer(path, width=width, height=height, sound=sound) as write:
        for frame in frames:
            write(frame.rgb)
    return path


def read_video(path: Path | BinaryIO) -> tuple[list[Fraction], list[NDArray[np.uint8]]]:
    """Times and pictures of a file."""
    with av.open(str(path) if isinstance(path, Path) else path) as container:
        frames = list(container.decode(video=0))
        times = [Fraction(f.pts * f.time_base.numerator, f.time_base.denominator) for f in frames]
        return times, [f.to_ndarray(format="rgb24") for f in frames]


def read_sound(path: Path) -> NDArray[np.float32]:
    """Samples of a mono file."""
    with av.open(str(path)) as container:
        blocks = [f.to_ndarray().reshape(-1) for f in container.decode(audio=0)]
    return np.concatenate(blocks)
