"""Several videos of one scene next to each other in one file, for eyes and ears.

Tiles run from the left to the right and down, each with its label burnt in. Frames are matched by time and read one at a
time; one of the videos gives times and sound.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from vqcodec.evaluation.tools.frames import Follower, PathLike, Picture, coded_square, to_side
from vqcodec.evaluation.tools.sheets import draw_label
from vqcodec.media.items import AudioBlock
from vqcodec.media.out.sink import VideoSink
from vqcodec.media.picture.source import VideoSource
from vqcodec.types import Crop, VideoFrame


@dataclass(frozen=True, slots=True)
class Tile:
    """One of the videos.

    Attributes:
        path: the video file.
        label: text burnt in, ASCII.
        crop: the square that is shown; None stands for the largest centred one.
    """

    path: PathLike
    label: str
    crop: Crop | None = None

    def picture(self, frame: VideoFrame | None, side_px: int) -> Picture:
        """(side, side, 3) uint8 RGB with the label; black before the video's first frame."""
        if frame is None:
            return labelled(np.zeros((side_px, side_px, 3), np.uint8), self.label)
        side = side_px if self.crop is not None else frame.rgb.shape[0]
        return labelled(to_side(coded_square(frame.rgb, self.crop, side), side_px), self.label)


def labelled(picture: Picture, label: str) -> Picture:
    """A copy with a line of text at the top, as large as suits the picture."""
    scale = max(0.35, picture.shape[0] / 900)
    return draw_label(picture, label, (10, round(30 * scale) + 6), scale)


def grid_shape(tiles: int) -> tuple[int, int]:
    """Rows and columns: up to three in one row, four in two by two, then rows of three."""
    columns = tiles if tiles <= 3 else 2 if tiles == 4 else 3
    return math.ceil(tiles / columns), columns


def compose_grid(pictures: Sequence[Picture]) -> Picture:
    """Equal squares as one picture, (rows side, columns side, 3) uint8 RGB; places without a picture are black."""
    (rows, columns), side = grid_shape(len(pictures)), pictures[0].shape[0]
    result = np.zeros((rows * side, columns * side, 3), np.uint8)
    for number, picture in enumerate(pictures):
        top, left = number // columns * side, number % columns * side
        result[top : top + side, left : left + side] = picture
    return result


def grid_video(
    tiles: Sequence[Tile],
    target: PathLike,
    *,
    tile_px: int | None = None,
    leader: int = 0,
    crf: int = 18,
    force: bool = False,
) -> int:
    """Write several videos as one.

    Args:
        tiles: the videos, in order.
        target: video file to write (H.264 and AAC in .mp4).
        tile_px: side of a tile, even; None takes the leader's height.
        leader: number of the tile that gives times and sound.
        crf: H.264 quality, 0 (best) .. 51.
        force: replace an existing file.

    Returns:
        Frames written.

    Raises:
        MediaError: a file can't be read or written.
        OutputExistsError: the target exists and `force` is false.
    """
    with ExitStack() as stack:
        opened = [
            stack.enter_context(
                VideoSource(os.fspath(tile.path), sound="decode" if number == leader else "none")
            )
            for number, tile in enumerate(tiles)
        ]
        source = opened[leader]
        followers = [None if video is source else Follower(iter(video)) for video in opened]
        side_px, (rows, columns) = tile_px or source.height, grid_shape(len(tiles))
        sink = stack.enter_context(
            VideoSink(
                target,
                width=columns * side_px,
                height=rows * side_px,
                frame_rate_hz=source.frame_rate_hz,
                time_base_s=source.time_base_s,
                channels=int(source.has_audio),
                crf=crf,
                force=force,
            )
        )
        return _write(source, sink, tiles, followers, side_px)


def _write(
    source: VideoSource,
    sink: VideoSink,
    tiles: Sequence[Tile],
    followers: Sequence[Follower | None],
    side_px: int,
) -> int:
    frames = 0
    for item in source.items():
        if isinstance(item, VideoFrame):
            shown = [item if f is None else f.at(item) for f in followers]
            pictures = [
                tile.picture(frame, side_px) for tile, frame in zip(tiles, shown, strict=True)
            ]
            sink.write_frame(compose_grid(pictures), item.time_s)
            frames += 1
        elif isinstance(item, AudioBlock):
            sink.write_audio(item.samples)
    return frames


def side_by_side(
    reference: PathLike,
    output: PathLike,
    target: PathLike,
    *,
    crop: Crop | None = None,
    crf: int = 18,
    force: bool = False,
) -> int:
    """Write source | decoded, at the decoded file's size, with its times and its sound.

    Args:
        reference: the source video.
        output: the decoded video.
        target: video file to write (H.264 and AAC in .mp4).
        crop: the coded square (`EncodeReport.crop`); None stands for the largest centred one.
        crf: H.264 quality, 0 (best) .. 51.
        force: replace an existing file.

    Returns:
        Frames written.

    Raises:
        MediaError: a file can't be read or written.
        OutputExistsError: the target exists and `force` is false.
    """
    tiles = (Tile(reference, "source", crop), Tile(output, "decoded"))
    return grid_video(tiles, target, leader=1, crf=crf, force=force)
