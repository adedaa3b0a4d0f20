"""A dub to look at: real frames, dubbed frames at the same times, and below them how far both open the mouth.

    python -m vqcodec.lab dubsheet REAL.mp4 DUBBED.mp4 SHEET.jpg [--frames 8] [--side 160] [--quality 80] [--force]

The grey lines of the curves are the times of the pictures. Both videos are followed frame by frame, matched by time; the sheet's
kind goes by its name: .png, .jpg or .webp.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import MediaError, UsageError
from vqcodec.evaluation.metrics.lipsync import opening_track
from vqcodec.evaluation.tools.extras import require
from vqcodec.evaluation.tools.frames import METRIC_SIDE_PX, Picture, coded_square, paired, to_side
from vqcodec.evaluation.tools.sheets import draw_label
from vqcodec.face.landmarks import FaceLandmarker
from vqcodec.format import CODED_SIZE_PX
from vqcodec.lab.command import perform, sheet_options
from vqcodec.lab.dub.sync import Points, lip_sync
from vqcodec.lab.rate.layersheet import write_sheet
from vqcodec.media.picture.source import VideoSource

_LABEL_WIDTH_PX = 72
_CURVE_SHARE = 1.1
_DPI = 100


@dataclass(frozen=True, slots=True)
class Followed:
    """Two videos side by side, frame by frame.

    Attributes:
        times_s: (T,) of the dub's frames.
        pictures: for each of the frames shown: number, real and dubbed picture, (256, 256, 3).
        real: landmarks of each real frame, None without a face.
        dubbed: likewise of the dub.
    """

    times_s: NDArray[np.float64]
    pictures: list[tuple[int, Picture, Picture]]
    real: list[Points | None]
    dubbed: list[Points | None]


def follow(reference: Path, output: Path, frames: int) -> Followed:
    """Look at every frame of both videos; the pictures kept are at even distances.

    Raises:
        MediaError: one of them can't be read, or shows nothing.
    """

    def points(picture: Picture) -> Points | None:
        found = landmarker.largest(picture)
        return None if found is None else found.points

    with VideoSource(os.fspath(output)) as once:
        count = sum(1 for _ in once)
    # halfway into even parts: the first frame is the portrait itself
    numbers = {int((i + 0.5) * count / frames) for i in range(frames)}
    times_s, real, dubbed, kept = [], [], [], []
    with FaceLandmarker() as landmarker:
        for number, (source, shown) in enumerate(paired(reference, output)):
            pair = coded_square(source.rgb, None, METRIC_SIDE_PX), to_side(shown.rgb)
            times_s.append(float(shown.time_s))
            real.append(points(pair[0]))
            dubbed.append(points(pair[1]))
            if number in numbers:
                kept.append((number, *pair))
    if not kept:
        raise MediaError(f"{output} holds no picture")
    return Followed(np.array(times_s), kept, real, dubbed)


def curves(followed: Followed, width_px: int, height_px: int) -> Picture:
    """Mouth opening of both over time, (height, width, 3) uint8.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    require("matplotlib", "drawing curves")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_px / _DPI, height_px / _DPI), dpi=_DPI, constrained_layout=True)
    canvas = FigureCanvasAgg(figure)
    axis: Any = figure.subplots()
    # Okabe and Ito's blue and orange: told apart by everybody
    for points, colour, name in (
        (followed.real, "#0072B2", "real"),
        (followed.dubbed, "#E69F00", "dubbed"),
    ):
        axis.plot(followed.times_s, opening_track(points), color=colour, label=name, linewidth=1.2)
    for number, _, _ in followed.pictures:
        axis.axvline(followed.times_s[number], color="#BBBBBB", linewidth=0.8, zorder=0)
    sync = lip_sync(followed.real, followed.dubbed)
    axis.set_title(
        f"mouth opening in eye distances: correlation {sync['lip_corr']:.2f}, best {sync['lip_best']:.2f} at "
        f"{sync['lip_lag_ms']:+.0f} ms",
        fontsize=9,
    )
    axis.set_xlabel("seconds", fontsize=8)
    axis.tick_params(labelsize=8)
    axis.margins(x=0.01)
    axis.legend(frameon=False, loc="upper right", fontsize=8)
    canvas.draw()
    return np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3])


def compose(followed: Followed, side_px: int) -> Picture:
    """The sheet: two rows of pictures, then the curves, (2 side + 1.1 side, 72 + n side, 3) uint8."""
    rows = []
    for name, at in (("real", 1), ("dubbed", 2)):
        label = draw_label(
            np.full((side_px, _LABEL_WIDTH_PX, 3), 16, np.uint8), name, (6, side_px // 2), 0.4
        )
        rows.append(
            np.concatenate([label, *(to_side(p[at], side_px) for p in followed.pictures)], axis=1)  # type: ignore[arg-type]
        )
    width = rows[0].shape[1]
    return np.concatenate([*rows, curves(followed, width, round(side_px * _CURVE_SHARE))])


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("real", type=Path)
    parser.add_argument("dubbed", type=Path)
    sheet_options(parser, frames=8)


def _job(options: Namespace) -> int:
    if not 2 <= options.frames <= 32 or not 64 <= options.side <= CODED_SIZE_PX:
        raise UsageError(
            f"{options.frames} frames of {options.side} px are outside 2..32 and 64..{CODED_SIZE_PX}"
        )
    sheet = compose(follow(options.real, options.dubbed, options.frames), options.side)
    write_sheet(sheet, options.sheet, quality=options.quality, force=options.force)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("dubsheet", _options, _job, arguments)
