"""What the renderer renders from: key frames made ready, at most two at a time, or another person's portrait."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.config import DecodeOptions
from vqcodec.damage import Damage
from vqcodec.decoding.parts import DecoderParts
from vqcodec.errors import BitstreamError
from vqcodec.face.portrait import portrait_square
from vqcodec.media.still.stills import decode_still, load_picture
from vqcodec.quantize.grfsq import dequantize
from vqcodec.types import Head, KeyFrame

Features = NDArray[np.float32]


class PortraitStates:
    """Renderer states by key frame; with another portrait, always its own, driven by the motion relative to the first.

    One state is kept, because key frames come in order; during a cross-fade, the one before, too.

    Args:
        parts: renderer, motion space, and the detector for another portrait.
        options: names that portrait.
        head: of the stream.
        damage: counts portraits whose picture doesn't decode, and the one before stands in; None refuses them.
    """

    def __init__(
        self, parts: DecoderParts, options: DecodeOptions, head: Head, damage: Damage | None
    ) -> None:
        self._parts = parts
        self._damage = damage
        self._size_px = head.coded_size_px
        self._key_frame: KeyFrame | None = None
        self._state: Any = None
        self._before: tuple[KeyFrame, Any] | None = None
        # features of the stream's own first portrait, where another is driven
        self._first: Features | None = None
        self._other: tuple[NDArray[np.uint8], Features] | None = None
        if options.portrait is not None:
            picture, name = load_picture(options.portrait), str(options.portrait)
            with parts.detector() as detector:
                found = portrait_square(detector, picture, name=name)
            features = parts.space.features(found.small[None], found.points[None])[0]
            self._other = found.square, features

    def state(self, key_frame: KeyFrame) -> Any:
        """What the renderer needs to render from a key frame."""
        if key_frame is self._key_frame:
            return self._state
        before = None if self._key_frame is None else (self._key_frame, self._state)
        if self._other is None:
            self._state = self._prepared(key_frame)
        elif self._first is None:
            self._state = self._parts.renderer.prepare(*self._other)
            self._first = self._own(key_frame)
        self._key_frame, self._before = key_frame, before or self._before
        return self._state

    def fading(self, key_frame: KeyFrame | None) -> Any:
        """The state of the key frame before the one to render from, to be asked for first; None when nothing is to fade."""
        if key_frame is None or self._other is not None:
            return None
        if key_frame is self._key_frame:
            return self._state
        if self._before is None or key_frame is not self._before[0]:  # playing begins in the fade
            try:
                self._before = key_frame, self._fresh(key_frame)
            except BitstreamError:
                return None  # no frame but those of the fade needs it
        return self._before[1]

    def forget(self) -> None:
        """No fade is going on: drop what only it needs."""
        self._before = None

    def drive(self, features: Features) -> Features:
        """(N, 48) features of the stream -> features to render."""
        if self._first is None or self._other is None:
            return features
        return self._parts.space.transfer(features, self._first, self._other[1])

    def _own(self, key_frame: KeyFrame) -> Features:
        return dequantize(key_frame.features, self._parts.space.units)

    def _fresh(self, key_frame: KeyFrame) -> Any:
        still = decode_still(key_frame.still, size_px=self._size_px)
        return self._parts.renderer.prepare(still, self._own(key_frame))

    def _prepared(self, key_frame: KeyFrame) -> Any:
        try:
            return self._fresh(key_frame)
        except BitstreamError:
            if self._damage is None or self._state is None:
                raise
            self._damage.stills_lost += 1
            # poses are relative to a picture, so the one before can show them, too
            return self._state
