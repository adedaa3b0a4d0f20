"""A field meter over drawn pictures: frames bent by known coefficients, a base flow that says that nothing moves."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from tests.support.field import STILL, TOLD, bent, picture, smooth_basis
from vqcodec.encoding.field import FieldMeter
from vqcodec.encoding.kept import KeptPicture
from vqcodec.encoding.shots import Candidate, RecordedFrame, RecordedShot
from vqcodec.format import DIMS
from vqcodec.geometry.layout import MOTION_2, SURROUND_DIMS, Layout
from vqcodec.types import Crop

Floats = NDArray[np.float32]

BASIS = smooth_basis()
LAYOUT = Layout(SURROUND_DIMS, MOTION_2.learned, len(TOLD))
UNITS = np.concatenate([np.full(DIMS, 0.5), np.full(len(TOLD), 0.25)]).astype(np.float32)
NEAR = 0.4
"""How well a coefficient is found, with pictures through JPEG."""


class CountedFlow:
    """A base flow that says that nothing moves; remembers which portraits it prepared, and counts frames.

    Attributes:
        prepared: first feature of each portrait.
        measured: first feature of each frame.
    """

    def __init__(self) -> None:
        self.prepared: list[float] = []
        self.measured: list[float] = []

    def prepare(self, square: NDArray[np.uint8], features: Floats) -> float:
        assert square.shape == (256, 256, 3) and features.shape == (LAYOUT.dims,)
        self.prepared.append(float(features[0]))
        return self.prepared[-1]

    def flow(self, state: float, features: Floats) -> tuple[Floats, Floats]:
        self.measured.append(float(features[0]))
        return STILL, np.ones(STILL.shape[:2], np.float32)


def square(amount: float) -> NDArray[np.uint8]:
    """(256, 256, 3): the picture, bent so far."""
    shown = bent(picture(), BASIS, TOLD * np.float32(amount))
    return np.repeat(shown[..., None], 3, 2)


def row(number: int) -> Floats:
    """(D,) features of a frame or a portrait, with its number first."""
    features = np.zeros(LAYOUT.dims, np.float32)
    features[0] = number
    return features


def shot(
    amounts: Sequence[float], portraits: Sequence[int], without: Sequence[int] = ()
) -> RecordedShot:
    """Frames bent so far, some of which may be portraits, some without pictures."""
    frames = tuple(
        RecordedFrame(n, n, row(n), None if n in without else KeptPicture.of(square(amount)))
        for n, amount in enumerate(amounts)
    )
    candidates = tuple(
        Candidate(
            Fraction(n, 25),
            row(n),
            KeptPicture.of(np.repeat(np.repeat(square(amounts[n]), 2, 0), 2, 1)),
            Crop(512, 512, 0, 0, 512),
        )
        for n in portraits
    )
    rows = np.zeros((0, len(portraits)), np.float32)
    return RecordedShot(frames, candidates, np.zeros(0, np.int64), rows, False)


def meter() -> tuple[FieldMeter[float], CountedFlow]:
    flow = CountedFlow()
    return FieldMeter(BASIS, flow, LAYOUT), flow


def of_shot(
    measure: FieldMeter[float], whole: RecordedShot, chosen: list[int], shown: NDArray[np.int64]
) -> tuple[Floats, list[Floats]]:
    """The motion of a shot's frames and of its portraits, with its field."""
    features, own = whole.features(), [whole.candidates[c].features.copy() for c in chosen]
    measure.add(whole, chosen, shown, features, own)
    return features, own


def field_of(features: Sequence[Floats]) -> Floats:
    return np.stack(list(features))[:, LAYOUT.field_span]


RAMP = np.linspace(0, 1.2, 13).tolist()
