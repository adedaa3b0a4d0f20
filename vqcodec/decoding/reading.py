"""Which reader a decode asks, and for which items of the stream."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain, islice
from typing import BinaryIO

from vqcodec.config import DecodeOptions
from vqcodec.container import Reader, RecoveringReader
from vqcodec.container.reader import Item
from vqcodec.decoding.fade import PORTRAIT_FADE_S
from vqcodec.decoding.window import check_duration
from vqcodec.errors import TruncatedError, UsageError
from vqcodec.format import VERSION
from vqcodec.stream.opening import GrowingFile
from vqcodec.types import PortraitUnit

AnyReader = Reader | RecoveringReader


def reader_of(file: BinaryIO, options: DecodeOptions, *, scenes: bool = False) -> AnyReader:
    """A strict reader, or with options.recover one that reads past damage; with or without the scene around the square.

    Raises:
        BitstreamError, UnsupportedError: HEAD is damaged, or of a newer version.
    """
    if not options.recover:
        return Reader(file, layers=options.layers, scenes=scenes)
    return RecoveringReader.open(
        file,
        layers=options.layers,
        from_s=options.start_s,
        portrait_needed=options.portrait is None,
        scenes=scenes,
    )


def continued(reader: Reader, options: DecodeOptions) -> AnyReader:
    """The same for a file whose HEAD has been read already."""
    if not options.recover:
        return reader
    return RecoveringReader.continuing(
        reader,
        layers=options.layers,
        from_s=options.start_s,
        portrait_needed=options.portrait is None,
    )


def items_to_play(reader: AnyReader, file: BinaryIO, options: DecodeOptions) -> Iterator[Item]:
    """What is to be played, from the index where that is possible, else in order."""
    if isinstance(reader, RecoveringReader):
        return iter(reader)
    if isinstance(file, GrowingFile):
        return _until_cut(reader, file)
    if options.start_s == 0 or not file.seekable():
        return iter(reader)
    check_start(reader, options.start_s)
    # another person's motion counts from the stream's first portrait
    needed = reader.head.version[0] != VERSION[0] and options.portrait is not None
    first = islice((item for item in reader if isinstance(item, PortraitUnit)), int(needed))
    # a fade that goes on at the start needs the last frame and the portrait from before it
    return chain(
        list(first), reader.groups_from(max(options.start_s - PORTRAIT_FADE_S, Fraction(0)))
    )


def frames_to_come(reader: AnyReader, file: BinaryIO, options: DecodeOptions) -> int | None:
    """Frames that will be made, about, by the index; None where it can't be read ahead.

    Raises:
        UsageError: they would last longer than options.max_duration_s.
    """
    if isinstance(reader, RecoveringReader) or not file.seekable():
        return None
    index = reader.index()
    end_s = index.end_tick * reader.head.time_base_s
    check_duration(options.start_s, min(options.end_s or end_s, end_s), options.max_duration_s)
    asked_s = max(min(options.end_s or end_s, end_s) - options.start_s, Fraction(0))
    return max(round(index.frames * asked_s / end_s), 1)


def check_start(reader: Reader, start_s: Fraction) -> None:
    """Refuse a start at or after the end of the stream, in the words of whoever asked for it.

    Raises:
        UsageError: it is.
    """
    end_s = reader.index().end_tick * reader.head.time_base_s
    if start_s >= end_s:
        raise UsageError(
            f"the start {float(start_s):g} s is outside the stream",
            hint=f"It ends at {float(end_s):g} s.",
        )


def end_of(reader: AnyReader, file: BinaryIO) -> int | None:
    """The tick at which the last frame ends, as far as a reader knows when its items were taken."""
    if isinstance(reader, RecoveringReader):
        return None if reader.end is None else reader.end[1]
    if reader.end_tick is None and file.seekable():
        return reader.index().end_tick
    return reader.end_tick


def _until_cut(reader: Reader, file: GrowingFile) -> Iterator[Item]:
    """The items of a stream that may have no end yet."""
    try:
        yield from reader
    except TruncatedError:
        if not file.timed_out:
            raise
