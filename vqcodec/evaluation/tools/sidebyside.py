"""Source and decoded video next to each other in one file, for eyes and ears."""

from __future__ import annotations

import os

import numpy as np

from vqcodec.evaluation.tools.frames import Follower, PathLike, Picture, coded_square
from vqcodec.evaluation.tools.sheets import draw_label
from vqcodec.media.items import AudioBlock
from vqcodec.media.out.sink import VideoSink
from vqcodec.media.picture.source import VideoSource
from vqcodec.types import Crop, VideoFrame

LABELS = ("source", "decoded")


def side_by_side(
    reference: PathLike,
    output: PathLike,
    target: PathLike,
    *,
    crop: Crop | None = None,
    labels: tuple[str, str] = LABELS,
    crf: int = 18,
    force: bool = False,
) -> int:
    """Write source | decoded with labels burnt in, the decoded file's times and its sound.

    Args:
        reference: the source video.
        output: the decoded video; its size and times are kept.
        target: video file to write (H.264 and AAC in .mp4).
        crop: the coded square (`EncodeReport.crop`); None stands for the largest centred one.
        labels: text for the two halves, ASCII.
        crf: H.264 quality, 0 (best) .. 51.
        force: replace an existing file.

    Returns:
        Frames written.

    Raises:
        MediaError: a file can't be read or written.
        OutputExistsError: the target exists and `force` is false.
    """
    with (
        VideoSource(os.fspath(reference)) as source,
        VideoSource(os.fspath(output), sound="decode") as shown,
    ):
        follower = Follower(iter(source))
        with VideoSink(
            target,
            width=2 * shown.width,
            height=shown.height,
            frame_rate_hz=shown.frame_rate_hz,
            time_base_s=shown.time_base_s,
            channels=int(shown.has_audio),
            crf=crf,
            force=force,
        ) as sink:
            frames = 0
            for item in shown.items():
                if isinstance(item, VideoFrame):
                    sink.write_frame(_halves(follower.at(item), item, crop, labels), item.time_s)
                    frames += 1
                elif isinstance(item, AudioBlock):
                    sink.write_audio(item.samples)
    return frames


def _halves(
    source: VideoFrame | None, shown: VideoFrame, crop: Crop | None, labels: tuple[str, str]
) -> Picture:
    side = shown.rgb.shape[0]
    left = np.zeros_like(shown.rgb) if source is None else coded_square(source.rgb, crop, side)
    scale = max(0.4, side / 800)
    at = (10, round(34 * scale) + 6)
    return np.concatenate(
        [draw_label(p, t, at, scale) for p, t in zip((left, shown.rgb), labels, strict=True)],
        axis=1,
    )
