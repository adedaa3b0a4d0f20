"""The portrait of a .vqt file as a picture: what a list of files, a poster or a preview shows. Needs no model and no torch."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from vqcodec.codec.files import Source, readable
from vqcodec.container import Reader
from vqcodec.errors import UsageError
from vqcodec.stream.opening import open_stream
from vqcodec.stream.portraits import Portrait, Shot
from vqcodec.types import KeyFrame, MotionGroup, PortraitUnit


def thumb(source: Source, *, at_s: Fraction | float | None = None) -> NDArray[np.uint8]:
    """A portrait of a .vqt stream as it was coded, before any motion.

    Args:
        source: what to read; of a stream without damage up to the portrait, nothing after it is looked at.
        at_s: the portrait that the frame of this time is shown from (the last one, after the end); None takes the first.

    Returns:
        (S, S, 3) uint8 RGB, S the coded size, 512.

    Raises:
        BitstreamError, UnsupportedError: damaged, or of a newer version.
        UsageError: the stream has no portrait, or the time is negative or none.
        MediaError: the file can't be read.
    """
    return thumb_and_end(source, at_s)[0]


def thumb_and_end(
    source: Source, at_s: Fraction | float | None
) -> tuple[NDArray[np.uint8], Fraction | None]:
    """`thumb`, and, where its time is at or after the stream's end, when that is, in seconds; None otherwise."""
    if at_s is not None and not 0 <= at_s < math.inf:  # also refuses nan
        raise UsageError(f"a time of {float(at_s):g} s", hint="Times count from 0.")
    with open_stream(readable(source)) as file:
        reader = Reader(file)
        portrait = _shown(reader, at_s)
        if portrait is None:
            raise UsageError("the stream has no portrait", hint="It has no frames.")
        from vqcodec.stream.portrait_pictures import PortraitPictures

        picture = PortraitPictures(reader.head.coded_size_px).picture(portrait)
        return picture, _passed_end(reader, at_s)


def _passed_end(reader: Reader, at_s: Fraction | float | None) -> Fraction | None:
    """The end, which a reader knows only if nothing before it was the time asked for."""
    if at_s is None or reader.end_tick is None:
        return None
    end_s = reader.end_tick * reader.head.time_base_s
    return end_s if at_s >= end_s else None


def _shown(reader: Reader, at_s: Fraction | float | None) -> Portrait | None:
    """What a time is shown from."""
    shot: Shot | None = None
    found: Portrait | None = None
    for item in reader:
        if isinstance(item, KeyFrame) or (isinstance(item, PortraitUnit) and item.number == 0):
            shot = Shot(item)
            found = found or shot.first
        elif shot is None or at_s is None:
            break
        elif isinstance(item, PortraitUnit):
            shot.add(item)
        elif isinstance(item, MotionGroup):
            tick = int(Fraction(at_s) / reader.head.time_base_s)
            place = int(np.searchsorted(item.ticks, tick, side="right"))
            if place:
                found = shot.shown(item.runs, len(item.ticks))[place - 1].nearer
            if place < len(item.ticks):
                break
    return found
