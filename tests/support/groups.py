"""Frames to make portraits and groups of, and what is in them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from tests.support.pipeline import CENTRED as POINTS
from tests.support.pipeline import draw
from vqcodec.config import Refs
from vqcodec.encoding.groups import Assembler, Portrait
from vqcodec.face.shots import Face, FaceFrame
from vqcodec.format import DIMS, from_indices
from vqcodec.geometry.layout import MOTION_2
from vqcodec.quantize.grfsq import dequantize
from vqcodec.types import Crop, MotionGroup

UNITS = np.full(DIMS, 0.5, np.float32)
SQUARE = draw(512, 512, [(256, 256, 256)])


def row(value: float) -> NDArray[np.float32]:
    return np.full(DIMS, value, np.float32)


def frame(
    index: int,
    *,
    shot: int = 0,
    seen: bool = True,
    points: NDArray[np.float32] = POINTS,
    time_s: Fraction | None = None,
) -> FaceFrame:
    crop = Crop(512, 512, shot, 0, 512)
    time_s = Fraction(index, 25) if time_s is None else time_s
    return (
        FaceFrame(index, time_s, shot, Face(crop, SQUARE, points))
        if seen
        else FaceFrame(index, time_s, shot)
    )


def assemble(
    frames: Sequence[FaceFrame],
    values: Sequence[float] | None = None,
    *,
    first: bool = False,
    time_base_s: Fraction = Fraction(1, 25),
    refs: Refs = "auto",
) -> tuple[list[Portrait | MotionGroup], Assembler]:
    assembler = Assembler(UNITS, MOTION_2, time_base_s, "first" if first else "auto", refs=refs)
    items: list[Portrait | MotionGroup] = []
    for i, item in enumerate(frames):
        value = values[i] if values is not None else 0.0
        items += assembler.push(item, None if item.face is None else row(value))
    return items + assembler.flush(), assembler


def check(items: Sequence[Portrait | MotionGroup], count: int) -> None:
    """What the container demands: frames without gaps, groups of at most 2 s, a portrait before its first group."""
    frames = 0
    assert count == 0 or isinstance(items[0], Portrait)
    for before, item in zip([None, *items], items, strict=False):
        if isinstance(item, Portrait):
            assert item.first_frame == frames and not isinstance(before, Portrait)
        else:
            assert item.first_frame == frames and 1 <= len(item.ticks) <= 240
            assert (
                item.indices.shape == (len(item.ticks), 12, 4) and (np.diff(item.ticks) > 0).all()
            )
            frames += len(item.ticks)
    assert frames == count


def decoded(items: Sequence[Portrait | MotionGroup]) -> list[float]:
    """First feature of each frame, as a decoder gets it."""
    values, base = [], np.zeros(DIMS, np.float32)
    for item in items:
        if isinstance(item, Portrait):
            base = dequantize(item.features, UNITS)
        else:
            values += [float(base[0] + x[0]) for x in dequantize(from_indices(item.indices), UNITS)]
    return values
