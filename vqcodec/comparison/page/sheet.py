"""One picture of a comparison: each codec's frames at a few times, and the mouths at their full size.

Rows: the original, vqt and the anchors, 256x256 each, one column per time; then, in the same order, the mouths, 256x128 px
cut from the videos' own size and not resampled.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from vqcodec.comparison.analysis import words
from vqcodec.comparison.page.palette import COLOURS, ORIGINAL, ORIGINAL_TITLE
from vqcodec.comparison.results import ComparedClip
from vqcodec.errors import MediaError
from vqcodec.evaluation.tools.frames import METRIC_SIDE_PX, PathLike, Picture, to_side
from vqcodec.evaluation.tools.sheets import MOUTH_SIZE_PX, Centre, draw_label, window
from vqcodec.face.landmarks import FaceLandmarker
from vqcodec.media.out.atomic import atomic_output
from vqcodec.media.picture.source import VideoSource

COLUMNS = 6
LABEL_WIDTH_PX = 168
_LIP_CORNERS = (61, 291)
_MOUTH_AT = (0.5, 0.68)  # of an average crop's side, where no face is found
_DARK = 24


def chosen_frames(path: PathLike, numbers: Sequence[int]) -> list[Picture]:
    """Some frames of a video by number, increasing; the last frame stands for those past the end."""
    wanted, found = set(numbers), {}
    with VideoSource(os.fspath(path)) as source:
        number, last = -1, None
        for number, frame in enumerate(source):
            last = frame.rgb
            if number in wanted:
                found[number] = frame.rgb
            if number >= max(wanted):
                break
    if last is None:
        raise MediaError(f"{os.fspath(path)} holds no picture")
    return [found.get(n, last) for n in numbers]


def spread(frames: int, columns: int = COLUMNS) -> list[int]:
    """Numbers of frames in the middle of equal parts of a clip: neither the portrait itself nor the very last."""
    many = min(columns, frames)
    return [min(frames - 1, int((k + 0.5) * frames / many)) for k in range(many)]


def mouth_centres(pictures: Sequence[Picture]) -> list[Centre]:
    """Where the mouth is in each picture, in pixels; where no face is found, where it is on average."""
    with FaceLandmarker() as landmarker:
        return [_mouth(p, landmarker) for p in pictures]


def _mouth(picture: Picture, landmarker: FaceLandmarker) -> Centre:
    found = landmarker.largest(picture)
    if found is None:
        return _MOUTH_AT[0] * picture.shape[1], _MOUTH_AT[1] * picture.shape[0]
    x, y = found.points[list(_LIP_CORNERS)].mean(axis=0)
    return float(x), float(y)


def _head(text: Sequence[str], height: int, colour: str) -> Picture:
    """A row's name on dark ground, with the codec's colour at its left edge."""
    result = np.full((height, LABEL_WIDTH_PX, 3), _DARK, np.uint8)
    result[2:-2, :6] = [int(colour[k : k + 2], 16) for k in (1, 3, 5)]
    for number, line in enumerate(text):
        size = 0.5 if number == 0 else 0.42
        cv2.putText(
            result,
            line,
            (16, height // 2 - 8 * (len(text) - 1) + 20 * number),
            cv2.FONT_HERSHEY_SIMPLEX,
            size,
            (240, 240, 240) if number == 0 else (185, 185, 185),
            1,
            cv2.LINE_AA,
        )
    return result


def compose_sheet(
    frames: dict[str, list[Picture]],
    heads: dict[str, Sequence[str]],
    mouths: Sequence[Centre],
    times_s: Sequence[float],
) -> Picture:
    """Put the rows together.

    Args:
        frames: per name, one square picture per column; the names' order is the rows'.
        heads: lines of text to the left of each row, ASCII.
        mouths: one centre per column, in the pictures' pixels.
        times_s: of the columns, written over the first row.

    Returns:
        (rows (256 + 128) + gap, 168 + 256 columns, 3) uint8 RGB.
    """
    rows: list[Picture] = []
    for number, (name, pictures) in enumerate(frames.items()):
        tiles = [to_side(p, METRIC_SIDE_PX) for p in pictures]
        if number == 0:
            tiles = [
                draw_label(t, f"{s:.2f} s", (8, 18), 0.4)
                for t, s in zip(tiles, times_s, strict=True)
            ]
        rows.append(
            np.concatenate([_head(heads[name], METRIC_SIDE_PX, COLOURS[name]), *tiles], axis=1)
        )
    rows.append(np.full((8, rows[0].shape[1], 3), _DARK, np.uint8))
    for name, pictures in frames.items():
        cuts = [window(p, c, MOUTH_SIZE_PX) for p, c in zip(pictures, mouths, strict=True)]
        rows.append(
            np.concatenate(
                [_head([heads[name][0], "mouth, 1:1"], MOUTH_SIZE_PX[1], COLOURS[name]), *cuts],
                axis=1,
            )
        )
    return np.concatenate(rows, axis=0)


def heads_of(
    clip: ComparedClip, names: Sequence[str], rate: str = "file"
) -> dict[str, Sequence[str]]:
    """Lines beside each row: codec, rate, bytes and variant of its matched point."""
    matched = {p.codec: p for p in clip.points if p.matched}
    heads: dict[str, Sequence[str]] = {}
    for name in names:
        point = matched.get(name)
        heads[name] = [ORIGINAL_TITLE] if name == ORIGINAL else [words.title(name)]
        if point is not None:
            heads[name] = [
                words.title(name),
                f"{words.kbps(getattr(point.kbps, rate))} kbit/s",
                words.size(getattr(point.bytes, rate)),
                point.variant,
            ]
    return heads


def contact_sheet(
    clip: ComparedClip,
    media: dict[str, Path],
    target: PathLike,
    *,
    columns: int = COLUMNS,
    rate: str = "file",
) -> Picture:
    """Write a clip's sheet as PNG.

    Args:
        clip: of the comparison.
        media: square videos by name, of one size, the original first.
        target: file to write; replaced if it exists.
        columns: times, evenly spread.
        rate: how bytes are counted.

    Returns:
        The picture, RGB.

    Raises:
        MediaError: a file can't be read or written.
    """
    numbers = spread(clip.frames, columns)
    frames = {name: chosen_frames(path, numbers) for name, path in media.items()}
    first = next(iter(frames.values()))
    times_s = [n * clip.seconds / clip.frames for n in numbers]
    picture = compose_sheet(
        frames, heads_of(clip, list(media), rate), mouth_centres(first), times_s
    )
    done, png = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    if not done:
        raise MediaError("the sheet can't be coded as PNG")
    with atomic_output(target, force=True) as sink:
        sink.write(png.tobytes())
    return picture
