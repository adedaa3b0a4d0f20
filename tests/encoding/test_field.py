"""The field of a shot: from each portrait to its frames, without a step between portraits, measured no more than is needed."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.field import STILL, TOLD, bent, picture, smooth_basis
from vqcodec.encoding import field as field_module
from vqcodec.encoding.choice import Spending
from vqcodec.encoding.coding import FINE_BELOW, PlacedUnit, ShotCoder
from vqcodec.encoding.field import MEASURED_EVERY, MOST_PX, FieldMeter
from vqcodec.encoding.kept import KeptPicture
from vqcodec.encoding.live_field import LiveField
from vqcodec.encoding.settings import Setting
from vqcodec.encoding.shots import Candidate, RecordedFrame, RecordedShot
from vqcodec.format import DIMS, from_indices
from vqcodec.geometry.layout import MOTION_2, SURROUND_DIMS, Layout
from vqcodec.quantize.grfsq import dequantize
from vqcodec.types import Crop, MotionGroup

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


def test_coefficients_less_the_portraits_bring_it_to_each_frame() -> None:
    shown = np.repeat([0, 1], [6, 7])
    features, own = of_shot(meter()[0], shot(RAMP, (0, 6)), [0, 1], shown)
    assert features.shape == (13, LAYOUT.dims) and len(own) == 2
    assert np.array_equal(features[:, 0], np.arange(13)) and not features[:, 1:DIMS].any()
    start = np.array(RAMP)[[0, 6]][shown]
    wanted = (np.array(RAMP) - start)[:, None] * TOLD
    assert np.abs(field_of(features) - field_of(own)[shown] - wanted).max() < NEAR


def test_the_first_portrait_is_at_zero_and_another_goes_on_where_it_takes_over() -> None:
    shown = np.repeat([0, 1], [6, 7])
    features, own = of_shot(meter()[0], shot(RAMP, (0, 8)), [0, 1], shown)
    told = field_of(features)
    assert not own[0][LAYOUT.field_span].any()
    assert np.abs(told[6] - told[5]).max() < 1e-5  # frame 8 is the portrait, frame 6 the first
    assert np.abs(field_of(own)[1] - TOLD * RAMP[8]).max() < 2 * NEAR
    assert np.abs(np.diff(told, axis=0)).max() < NEAR


def test_a_portrait_that_comes_back_keeps_its_own() -> None:
    amounts = [0.0] * 4 + [1.0] * 4 + [0.0] * 4
    shown = np.repeat([0, 1, 0], 4)
    measured, flow = meter()
    features, own = of_shot(measured, shot(amounts, (0, 5)), [0, 1], shown)
    assert not own[0][LAYOUT.field_span].any()
    assert np.abs(field_of(features)[8:]).max() < NEAR  # it is where it was at first
    assert flow.prepared == [0, 5]


def test_every_second_frame_is_measured_and_the_others_lie_between() -> None:
    measured, flow = meter()
    features, _ = of_shot(measured, shot(RAMP, (0,)), [0], np.zeros(13, np.int64))
    assert sorted(flow.measured) == list(range(0, 13, MEASURED_EVERY))
    told = field_of(features)
    assert np.allclose(told[1:-1:2], (told[:-2:2] + told[2::2]) / 2, atol=1e-5)
    odd = range(1, 13, 2)  # a recording keeps each second picture: all of them count
    measured, flow = meter()
    again, _ = of_shot(measured, shot(RAMP, (0,), odd), [0], np.zeros(13, np.int64))
    assert sorted(flow.measured) == list(range(0, 13, 2)) and np.array_equal(field_of(again), told)


def test_frames_without_pictures_hold_or_lie_between() -> None:
    hidden = range(4, 9)
    features, _ = of_shot(meter()[0], shot(RAMP, (0,), hidden), [0], np.zeros(13, np.int64))
    told = field_of(features)
    steps = np.diff(told[4:9], axis=0)
    assert np.allclose(steps, steps[0], atol=1e-5) and steps.any()  # one straight line
    last = range(7, 13)
    features, _ = of_shot(meter()[0], shot(RAMP, (0,), last), [0], np.zeros(13, np.int64))
    assert (field_of(features)[7:] == field_of(features)[6]).all()


def test_a_stretch_without_any_picture_stays_where_it_is() -> None:
    shown = np.repeat([0, 1, 0], [5, 3, 5])
    measured, flow = meter()
    features, own = of_shot(measured, shot(RAMP, (0, 6), range(5, 8)), [0, 1], shown)
    told = field_of(features)
    assert flow.prepared == [0]
    assert (told[5:8] == told[4]).all() and np.array_equal(told[5], field_of(own)[1])


def test_what_was_measured_is_not_measured_again() -> None:
    measured, flow = meter()
    whole = shot(RAMP, (0, 6, 9))
    first = of_shot(measured, whole, [0, 1], np.repeat([0, 1], [6, 7]))
    asked = len(flow.measured)
    again = of_shot(measured, whole, [0, 1], np.repeat([0, 1], [6, 7]))
    assert len(flow.measured) == asked and flow.prepared == [0, 6]
    for a, b in zip((first[0], *first[1]), (again[0], *again[1]), strict=True):
        assert np.array_equal(a, b)
    of_shot(measured, whole, [0, 2], np.repeat([0, 1], [6, 7]))  # one of the two is another
    assert flow.prepared == [0, 6, 9]
    assert 0 < len(flow.measured) - asked <= 4
    measured.forget()
    of_shot(measured, whole, [0, 1], np.repeat([0, 1], [6, 7]))
    assert len(flow.measured) - asked > 4


def test_the_shots_pictures_and_features_stay_as_they_were() -> None:
    whole = shot(RAMP, (0, 6))
    of_shot(meter()[0], whole, [0, 1], np.repeat([0, 1], [6, 7]))
    assert all(not c.features[DIMS:].any() for c in whole.candidates)
    assert all(f.features is not None and not f.features[DIMS:].any() for f in whole.frames)


def test_a_portrait_begins_anew_where_coefficients_would_get_too_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert MOST_PX / UNITS[-1] < 170  # tokens reach them
    shown = np.repeat([0, 1], [6, 7])
    monkeypatch.setattr(field_module, "MOST_PX", 0.3)
    features, own = of_shot(meter()[0], shot(RAMP, (0, 8)), [0, 1], shown)
    assert not own[1][LAYOUT.field_span].any()
    wanted = (np.array(RAMP)[6:, None] - RAMP[8]) * TOLD
    assert np.abs(field_of(features)[6:] - wanted).max() < NEAR


@pytest.mark.parametrize("used", [0, 3])
def test_fewer_components(used: int) -> None:
    measured = FieldMeter(BASIS, CountedFlow(), LAYOUT, used)
    features, _ = of_shot(measured, shot(RAMP, (0,)), [0], np.zeros(13, np.int64))
    told = field_of(features)
    assert not told[:, used:].any() and told[:, :used].any() == bool(used)


# --- in a file ---


def coded(whole: RecordedShot, measure: FieldMeter[float] | None, **more: bool) -> list[object]:
    coder = ShotCoder(
        UNITS,
        LAYOUT,
        Fraction(1, 25),
        Fraction(25),
        Spending(0.0, first="first"),
        preset=12,
        meter=measure,
        **more,
    )
    return list(coder.items(whole, Setting(50, 0.01, 4, 0.0)))


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
    coder = ShotCoder(
        UNITS,
        LAYOUT,
        Fraction(1, 25),
        Fraction(25),
        Spending(0.0, first="first"),
        preset=12,
        keep=True,
        meter=FieldMeter(BASIS, flow, LAYOUT),
    )
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


def test_live_portraits_that_are_not_kept_are_forgotten() -> None:
    live = LiveField(meter()[0])
    for number in range(5):
        live.add(number, square(0), row(number))
    live.keep([0, 3, 4])
    for number in (0, 3, 4):
        live.tell(number, square(0), row(0))
    with pytest.raises(KeyError):
        live.tell(1, square(0), row(0))
