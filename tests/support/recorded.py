"""Frames to record shots of, recorded shots of a wanted shape, and what is in the items that are made of them."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.support.pipeline import CENTRED as POINTS
from tests.support.pipeline import RENDERER_ID, SPACE_ID, draw
from vqcodec.container import Reader
from vqcodec.encoding.coding import PlacedUnit
from vqcodec.encoding.kept import KeptPicture
from vqcodec.encoding.shots import Candidate, RecordedFrame, RecordedShot, ShotRecorder
from vqcodec.face.shots import Face, FaceFrame
from vqcodec.format import DIMS, LAYERS, VERSION_2
from vqcodec.stream.interleave import Interleaver
from vqcodec.types import Crop, Head, MotionGroup, PortraitUnit

RATE_HZ = 25
UNITS = np.full(DIMS, 0.5, np.float32)
SQUARE = draw(512, 512, [(256, 256, 256)])
LIGHTER = np.where(SQUARE == (200, 150, 250), SQUARE, SQUARE + np.array([90, 90, 0], np.uint8))
"""The same face in a room that is lit."""

Item = PlacedUnit | MotionGroup


def textured(softness: float = 0.0) -> NDArray[np.uint8]:
    """The same face with grain on it, in focus or out of it."""
    grain = np.random.default_rng(0).integers(-30, 30, SQUARE.shape)
    sharp = np.clip(SQUARE.astype(int) + grain, 0, 255).astype(np.uint8)
    return cv2.GaussianBlur(sharp, (0, 0), softness).astype(np.uint8) if softness else sharp


def row(value: float) -> NDArray[np.float32]:
    return np.full(DIMS, value, np.float32)


def frame(
    index: int,
    *,
    shot: int = 0,
    seen: bool = True,
    points: NDArray[np.float32] = POINTS,
    square: NDArray[np.uint8] = SQUARE,
    time_s: Fraction | None = None,
) -> FaceFrame:
    crop = Crop(512, 512, shot, 0, 512)
    time_s = Fraction(index, RATE_HZ) if time_s is None else time_s
    face = Face(crop, square, points) if seen else None
    return FaceFrame(index, time_s, shot, face)


def record(
    frames: Sequence[FaceFrame],
    values: Sequence[float] | None = None,
    *,
    time_base_s: Fraction = Fraction(1, RATE_HZ),
    **options: Any,
) -> list[RecordedShot]:
    """Shots of frames, all features of frame i being `values[i]`."""
    recorder = ShotRecorder(time_base_s, **options)
    shots = [shot for item in featured(frames, values) for shot in recorder.push(*item)]
    return shots + recorder.flush()


def featured(
    frames: Sequence[FaceFrame], values: Sequence[float] | None = None
) -> Iterable[tuple[FaceFrame, NDArray[np.float32] | None]]:
    for number, item in enumerate(frames):
        value = 0.0 if values is None else values[number]
        yield item, None if item.face is None else row(value)


@cache
def kept(level: int) -> KeptPicture:
    return KeptPicture.of(np.full((512, 512, 3), level, np.uint8))


def made_shot(
    costs: Sequence[Sequence[float]] | NDArray[Any],
    *,
    frames_a_row: int = 3,
    values: Sequence[float] | None = None,
    times_s: Sequence[Fraction] | None = None,
    wanted: int | None = None,
    first_frame: int = 0,
    continues: bool = False,
) -> RecordedShot:
    """A shot of 25 frames a second.

    Args:
        costs: (R, C).
        frames_a_row: frames from one row to the next.
        values: of the candidates' features, C of them; a frame has those of the last candidate at or before its place.
        times_s: of the candidates; None: spread evenly.
        wanted: the candidate that was asked for.
        first_frame: number in the stream of its first frame.
        continues: see RecordedShot.
    """
    table = np.array(costs, np.float32)
    rows, count = table.shape
    total = rows * frames_a_row
    values = [0.0] * count if values is None else values
    times_s = times_s or [Fraction(n * total // count, RATE_HZ) for n in range(count)]
    candidates = tuple(
        Candidate(
            time_s,
            row(value),
            kept(30 + 200 * n // max(count - 1, 1)),
            Crop(512, 512, n, 0, 512),
            n == wanted,
        )
        for n, (time_s, value) in enumerate(zip(times_s, values, strict=True))
    )
    owner = [max(int(t * RATE_HZ <= n) * k for k, t in enumerate(times_s)) for n in range(total)]
    frames = tuple(
        RecordedFrame(first_frame + n, first_frame + n, row(values[owner[n]])) for n in range(total)
    )
    return RecordedShot(
        frames, candidates, np.arange(rows, dtype=np.int64) * frames_a_row, table, continues
    )


def head(layers: int = LAYERS, time_base_s: Fraction = Fraction(1, RATE_HZ)) -> Head:
    return Head(time_base_s, Fraction(RATE_HZ), layers, SPACE_ID, RENDERER_ID, version=VERSION_2)


def written(items: Iterable[Item], layers: int = LAYERS, **more: Any) -> bytes:
    """The stream of items; the writer refuses what breaks a rule."""
    sink = io.BytesIO()
    file = Interleaver(sink, head(layers, **more))
    for item in items:
        if isinstance(item, PlacedUnit):
            file.portrait(item.unit, item.crop)
        else:
            file.motion(item)
    file.close()
    return sink.getvalue()


def read(data: bytes) -> list[PortraitUnit | MotionGroup]:
    found = list(Reader(io.BytesIO(data)))
    return [item for item in found if isinstance(item, PortraitUnit | MotionGroup)]
