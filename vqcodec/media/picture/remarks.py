"""What a person should know of how a file's pictures and sound were placed, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import av

from vqcodec.media.picture.colour import guessed_matrix
from vqcodec.media.picture.interlaced import Deinterlacer
from vqcodec.media.picture.packets import PacketReader
from vqcodec.media.picture.probe import MediaInfo
from vqcodec.media.picture.taint import Taint
from vqcodec.media.picture.timeline import Timeline


def clock_remarks(reader: PacketReader, timeline: Timeline[Any], fields: Deinterlacer) -> list[str]:
    """About times that were guessed, pictures that had none of their own, and those of two fields."""
    name, clock, told = reader.name, reader.clock, []
    if reader.is_rate_guessed:
        told.append(
            f"{name} doesn't say its frame rate: {reader.rate_hz} pictures a second were assumed "
            "(--input-fps tells it)"
        )
    if clock.joins:
        told.append(f"the clock of {name} starts anew {_times(clock.joins)}: joined there")
    if clock.apart_s is not None:
        told.append(
            f"pictures and sound of {name} are {float(clock.apart_s):.0f} s apart by their times: "
            "begun together"
        )
    if guessed := timeline.guessed + clock.guessed:
        told.append(
            f"{_count(guessed, 'picture')} of {name} with an impossible time: guessed "
            "from the neighbours or the frame rate"
        )
    if timeline.dropped:
        told.append(
            f"{_count(timeline.dropped, 'picture')} of {name} left out: no time between others'"
        )
    if clock.wrong:
        told.append(
            f"{_count(clock.wrong, 'packet')} of sound of {name} with an impossible time: put "
            "behind the one before"
        )
    if fields.changed:
        told.append(f"{_count(fields.changed, 'picture')} of {name} interlaced: deinterlaced")
    return told


def damage_remarks(reader: PacketReader, taint: Taint, changes: int) -> list[str]:
    """About pictures that aren't whole, and those lost where the codec changed, so many times."""
    switched = f"the pictures of {reader.name} go on in another codec {_times(changes)}: a picture may be lost there"
    count = taint.flagged - reader.clock.joins  # where parts were joined, a demuxer sees a hole
    damaged = f"{_count(count, 'picture')} of {reader.name} damaged: no portraits"
    return [switched] * (changes > 0) + [damaged] * (count > 0)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'s' if count != 1 else ''}"


def picture_remarks(
    info: MediaInfo, size_px: tuple[int, int], first: av.VideoFrame
) -> Iterator[str]:
    """What is guessed or given up of a file's pictures, which are read at `size_px`, by the first of them."""
    if size_px[0] < info.width:
        yield (
            f"the pictures of {info.name}, {info.width}x{info.height}, are read at "
            f"{size_px[0]}x{size_px[1]}"
        )
    matrix = guessed_matrix(first)
    if matrix:
        yield f"{info.name}: {matrix}"
