"""Which decoded pictures are damaged: those that the decoder or the demuxer flags, and those predicted from them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av

_LASTS_FRAMES = 300
"""A stream without key pictures refreshes itself piece by piece, within so many."""


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """A picture, whether it is damaged, and a pixel's width over its height."""

    frame: av.VideoFrame
    is_damaged: bool
    pixel_aspect: Fraction


class Taint:
    """Follows damage from picture to picture, in the order they are shown.

    Attributes:
        flagged: pictures that were called corrupt.
    """

    def __init__(self) -> None:
        self.flagged = 0
        self._left = 0
        self._suspects: set[int] = set()

    def suspect(self, stamp: int | None) -> None:
        """The demuxer noted a hole near the packet with this stamp: decoders don't see every one."""
        if stamp is not None:
            self._suspects.add(stamp)

    def lost(self) -> None:
        """A picture couldn't be decoded at all."""
        self._left = _LASTS_FRAMES

    def sees(self, frame: av.VideoFrame) -> bool:
        """Take the next picture: is it damaged, or made from one that is?"""
        if frame.is_corrupt or frame.pts in self._suspects:
            self._suspects.discard(frame.pts or 0)
            self.flagged += 1
            self._left = _LASTS_FRAMES
        else:
            self._left = 0 if frame.key_frame else max(self._left - 1, 0)
        return self._left > 0
