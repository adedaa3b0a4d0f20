"""Contact sheets and side-by-side videos, for looking at what the figures say.

A sheet has one column per frame and these rows:

    source | portrait | decoded | 4 x |source - decoded|     each at 256x256
    mouth: source, decoded                                   256x128 px cut from the decoded file's own size, 1:1
    eyes: source, decoded                                    256x96 px, likewise
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np

from vqcodec.errors import MediaError, UsageError
from vqcodec.evaluation.tools.frames import (
    PathLike,
    Picture,
    coded_square,
    paired,
    to_side,
)
from vqcodec.face.landmarks import FaceLandmarker
from vqcodec.geometry.mesh import OUTER_EYE_CORNERS
from vqcodec.media.out.atomic import atomic_output
from vqcodec.media.picture.source import VideoSource
from vqcodec.types import Crop

Centre: TypeAlias = tuple[float, float]

DIFFERENCE_GAIN = 4
MOUTH_SIZE_PX = (256, 128)
EYES_SIZE_PX = (256, 96)
_LABEL_WIDTH_PX = 96
_LIP_CORNERS = (61, 291)
# where mouth and eyes lie in an average crop, as a share of its side, for frames without a visible face
_MOUTH_AT, _EYES_AT = (0.5, 0.68), (0.5, 0.45)


@dataclass(frozen=True, slots=True)
class SheetFrame:
    """One column: pictures of the decoded size, and where mouth and eyes are in the source, in pixels."""

    source: Picture
    decoded: Picture
    mouth: Centre
    eyes: Centre


def draw_label(
    picture: Picture, text: str, at: tuple[int, int] = (8, 20), scale: float = 0.5
) -> Picture:
    """Write a line of text on a dark band; returns a copy.

    Args:
        picture: (H, W, 3) uint8 RGB.
        text: ASCII.
        at: x and y of the text's baseline, in pixels.
        scale: of OpenCV's font; 0.5 is about 12 px high.
    """
    result = np.array(picture, order="C")
    face, thick = cv2.FONT_HERSHEY_SIMPLEX, max(1, round(scale * 2))
    (width, height), below = cv2.getTextSize(text, face, scale, thick)
    x, y = at
    cv2.rectangle(
        result, (x - 6, y - height - 6), (x + width + 6, y + below + 2), (16, 16, 16), cv2.FILLED
    )
    cv2.putText(result, text, (x, y), face, scale, (240, 240, 240), thick, cv2.LINE_AA)
    return result


def window(picture: Picture, centre: Centre, size_px: tuple[int, int]) -> Picture:
    """(height, width, 3) cut around a point without resampling, moved inside the picture, edges repeated if too small.

    Args:
        picture: (H, W, 3) uint8.
        centre: x and y in pixels.
        size_px: width and height of the cut.
    """
    (rows, columns), (width, height) = picture.shape[:2], size_px
    left = int(np.clip(round(centre[0] - width / 2), 0, max(columns - width, 0)))
    top = int(np.clip(round(centre[1] - height / 2), 0, max(rows - height, 0)))
    ys = np.clip(np.arange(top, top + height), 0, rows - 1)
    xs = np.clip(np.arange(left, left + width), 0, columns - 1)
    return picture[ys[:, None], xs[None, :]]


def difference(source: Picture, decoded: Picture) -> Picture:
    """DIFFERENCE_GAIN times the absolute difference, clipped to 255."""
    return np.asarray(
        np.clip(cv2.absdiff(source, decoded).astype(np.int32) * DIFFERENCE_GAIN, 0, 255), np.uint8
    )


def _column(frame: SheetFrame, portrait: Picture) -> list[Picture]:
    source, decoded = to_side(frame.source), to_side(frame.decoded)
    pictures = [source, to_side(portrait), decoded, difference(source, decoded)]
    for centre, size_px in ((frame.mouth, MOUTH_SIZE_PX), (frame.eyes, EYES_SIZE_PX)):
        pictures += [window(frame.source, centre, size_px), window(frame.decoded, centre, size_px)]
    return pictures


_ROWS = (
    "source",
    "portrait",
    "decoded",
    f"diff x{DIFFERENCE_GAIN}",
    "mouth src",
    "mouth dec",
    "eyes src",
    "eyes dec",
)


def compose_sheet(frames: Sequence[SheetFrame], portrait: Picture) -> Picture:
    """Put the columns together, row names to the left.

    Args:
        frames: columns, at least one.
        portrait: (H, W, 3) uint8, square; repeated in each column so that what moved is easy to see.

    Returns:
        (1472, 96 + 256 n, 3) uint8 RGB.
    """
    columns = [_column(f, portrait) for f in frames]
    rows = []
    for number, name in enumerate(_ROWS):
        height = columns[0][number].shape[0]
        label = draw_label(
            np.full((height, _LABEL_WIDTH_PX, 3), 16, np.uint8), name, (8, height // 2), 0.45
        )
        rows.append(np.concatenate([label, *(c[number] for c in columns)], axis=1))
    return np.concatenate(rows, axis=0)


def _centres(picture: Picture, landmarker: FaceLandmarker) -> tuple[Centre, Centre]:
    side = picture.shape[0]
    found = landmarker.largest(picture)
    if found is None:
        return (_MOUTH_AT[0] * side, _MOUTH_AT[1] * side), (_EYES_AT[0] * side, _EYES_AT[1] * side)
    mouth = found.points[list(_LIP_CORNERS)].mean(axis=0)
    eyes = found.points[list(OUTER_EYE_CORNERS)].mean(axis=0)
    return (float(mouth[0]), float(mouth[1])), (float(eyes[0]), float(eyes[1]))


def _selected(
    reference: PathLike, output: PathLike, numbers: set[int], crop: Crop | None
) -> Iterator[tuple[Picture, Picture]]:
    for number, (source, shown) in enumerate(paired(reference, output)):
        if number in numbers:
            yield coded_square(source.rgb, crop, shown.rgb.shape[0]), shown.rgb


def contact_sheet(
    reference: PathLike,
    output: PathLike,
    target: PathLike,
    *,
    frames: int = 6,
    portrait: Picture | None = None,
    crop: Crop | None = None,
    force: bool = False,
) -> None:
    """Write a sheet of frames evenly spread over the decoded video, first and last included.

    Args:
        reference: the source video.
        output: the decoded video.
        target: PNG file to write.
        frames: columns, 1..64.
        portrait: (H, W, 3) uint8 RGB square; None takes the source's first frame.
        crop: the coded square (`EncodeReport.crop`); None stands for the largest centred one.
        force: replace an existing file.

    Raises:
        MediaError: a file can't be read or written.
        OutputExistsError: the target exists and `force` is false.
        UsageError: `frames` is out of range.
    """
    if not 1 <= frames <= 64:
        raise UsageError(f"{frames} columns is outside 1..64")
    with atomic_output(target, force=force) as sink, FaceLandmarker() as landmarker:
        with VideoSource(os.fspath(output)) as shown_once:
            count = sum(1 for _ in shown_once)
        numbers = {round(i) for i in np.linspace(0, count - 1, min(frames, count))}
        columns, first = [], portrait
        for source, shown in _selected(reference, output, numbers, crop):
            first = source if first is None else first
            columns.append(SheetFrame(source, shown, *_centres(source, landmarker)))
        if first is None or not columns:
            raise MediaError("there is no frame to show")
        done, png = cv2.imencode(
            ".png", cv2.cvtColor(compose_sheet(columns, first), cv2.COLOR_RGB2BGR)
        )
        if not done:
            raise MediaError("the sheet can't be coded as PNG")
        sink.write(png.tobytes())
