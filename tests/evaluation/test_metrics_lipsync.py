"""Lip sync on shifted waves, with numpy's own correlation as the second opinion."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from vqcodec.errors import UsageError
from vqcodec.evaluation.metrics.lipsync import lip_correlation, lip_opening, opening_track


def wave(frames: int = 100, late: float = 0, period: float = 17.0) -> NDArray[np.float64]:
    """Openings of about a syllable's length, `late` frames after time."""
    time = np.arange(frames) - late
    return 0.1 + 0.05 * np.sin(2 * np.pi * time / period) + 0.03 * np.sin(2 * np.pi * time / 7.3)


def face(gap_px: float, eyes_px: float = 80.0) -> NDArray[np.float32]:
    points = np.zeros((478, 2), np.float32)
    points[33], points[263] = (60, 90), (60 + eyes_px, 90)
    points[13], points[14] = (100, 150), (100, 150 + gap_px)
    return points


def test_opening_is_in_eye_distances() -> None:
    assert lip_opening(face(8)) == pytest.approx(0.1)
    assert lip_opening(2 * face(8)) == pytest.approx(0.1)
    track = opening_track([face(0), None, face(4)])
    assert track[0] == 0 and math.isnan(track[1]) and track[2] == pytest.approx(0.05)


def test_the_same_track_is_in_sync() -> None:
    same = lip_correlation(wave(), wave(), 25)
    assert (
        same.correlation == pytest.approx(1) and same.best == pytest.approx(1) and same.lag_ms == 0
    )
    weaker = lip_correlation(wave(), 0.2 + 0.5 * wave(), 25)
    assert weaker.correlation == pytest.approx(1) and weaker.lag_ms == 0


@pytest.mark.parametrize("late", [-4, -1, 2, 5])
@pytest.mark.parametrize("rate_hz", [25, Fraction(30000, 1001)])
def test_a_shift_is_found(late: int, rate_hz: Fraction | int) -> None:
    found = lip_correlation(wave(), wave(late=late), rate_hz)
    assert found.best == pytest.approx(1)
    assert found.lag_ms == pytest.approx(float(1000 * late / Fraction(rate_hz)))
    assert found.correlation == pytest.approx(np.corrcoef(wave(), wave(late=late))[0, 1])
    assert found.correlation < found.best


def test_lags_beyond_200_ms_are_not_looked_for() -> None:
    found = lip_correlation(wave(period=40), wave(period=40, late=8), 25)
    assert abs(found.lag_ms) <= 200 and found.best < 0.999


def test_correlation_of_a_quarter_wave_is_zero_and_of_a_mirrored_one_minus_one() -> None:
    time = np.arange(80)
    one, other = np.sin(2 * np.pi * time / 16), np.cos(2 * np.pi * time / 16)
    assert lip_correlation(one, other, 10).correlation == pytest.approx(0, abs=1e-12)
    assert lip_correlation(one, -one, 10).correlation == pytest.approx(-1)


def test_frames_without_a_face_are_left_out() -> None:
    real, shown = wave(), wave(late=2)
    real[10:20] = np.nan
    shown[[3, 50, 51]] = np.nan
    found = lip_correlation(real, shown, 25)
    assert found.best == pytest.approx(1) and found.lag_ms == 80
    known = ~(np.isnan(real) | np.isnan(shown))
    assert found.correlation == pytest.approx(np.corrcoef(real[known], shown[known])[0, 1])


def test_nothing_to_correlate_is_not_a_number() -> None:
    for real, shown in (
        (wave(), np.full(100, 0.1)),
        (np.zeros(100), wave()),
        (wave(9), wave(9)),
        ([], []),
        (np.full(100, np.nan), wave()),
    ):
        found = lip_correlation(real, shown, 25)
        assert math.isnan(found.correlation) and math.isnan(found.best) and math.isnan(found.lag_ms)


def test_unrelated_tracks_hardly_correlate() -> None:
    random = np.random.default_rng(2)
    found = lip_correlation(random.normal(size=500), random.normal(size=500), 25)
    assert abs(found.correlation) < 0.15 and found.best < 0.2


def test_the_longer_track_is_cut_and_the_rate_checked() -> None:
    assert lip_correlation(wave(100), wave(90), 25).correlation == pytest.approx(1)
    with pytest.raises(UsageError):
        lip_correlation(wave(), wave(), 0)
