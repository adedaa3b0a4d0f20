"""The field of a shot: from each portrait to its frames, without a step between portraits, measured no more than is needed."""

from __future__ import annotations

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
    field_of,
    meter,
    of_shot,
    shot,
)
from vqcodec.encoding import field as field_module
from vqcodec.encoding.field import MEASURED_EVERY, MOST_PX, FieldMeter
from vqcodec.format import DIMS


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
