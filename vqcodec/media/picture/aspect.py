"""How wide the pixels of each picture are: broadcasts go from 4:3 to 16:9 without another size in pixels."""

from __future__ import annotations

from fractions import Fraction

import av
from av.video.codeccontext import VideoCodecContext

from vqcodec.media.picture.rates import fraction


class PixelAspects:
    """Follows what the pictures themselves say, where their container doesn't overrule it.

    A decoder says what it read last, and its pictures come later: a change holds from the next key picture on.
    """

    def __init__(self, told: Fraction, context: VideoCodecContext) -> None:
        """`told` is the file's, a pixel's width over its height; `context` the decoder."""
        self._shown, self._context = told, context
        self._own: Fraction | None = None

    def of(self, frame: av.VideoFrame) -> Fraction:
        """That of the picture that was decoded just now."""
        now = fraction(self._context.sample_aspect_ratio) or Fraction(1)
        own = self._own or now
        if now != own and frame.key_frame:
            self._shown = now if self._shown == own else self._shown
            own = now
        self._own = own
        return self._shown
