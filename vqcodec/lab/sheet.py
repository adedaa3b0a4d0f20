"""Contact sheet of a source video and its decoded version.

python -m vqcodec.lab sheet REF.mp4 OUT.mp4 sheet.png [--frames 6] [--portrait PICTURE] [--force]
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from vqcodec.errors import MediaError
from vqcodec.evaluation.tools.frames import METRIC_SIDE_PX, Picture, coded_square
from vqcodec.evaluation.tools.sheets import contact_sheet
from vqcodec.lab.command import perform
from vqcodec.media.still.stills import decode_still


def _read_picture(path: Path | None) -> Picture | None:
    if path is None:
        return None
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MediaError(f"can't read {path}: {error}") from error
    return coded_square(decode_still(data), None, METRIC_SIDE_PX)


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("reference", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("sheet", type=Path, help="PNG to write")
    parser.add_argument("--frames", type=int, default=6, help="columns (6)")
    parser.add_argument(
        "--portrait", type=Path, help="picture for the portrait row (the source's first frame)"
    )
    parser.add_argument("--force", action="store_true", help="replace an existing sheet")


def _job(options: Namespace) -> int:
    contact_sheet(
        options.reference,
        options.output,
        options.sheet,
        frames=options.frames,
        portrait=_read_picture(options.portrait),
        force=options.force,
    )
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("sheet", _options, _job, arguments)
