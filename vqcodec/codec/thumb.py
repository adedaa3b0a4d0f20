"""The portrait of a .vqt file as a picture: what a list of files, a poster or a preview shows. Needs no model and no torch."""

from __future__ import annotations

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
        UsageError: the stream has no portrait, or the time is negative.
        MediaError: the file can't be read.
    """
    if at_s is not None and at_s < 0:
        raise UsageError(f"a time of {float(at_s):g} s", hint="Times count from 0.")
    with open_stream(readable(source)) as file:
        reader = Reader(file)
        portrait = _shown(reader, at_s)
        if portrait is None:
            raise UsageError("the stream has no portrait", hint="It has no frames.")
        from vqcodec.stream.portrait_pictures import PortraitPictures

        return PortraitPictures(reader.head.coded_size_px).picture(portrait)


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
