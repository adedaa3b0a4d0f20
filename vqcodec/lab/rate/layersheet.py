"""Coarse to fine to look at: one clip at 1, 2, 3 and 4 layers, whole pictures and mouths.

    python -m vqcodec.lab layersheet CLIP.mp4 SHEET.jpg [--frames 6] [--side 160] [--quality 80] [--force]

Columns: frames at even distances. Rows: source, 1, 2, 3, 4 layers, each `side` pixels; then the mouths of the same five, cut
from the 512x512 picture and scaled to `side` x `side`/2. The sheet's kind goes by its name: .png, .jpg or .webp.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from vqcodec.decoding.parts import DecoderParts
from vqcodec.encoding.parts import EncoderParts
from vqcodec.errors import MediaError, UsageError
from vqcodec.evaluation.tools.frames import Picture, to_side
from vqcodec.evaluation.tools.sheets import Centre, draw_label, window
from vqcodec.face.landmarks import FaceLandmarker
from vqcodec.format import CODED_SIZE_PX
from vqcodec.geometry.mesh import LIPS
from vqcodec.lab.command import perform, sheet_options
from vqcodec.lab.rate.layers import source_squares, streams
from vqcodec.lab.rate.rdo import rendered, track
from vqcodec.media.out.atomic import atomic_output

_MOUTH_PX = (224, 112)  # cut from 512x512
_MOUTH_AT = (0.5, 0.68)  # where it lies in an average crop
_LABEL_WIDTH_PX = 72
_KINDS = {".png": (), ".jpg": (cv2.IMWRITE_JPEG_QUALITY,), ".webp": (cv2.IMWRITE_WEBP_QUALITY,)}


def compose(rows: Sequence[tuple[str, Picture]], mouths: Sequence[Centre], side_px: int) -> Picture:
    """Put the sheet together.

    Args:
        rows: name and (F, 512, 512, 3) uint8 pictures of each row.
        mouths: F centres in those pictures.
        side_px: of a whole picture on the sheet.

    Returns:
        (rows x 1.5 side, 72 + F side, 3) uint8.
    """
    lines = []
    for name, pictures in rows:
        lines.append((name, [to_side(p, side_px) for p in pictures]))
    for name, pictures in rows:
        cuts = [window(p, at, _MOUTH_PX) for p, at in zip(pictures, mouths, strict=True)]
        lines.append(
            (
                name,
                [
                    np.asarray(
                        cv2.resize(c, (side_px, side_px // 2), interpolation=cv2.INTER_AREA),
                        np.uint8,
                    )
                    for c in cuts
                ],
            )
        )
    made = []
    for name, cells in lines:
        height = cells[0].shape[0]
        label = draw_label(
            np.full((height, _LABEL_WIDTH_PX, 3), 16, np.uint8), name, (6, height // 2), 0.4
        )
        made.append(np.concatenate([label, *cells], axis=1))
    return np.concatenate(made)


def _mouth(picture: Picture, landmarker: FaceLandmarker) -> Centre:
    found = landmarker.largest(picture)
    if found is None:
        return _MOUTH_AT[0] * CODED_SIZE_PX, _MOUTH_AT[1] * CODED_SIZE_PX
    x, y = found.points[list(LIPS)].mean(axis=0)
    return float(x), float(y)


def layer_sheet(clip: Path, *, frames: int = 6, side_px: int = 160) -> Picture:
    """Code a clip once and show it at every number of layers.

    Raises:
        UsageError: `frames` or `side_px` are out of range, or the first frame shows no face.
        MediaError: the clip can't be read.
    """
    if not 2 <= frames <= 32 or not 32 <= side_px <= CODED_SIZE_PX:
        raise UsageError(
            f"{frames} frames of {side_px} px are outside 2..32 and 32..{CODED_SIZE_PX}"
        )
    encoder = EncoderParts.load()
    tracked = track(clip, encoder)
    if not tracked.frames:
        raise MediaError(f"{clip} holds no picture")
    every = max(1, (len(tracked.frames) - 1) // (frames - 1))
    decoder = DecoderParts.load(tracked.head)
    rows = [("source", source_squares(tracked, every, CODED_SIZE_PX)[:frames])]
    for stream in streams(tracked, encoder):
        name = f"{stream.layers} layer{'s' if stream.layers > 1 else ''}"
        rows.append(
            (name, np.stack(list(rendered(stream.data, decoder, every, CODED_SIZE_PX)))[:frames])
        )
    with FaceLandmarker() as landmarker:
        mouths = [_mouth(picture, landmarker) for picture in rows[0][1]]
    return compose(rows, mouths, side_px)


def write_sheet(sheet: Picture, target: Path, *, quality: int = 80, force: bool = False) -> None:
    """Write the sheet as the kind its name says.

    Raises:
        UsageError: another kind than .png, .jpg or .webp.
        MediaError, OutputExistsError: it can't be written.
    """
    suffix = target.suffix.lower()
    if suffix not in _KINDS:
        raise UsageError(f"{target} is no .png, .jpg or .webp", hint="Choose one of those.")
    settings = [value for key in _KINDS[suffix] for value in (key, quality)]
    done, data = cv2.imencode(suffix, cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), settings)
    if not done:
        raise MediaError(f"the sheet can't be coded as {suffix}")
    with atomic_output(target, force=force) as sink:
        sink.write(data.tobytes())


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("clip", type=Path)
    sheet_options(parser, frames=6)


def _job(options: Namespace) -> int:
    sheet = layer_sheet(options.clip, frames=options.frames, side_px=options.side)
    write_sheet(sheet, options.sheet, quality=options.quality, force=options.force)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("layersheet", _options, _job, arguments)
