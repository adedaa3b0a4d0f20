"""The field as it is told: in the tokens of a file, and live."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest

from tests.support.field import TOLD
from tests.support.metering import (
    BASIS,
    LAYOUT,
    NEAR,
    RAMP,
    UNITS,
    CountedFlow,
    Floats,
    field_of,
    meter,
    of_shot,
    row,
    shot,
    square,
)
from vqcodec.encoding.choice import Spending
from vqcodec.encoding.coding import FINE_BELOW, PlacedUnit, ShotCoder
from vqcodec.encoding.field import MEASURED_EVERY, FieldMeter
from vqcodec.encoding.live_field import LiveField
from vqcodec.encoding.settings import Setting
from vqcodec.encoding.shots import RecordedShot
from vqcodec.format import from_indices
from vqcodec.quantize.grfsq import dequantize
from vqcodec.types import MotionGroup

# --- in a file ---


def coder_with(measure: FieldMeter[float] | None, **more: bool) -> ShotCoder:
    spending = Spending(0.0, first="first")
    return ShotCoder(
        UNITS, LAYOUT, Fraction(1, 25), Fraction(25), spending, preset=12, meter=measure, **more
    )


def coded(whole: RecordedShot, measure: FieldMeter[float] | None, **more: bool) -> list[object]:
    return list(coder_with(measure, **more).items(whole, Setting(50, 0.01, 4, 0.0)))


def moved(items: Sequence[object]) -> tuple[Floats, Floats]:
    """Field of the first portrait (K,) and of the frames (T, K), as a decoder gets them."""
    units = [item.unit for item in items if isinstance(item, PlacedUnit)]
    own = dequantize(units[0].features, UNITS)
    rows = [
        dequantize(from_indices(item.indices), UNITS)
        for item in items
        if isinstance(item, MotionGroup)
    ]
    span = LAYOUT.field_span
    return own[span], own[span] + np.concatenate(rows)[:, span]


def test_tokens_say_the_field() -> None:
    own, told = moved(coded(shot(RAMP, (0,)), meter()[0]))
    assert told.shape == (13, len(TOLD)) and not own.any()
    assert np.abs(told - np.array(RAMP)[:, None] * TOLD).max() < NEAR + 0.25
    _, untold = moved(coded(shot(RAMP, (0,)), None))
    assert not untold.any()


class SeeingFlow(CountedFlow):
    """Remembers the first fine dimension of each frame, too."""

    def __init__(self) -> None:
        super().__init__()
        self.fine: list[float] = []

    def flow(self, state: float, features: Floats) -> tuple[Floats, Floats]:
        self.fine.append(float(features[LAYOUT.fine[0]]))
        return super().flow(state, features)


def test_a_field_is_measured_against_what_is_told() -> None:
    whole, flow = shot([0.0] * 4, (0,)), SeeingFlow()
    for number, frame in enumerate(whole.frames):
        assert frame.features is not None
        frame.features[LAYOUT.fine[0]] = number
    coder = coder_with(FieldMeter(BASIS, flow, LAYOUT), keep=True)
    for price in (0.0, FINE_BELOW, 0.0):  # what was measured of the one isn't taken for the other
        list(coder.items(whole, Setting(50, 0.01, 4, price)))
        coder.restart()
    assert sorted(flow.fine[:2]) == [0.0, 2.0] and set(flow.fine[2:]) == {0.0}
    assert len(flow.fine) == 3  # frame 0 is told alike


def test_a_file_that_is_coded_once_keeps_nothing() -> None:
    whole = shot(RAMP, (0,))
    for keep in (False, True):
        measured, flow = meter()
        coded(whole, measured, keep=keep)
        asked = len(flow.measured)
        of_shot(measured, whole, [0], np.zeros(13, np.int64))
        assert (len(flow.measured) == asked) is keep


# --- live ---


def test_live_frames_are_told_as_they_come() -> None:
    measured, flow = meter()
    live = LiveField(measured)
    live.add(0, square(0), row(0))
    rows = []
    for n, amount in enumerate(RAMP):
        rows.append(row(n))
        live.tell(0, square(amount), rows[-1])
    told = field_of(rows)
    assert sorted(flow.measured) == list(range(0, 13, MEASURED_EVERY))
    assert np.array_equal(told[1::2], told[:-1:2])  # held: nothing is known of what comes
    assert np.abs(told[::2] - np.array(RAMP)[::2, None] * TOLD).max() < NEAR


def test_a_live_portrait_starts_from_what_was_told_of_its_frame() -> None:
    measured, flow = meter()
    live, features = LiveField(measured), row(1)
    live.add(0, square(0), row(0))
    live.tell(0, square(1), features)
    live.add(1, square(1), features.copy())
    after = row(2)
    live.tell(1, square(1), after)  # measured at once: another portrait shows it
    assert np.abs(field_of([after]) - field_of([features])).max() < 0.2
    back = row(3)
    live.tell(0, square(0), back)
    assert np.abs(field_of([back])).max() < 0.2 and flow.measured == [1, 2, 3]


def test_a_live_frame_that_is_damaged_holds_the_field() -> None:
    measured, flow = meter()
    live, features, damaged, other = LiveField(measured), row(1), row(2), row(3)
    live.add(0, square(0), row(0))
    live.tell(0, square(1), features)
    live.hold(0, damaged)
    assert np.array_equal(field_of([damaged]), field_of([features])) and flow.measured == [1]
    own = row(2)
    own[LAYOUT.field_span] = 3
    live.add(1, square(0.5), own)
    live.hold(1, other)  # nothing was told of it from this portrait
    assert np.array_equal(field_of([other]), field_of([own]))


def test_live_portraits_that_are_not_kept_are_forgotten() -> None:
    live = LiveField(meter()[0])
    for number in range(5):
        live.add(number, square(0), row(number))
    live.keep([0, 3, 4])
    for number in (0, 3, 4):
        live.tell(number, square(0), row(0))
    with pytest.raises(KeyError):
        live.tell(1, square(0), row(0))
