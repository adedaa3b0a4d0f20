"""The crops of two frames of a clip, source beside decoded, as rows of a sheet (crops.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from vqcodec.evaluation.tools.frames import Picture
from vqcodec.evaluation.tools.sheets import Centre, draw_label, window
from vqcodec.geometry.mesh import EYES, LIPS

CROPS = {"eyes": (256, 96), "mouth": (256, 144), "hair edge": (256, 128)}
"""Width and height in pixels, cut without resampling."""
_FOREHEAD, _CHIN = 10, 152
_HAIR_ABOVE = 0.1  # of the face's height over the top of its oval
_LABEL_WIDTH_PX, _HEAD_HEIGHT_PX, _GRID_COLUMNS = 104, 24, 6


@dataclass(frozen=True, slots=True)
class Moment:
    """A frame to show: why, when, and its landmarks, (478, 2) pixels of the coded square."""

    why: str
    time_s: Fraction
    source: Picture
    points: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class CropRow:
    """One pair of crops."""

    why: str
    part: str
    source: Picture
    decoded: Picture

    @property
    def detail(self) -> float:
        """Contrast of the finest details, decoded over source."""

        def contrast(picture: Picture) -> float:
            return float(cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.CV_32F).std())

        return contrast(self.decoded) / max(contrast(self.source), 1e-6)


def _centres(points: NDArray[np.float32]) -> dict[str, Centre]:
    hair = points[_FOREHEAD] + _HAIR_ABOVE * (points[_FOREHEAD] - points[_CHIN])
    spots = {
        "eyes": points[list(EYES)].mean(axis=0),
        "mouth": points[list(LIPS)].mean(axis=0),
        "hair edge": hair,
    }
    return {part: (float(x), float(y)) for part, (x, y) in spots.items()}


def rows(moment: Moment, decoded: Picture) -> list[CropRow]:
    """The crops of one frame, taken at the same places of both pictures."""
    return [
        CropRow(
            moment.why,
            part,
            window(moment.source, at, CROPS[part]),
            window(decoded, at, CROPS[part]),
        )
        for part, at in _centres(moment.points).items()
    ]


def compose(name: str, found: Sequence[CropRow]) -> Picture:
    """Put the rows of a clip together: label, source, decoded.

    Returns:
        (24 + sum of heights, 104 + 2 x 256, 3) uint8 RGB.
    """
    width = _LABEL_WIDTH_PX + 2 * max(size[0] for size in CROPS.values())
    head = np.full((_HEAD_HEIGHT_PX, width, 3), 16, np.uint8)
    for text, x in ((name, 6), ("source", _LABEL_WIDTH_PX + 6), ("decoded", _LABEL_WIDTH_PX + 262)):
        head = draw_label(head, text, (x, 17), 0.42)
    lines = [head]
    for row in found:
        label = np.full((row.source.shape[0], _LABEL_WIDTH_PX, 3), 16, np.uint8)
        for line, text in enumerate((row.why, row.part, f"detail {row.detail:.2f}")):
            label = draw_label(label, text, (6, 24 + 22 * line), 0.38)
        lines.append(np.concatenate([label, row.source, row.decoded], axis=1))
    return np.concatenate(lines)


def grid(sheets: Sequence[Picture], columns: int = _GRID_COLUMNS) -> Picture:
    """Sheets of one size in rows of so many; the last row is filled with black."""
    columns = min(columns, len(sheets))
    filled = [*sheets, *[np.zeros_like(sheets[0])] * (-len(sheets) % columns)]
    return np.concatenate(
        [np.concatenate(filled[i : i + columns], axis=1) for i in range(0, len(filled), columns)]
    )
