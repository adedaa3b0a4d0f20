"""A contact sheet of a dub: frames from its beginning to its end, each with its time, in one picture."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from vqcodec.container import Reader
from vqcodec.decoding.parts import DecoderPartsSource, decoder_parts
from vqcodec.decoding.selected import selected_frames
from vqcodec.errors import UsageError
from vqcodec.media.out.atomic import atomic_output

COLUMNS, ROWS = 4, 3
TILE_PX = 256
SUFFIXES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
_GAP_PX, _PAPER, _INK = 4, (255, 255, 255), (255, 255, 0)

Picture = NDArray[np.uint8]


def check_sheet(path: Path | None) -> None:
    """Refuse a name that no picture can have.

    Raises:
        UsageError: its suffix is another.
    """
    if path is not None and path.suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"cannot write a sheet as {path.suffix or 'a file without suffix'}",
            hint=f"Use {', '.join(SUFFIXES)}.",
        )


def write_sheet(
    path: Path, stream: BinaryIO, frames: int, parts: DecoderPartsSource | None, *, force: bool
) -> None:
    """Draw the sheet of a stream of so many frames.

    Args:
        path: .png, .jpg or .webp; appears only when it is complete.
        stream: a .vqt stream, from its beginning on.
        frames: in it.
        parts: models to render with; None loads the shipped ones.
        force: replace an existing file.

    Raises:
        OutputExistsError, MediaError: it exists, or can't be written.
    """
    wanted = np.unique(np.linspace(0, frames - 1, COLUMNS * ROWS).round().astype(int)).tolist()
    stream.seek(0)
    head = Reader(stream).head
    stream.seek(0)
    models = decoder_parts(parts, head)
    shown = selected_frames(stream, models, set(wanted).__contains__, TILE_PX)
    tiles = [(number / head.frame_rate_hz, rgb) for number, rgb in shown]
    data = io.BytesIO()
    drawn(tiles).save(data, SUFFIXES[path.suffix.lower()])
    with atomic_output(path, force=force) as sink:
        sink.write(data.getvalue())


def drawn(tiles: list[tuple[Fraction, Picture]]) -> Image.Image:
    """Times and pictures (S, S, 3), row by row."""
    side = tiles[0][1].shape[0] + _GAP_PX
    rows = -(-len(tiles) // COLUMNS)
    columns = min(len(tiles), COLUMNS)
    sheet = Image.new("RGB", (columns * side + _GAP_PX, rows * side + _GAP_PX), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for number, (time_s, rgb) in enumerate(tiles):
        row, column = divmod(number, COLUMNS)
        at = column * side + _GAP_PX, row * side + _GAP_PX
        sheet.paste(Image.fromarray(rgb), at)
        pen.text((at[0] + 6, at[1] + 4), f"{float(time_s):.2f} s", fill=_INK)
    return sheet
