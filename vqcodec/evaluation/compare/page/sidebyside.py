"""Original, vqt and the anchors of about the same size, next to each other in one video.

Tiles run from the left to the right and down: the original, vqt, then the anchors. Each tells its codec, rate and bytes.
Frames are matched by time and read one at a time; the sound is the original's.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from vqcodec.evaluation.compare.analysis import words
from vqcodec.evaluation.compare.page.palette import ORIGINAL, ORIGINAL_TITLE
from vqcodec.evaluation.compare.results import ANCHORS, VQT, Clip
from vqcodec.evaluation.tools.frames import Follower, PathLike, Picture, coded_square, to_side
from vqcodec.evaluation.tools.sheets import draw_label
from vqcodec.media.items import AudioBlock
from vqcodec.media.out.sink import VideoSink
from vqcodec.media.picture.source import VideoSource
from vqcodec.types import VideoFrame

TILE_PX = 512
SHOWN_ORDER = (ORIGINAL, VQT, *ANCHORS)


def media_of(clip: Clip, folder: Path) -> dict[str, Path]:
    """The decoded videos of a clip that are there, by codec: the original first, then vqt, then the anchors.

    Args:
        clip: of the comparison.
        folder: media/<clip>.
    """
    found = {name: folder / f"{name}.mp4" for name in SHOWN_ORDER}
    coded = {p.codec for p in clip.points}
    return {
        name: path
        for name, path in found.items()
        if (name == ORIGINAL or name in coded) and path.is_file()
    }


def labels_of(clip: Clip, names: Sequence[str], rate: str = "file") -> dict[str, str]:
    """What is burnt into each tile, ASCII: codec, rate and bytes of its matched point."""
    matched = {p.codec: p for p in clip.points if p.matched}
    return {
        name: ORIGINAL_TITLE if name == ORIGINAL else words.label(name, matched.get(name), rate)
        for name in names
    }


def grid_shape(tiles: int) -> tuple[int, int]:
    """Rows and columns: up to three in one row, four in two by two, then rows of three."""
    columns = tiles if tiles <= 3 else 2 if tiles == 4 else 3
    return math.ceil(tiles / columns), columns


def compose_grid(
    pictures: Sequence[Picture], labels: Sequence[str], tile_px: int = TILE_PX
) -> Picture:
    """Tiles with their labels, (rows tile, columns tile, 3) uint8 RGB; places without a picture are black."""
    rows, columns = grid_shape(len(pictures))
    result = np.zeros((rows * tile_px, columns * tile_px, 3), np.uint8)
    scale = max(0.35, tile_px / 900)
    for number, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        top, left = number // columns * tile_px, number % columns * tile_px
        tile = to_side(coded_square(picture, None, picture.shape[0]), tile_px)
        result[top : top + tile_px, left : left + tile_px] = draw_label(
            tile, label, (10, round(30 * scale) + 6), scale
        )
    return result


def grid_video(
    media: dict[str, Path],
    labels: dict[str, str],
    target: PathLike,
    *,
    tile_px: int = TILE_PX,
    crf: int = 18,
    force: bool = True,
) -> int:
    """Write all videos of a clip as one.

    Args:
        media: video files by name, in the order of the tiles; the first gives times and sound.
        labels: text by name, ASCII.
        target: .mp4 to write.
        tile_px: side of a tile, even.
        crf: H.264 quality, 0 (best) .. 51.
        force: replace an existing file.

    Returns:
        Frames written.

    Raises:
        MediaError: a file can't be read or written.
        OutputExistsError: the target exists and `force` is false.
    """
    (_, first), *others = media.items()
    texts = [labels[name] for name in media]
    rows, columns = grid_shape(len(media))
    with ExitStack() as stack:
        source = stack.enter_context(VideoSource(os.fspath(first), sound="decode"))
        followers = [
            Follower(iter(stack.enter_context(VideoSource(os.fspath(path))))) for _, path in others
        ]
        sink = stack.enter_context(
            VideoSink(
                target,
                width=columns * tile_px,
                height=rows * tile_px,
                frame_rate_hz=source.frame_rate_hz,
                time_base_s=source.time_base_s,
                channels=int(source.has_audio),
                crf=crf,
                force=force,
            )
        )
        frames = 0
        for item in source.items():
            if isinstance(item, VideoFrame):
                shown = [item, *(f.at(item) for f in followers)]
                pictures = [
                    np.zeros_like(item.rgb) if frame is None else frame.rgb for frame in shown
                ]
                sink.write_frame(compose_grid(pictures, texts, tile_px), item.time_s)
                frames += 1
            elif isinstance(item, AudioBlock):
                sink.write_audio(item.samples)
    return frames
