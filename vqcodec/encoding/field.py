"""The field of a shot's frames, measured against the portraits that show them (motion-3).

    shown      a a a a a a a b b b b b b a a a     portrait of each frame
    measured   x   x   x   x   x   x   x   x       each second frame, between them by straight lines
    field      D_a + r_a(t)    D_b + r_b(t) ...    r: what brings the portrait to the frame (motion.field)

Only the difference of a frame's coefficients and its portrait's counts, so those of a portrait, D, are the encoder's to choose:
D of the first is zero, and each other one's is such that the coefficients go on where it first takes over. Then both portraits of
a picture that passes from one to the other are moved rightly, and the step costs no bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby
from typing import Generic, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from vqcodec.encoding.shots import Candidate, RecordedFrame, RecordedShot
from vqcodec.face.crop import resize
from vqcodec.format import FEATURE_SIZE_PX
from vqcodec.geometry.field import FieldBasis
from vqcodec.geometry.layout import Layout
from vqcodec.motion.field import BaseFlow, FieldFit, Grey, grey_of
from vqcodec.runtime.halves import Halves

MEASURED_EVERY = 2
MOST_PX = 30.0
"""A portrait's own coefficients begin anew at zero where they would get larger."""
_READY_PORTRAITS = 4

Features = NDArray[np.float32]
State = TypeVar("State")
Key: TypeAlias = tuple[Fraction, int, bytes]


class ToldPortrait(NamedTuple):
    """A portrait, and its features (D,) as they are told."""

    candidate: Candidate
    features: Features


class FieldMeter(Generic[State]):
    """Measures fields; remembers what it has measured, since a file is coded several times.

    Args:
        field: the basis.
        flow: what the other dimensions tell.
        layout: of the motion space.
        used: components that are used, the first ones; None: all.
        halves: threads that measure, shared by the files of one process; None: its own.
    """

    def __init__(
        self,
        field: FieldBasis,
        flow: BaseFlow[State],
        layout: Layout,
        used: int | None = None,
        *,
        halves: Halves | None = None,
    ) -> None:
        self.span = layout.field_span
        self._fit, self._flow = FieldFit(field, used), flow
        self._halves = halves or Halves()
        self._known: dict[Key, Features] = {}
        self._ready: dict[tuple[Fraction, bytes], tuple[State, Grey]] = {}

    def prepared(self, square: NDArray[np.uint8], features: Features) -> tuple[State, Grey]:
        """A portrait (S, S, 3) made ready to be compared with frames."""
        small = resize(square, FEATURE_SIZE_PX)
        return self._flow.prepare(small, features), grey_of(small)

    def between(self, portrait: tuple[State, Grey], frame: Grey, features: Features) -> Features:
        """(K,) coefficients that bring a portrait to a frame (256, 256) with features (D,)."""
        state, grey = portrait
        return self._fit(grey, frame, *self._flow.flow(state, features))

    def forget(self) -> None:
        """Let go what was measured: the shots so far don't come again."""
        self._known.clear()

    def add(
        self,
        shot: RecordedShot,
        chosen: Sequence[int],
        shown: NDArray[np.int64],
        features: Features,
        own: Sequence[Features],
    ) -> None:
        """Write the field of a shot into its motion.

        Args:
            shot: each second frame at least has its picture.
            chosen: candidates that are its portraits, by number.
            shown: (T,) number of the portrait of each frame.
            features: (T, D) of the frames as they are told.
            own: (D,) of each portrait likewise.
        """
        begun = {int(shown[0])}
        last = np.zeros(self._fit.count, np.float32)
        for portrait, places in groupby(range(len(shown)), key=lambda t: int(shown[t])):
            stretch = list(places)
            told = ToldPortrait(shot.candidates[chosen[portrait]], own[portrait])
            moved = self._stretch(shot, told, stretch, features)
            if portrait not in begun:
                begun.add(portrait)
                start = last - moved[0]
                own[portrait][self.span] = start if np.abs(start).max() <= MOST_PX else 0
            features[stretch, self.span] = own[portrait][self.span] + moved
            last = features[stretch[-1], self.span]

    def _stretch(
        self, shot: RecordedShot, portrait: ToldPortrait, places: list[int], features: Features
    ) -> Features:
        """(len(places), K) of frames that one portrait shows, one after the other."""
        measured = [n for n in places if shot.frames[n].picture is not None]
        kept = measured[::MEASURED_EVERY] if len(measured) > len(places) // 2 + 1 else measured
        if not kept:
            return np.zeros((len(places), self._fit.count), np.float32)
        keys = {n: self._key(shot, portrait, n, features) for n in kept}
        new = [n for n in kept if keys[n] not in self._known]
        if new:
            found = self._measured(shot, portrait, np.array(new), features)
            self._known.update((keys[n], row) for n, row in zip(new, found, strict=True))
        rows = np.stack([self._known[keys[n]] for n in kept])
        return np.stack([np.interp(places, kept, column) for column in rows.T], 1).astype(
            np.float32
        )

    def _key(
        self, shot: RecordedShot, portrait: ToldPortrait, place: int, features: Features
    ) -> Key:
        """What a measurement hangs on: where fine dimensions are left, the rest is told otherwise."""
        told = features[place, : self.span.start].tobytes()
        return portrait.candidate.time_s, shot.frames[place].index, told

    def _measured(
        self,
        shot: RecordedShot,
        portrait: ToldPortrait,
        places: NDArray[np.int64],
        features: Features,
    ) -> Features:
        ready = self._portrait(portrait)

        def measured(some: NDArray[np.int64]) -> Features:
            return np.stack(
                [self.between(ready, _grey(shot.frames[n]), features[n]) for n in some.tolist()]
            )

        workers = self._halves.workers() if len(places) > 1 else None
        return measured(places) if workers is None else workers(measured, places)

    def _portrait(self, portrait: ToldPortrait) -> tuple[State, Grey]:
        key = portrait.candidate.time_s, portrait.features[: self.span.start].tobytes()
        ready = self._ready.pop(key, None)
        if ready is None:
            ready = self.prepared(portrait.candidate.picture.rgb(), portrait.features)
        self._ready[key] = ready  # the last one used stands last
        while len(self._ready) > _READY_PORTRAITS:
            del self._ready[next(iter(self._ready))]
        return ready


def _grey(frame: RecordedFrame) -> Grey:
    assert frame.picture is not None  # only such frames are measured
    return grey_of(frame.picture.rgb())
