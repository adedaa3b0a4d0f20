"""What the renderer renders from: portraits made ready when they are needed, or another person's portrait."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.config import DecodeOptions
from vqcodec.container.reader import Item
from vqcodec.damage import Damage
from vqcodec.decoding.parts import DecoderParts, FrameRenderer
from vqcodec.errors import BitstreamError
from vqcodec.face.portrait import portrait_square
from vqcodec.format import CODED_SIZE_PX
from vqcodec.media.still.picture_file import load_picture
from vqcodec.quantize.grfsq import dequantize
from vqcodec.stream.portrait_pictures import PortraitPictures
from vqcodec.stream.portraits import Portrait, StreamPortrait, shot_of
from vqcodec.types import PortraitUnit

MAX_STATES = 4
"""Portraits kept ready: 8 MB each with the shipped renderer on the CPU."""

Features = NDArray[np.float32]


class OtherPortrait:
    """Another person's portrait, driven by the motion of the stream's.

    Args:
        parts: renderer, motion space and detector.
        options: names the picture.

    Attributes:
        state: what the renderer makes of it.
        warnings: what is wrong with it or was guessed, for a person.

    Raises:
        NoFaceError: it shows no face.
        MediaError: it can't be read.
    """

    def __init__(self, parts: DecoderParts, options: DecodeOptions) -> None:
        assert options.portrait is not None
        picture = load_picture(options.portrait)
        with parts.detector() as detector:
            found = portrait_square(detector, picture.rgb, name=picture.name)
        self.warnings = (*picture.warnings, *found.warnings)
        self._space = parts.space
        self._features = parts.space.features(found.small[None], found.points[None])[0]
        self.state = parts.renderer.prepare(found.square, self._features)
        self._first: Features | None = None

    @classmethod
    def chosen(cls, parts: DecoderParts, options: DecodeOptions) -> OtherPortrait | None:
        """The one that the options name, if any."""
        return None if options.portrait is None else cls(parts, options)

    def told(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items of a stream; with shots, motion counts from the first of them, wherever playing begins."""
        for item in items:
            if isinstance(item, PortraitUnit):
                self.relative_to(dequantize(item.features, self._space.units))
            yield item

    def relative_to(self, first: Features) -> None:
        """Motion counts from these features, (D,), of a portrait of the stream; later calls change nothing."""
        self._first = first if self._first is None else self._first

    def driven(self, features: Features) -> Features:
        """(N, D) features of the stream -> features to render."""
        assert self._first is not None
        return self._space.transfer(features, self._first, self._features)


class PortraitStates:
    """Renderer states by portrait; with another portrait, always its own.

    The MAX_STATES used last are kept, and only those of shots that are being shown.

    Args:
        renderer: makes the states.
        units: (D,) of the motion space.
        size_px: side of the portraits' pictures.
        damage: counts portraits whose picture doesn't decode, and another one stands in; None refuses them.
        other: another person's portrait.

    Attributes:
        replaced: another person's portrait is shown.
    """

    def __init__(
        self,
        renderer: FrameRenderer,
        units: Features,
        size_px: int = CODED_SIZE_PX,
        *,
        damage: Damage | None = None,
        other: OtherPortrait | None = None,
    ) -> None:
        self.replaced = other is not None
        self._renderer, self._units = renderer, units
        self._damage, self._other = damage, other
        self._pictures = PortraitPictures(size_px)
        # the one used last is at the end; portraits are held, so that an id stays theirs
        self._states: dict[int, tuple[Portrait, Any]] = {}
        self._latest: Any = None
        self._lost: set[int] = set()

    def state(self, portrait: Portrait) -> Any:
        """What the renderer needs to render from a portrait.

        Raises:
            BitstreamError: its picture doesn't decode, and nothing can stand in.
        """
        if self._other is not None:
            self._other.relative_to(self._own(shot_of(portrait)))
            return self._other.state
        self._latest = self._kept(portrait, self._prepared)
        return self._latest

    def fading(self, portrait: Portrait) -> Any:
        """The same for one that fades away; None when it doesn't decode: no frame but those of the fade needs it."""
        try:
            return self._kept(portrait, self._fresh)
        except BitstreamError:
            return None

    def keep(self, portraits: Collection[Portrait]) -> None:
        """Drop what only other shots than those of these portraits need."""
        shots = {id(shot_of(portrait)) for portrait in portraits}
        for key, (portrait, _) in list(self._states.items()):
            if id(shot_of(portrait)) not in shots:
                del self._states[key]

    def drive(self, features: Features) -> Features:
        """(N, D) features of the stream -> features to render."""
        return features if self._other is None else self._other.driven(features)

    def _kept(self, portrait: Portrait, make: Callable[[Portrait], Any]) -> Any:
        _, state = self._states.pop(id(portrait), (portrait, None))
        if state is None:
            state = make(portrait)
        self._states[id(portrait)] = portrait, state
        if len(self._states) > MAX_STATES:
            del self._states[next(iter(self._states))]
        return state

    def _own(self, portrait: Portrait | PortraitUnit) -> Features:
        return dequantize(portrait.features, self._units)

    def _fresh(self, portrait: Portrait) -> Any:
        picture = self._pictures.picture(portrait)
        return self._renderer.prepare(picture, self._own(portrait))

    def _prepared(self, portrait: Portrait) -> Any:
        try:
            return self._fresh(portrait)
        except BitstreamError:
            if self._damage is None:
                raise
            # poses are relative to a picture, so another one can show them, too
            state = self._stand_in(portrait)
            if state is None:
                raise
        self._damage.stills_lost += id(portrait) not in self._lost
        self._lost.add(id(portrait))
        return state

    def _stand_in(self, portrait: Portrait) -> Any:
        """The newest portrait of the shot that decodes: of those kept, and those on the path; else the one shown last."""
        if isinstance(portrait, StreamPortrait):
            for length in range(len(portrait.path) - 1, 0, -1):
                try:
                    return self._fresh(StreamPortrait(portrait.path[:length]))
                except BitstreamError:
                    continue
        return self._latest
