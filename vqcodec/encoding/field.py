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
from typing import Generic, TypeVar

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
        self._known: dict[tuple[Fraction, int], Features] = {}
        self._ready: dict[Fraction, tuple[State, Grey]] = {}

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

    def of_shot(
        self, shot: RecordedShot, chosen: Sequence[int], shown: NDArray[np.int64]
    ) -> tuple[Features, list[Features]]:
        """The motion of a shot with its field.

        Args:
            shot: each second frame at least has its picture.
            chosen: candidates that are its portraits, by number.
            shown: (T,) number of the portrait of each frame.

        Returns:
            (T, D) features of the frames, and of each portrait (D,).
        """
        features = shot.features()
        own = [shot.candidates[c].features.copy() for c in chosen]
        begun = {int(shown[0])}
        last = np.zeros(self._fit.count, np.float32)
        for portrait, places in groupby(range(len(shown)), key=lambda t: int(shown[t])):
            stretch = list(places)
            moved = self._stretch(shot, shot.candidates[chosen[portrait]], stretch, features)
            if portrait not in begun:
                begun.add(portrait)
                start = last - moved[0]
                own[portrait][self.span] = start if np.abs(start).max() <= MOST_PX else 0
            features[stretch, self.span] = own[portrait][self.span] + moved
            last = features[stretch[-1], self.span]
        return features, own

    def _stretch(
        self, shot: RecordedShot, portrait: Candidate, places: list[int], features: Features
    ) -> Features:
        """(len(places), K) of frames that one portrait shows, one after the other."""
        measured = [n for n in places if shot.frames[n].picture is not None]
        kept = measured[::MEASURED_EVERY] if len(measured) > len(places) // 2 + 1 else measured
        if not kept:
            return np.zeros((len(places), self._fit.count), np.float32)
        new = [n for n in kept if (portrait.time_s, shot.frames[n].index) not in self._known]
        if new:
            self._measure(shot, portrait, np.array(new), features)
        rows = np.stack([self._known[portrait.time_s, shot.frames[n].index] for n in kept])
        return np.stack([np.interp(places, kept, column) for column in rows.T], 1).astype(
            np.float32
        )

    def _measure(
        self,
        shot: RecordedShot,
        portrait: Candidate,
        places: NDArray[np.int64],
        features: Features,
    ) -> None:
        ready = self._portrait(portrait)

        def measured(some: NDArray[np.int64]) -> Features:
            return np.stack(
                [self.between(ready, _grey(shot.frames[n]), features[n]) for n in some.tolist()]
            )

        workers = self._halves.workers() if len(places) > 1 else None
        found = measured(places) if workers is None else workers(measured, places)
        for n, row in zip(places.tolist(), found, strict=True):
            self._known[portrait.time_s, shot.frames[n].index] = row

    def _portrait(self, candidate: Candidate) -> tuple[State, Grey]:
        ready = self._ready.pop(candidate.time_s, None)
        if ready is None:
            ready = self.prepared(candidate.picture.rgb(), candidate.features)
        self._ready[candidate.time_s] = ready  # the last one used stands last
        while len(self._ready) > _READY_PORTRAITS:
            del self._ready[next(iter(self._ready))]
        return ready


def _grey(frame: RecordedFrame) -> Grey:
    assert frame.picture is not None  # only such frames are measured
    return grey_of(frame.picture.rgb())
