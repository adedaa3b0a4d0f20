"""Whether a file ends before its own end, by what its kind tells of it: the first that knows it, of all kinds.

Kinds that tell nothing of their end (`.h264`, `.mp3`) can't be judged; libav's own flags and a declared length are looked at
by who reads the packets.
"""

from __future__ import annotations

import os
from typing import BinaryIO

from vqcodec.media.cut.animations import animation_ends_early
from vqcodec.media.cut.boxes import boxes_end_early, elements_end_early, tags_end_early
from vqcodec.media.cut.broadcast import packs_end_early, transport_ends_early
from vqcodec.media.cut.chunks import chunks_end_early
from vqcodec.media.cut.pages import asf_ends_early, pages_end_early
from vqcodec.media.peek import peeked
from vqcodec.types import FileLike

_LOOKS = (
    chunks_end_early,
    animation_ends_early,
    boxes_end_early,
    elements_end_early,
    tags_end_early,
    pages_end_early,
    asf_ends_early,
    transport_ends_early,
    packs_end_early,
)


def ends_early(source: FileLike) -> bool:
    """Whether something of a file's end is missing; False for kinds that don't tell it, for damaged ones, and for pipes."""
    return peeked(source, _ends_early, False)


def _ends_early(file: BinaryIO) -> bool:
    start = file.tell()
    for look in _LOOKS:
        file.seek(start, os.SEEK_SET)
        if look(file):
            return True
    return False
