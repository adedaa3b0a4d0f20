"""The jitter filter: calmer at rest, no lag, blinks survive, and the same result however it is fed."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from vqcodec.face.smooth import LOOK_AHEAD_FRAMES, LandmarkFilter


def spread(rng: np.random.Generator) -> NDArray[np.float32]:
    """Points of a face 260 px high."""
    points = rng.uniform(0, 260, (478, 2)).astype(np.float32)
    points[0], points[1] = (0, 0), (200, 260)
    return points


def filtered(
    track: list[NDArray[np.float32] | None], times: list[Fraction]
) -> list[NDArray[np.float32] | None]:
    filter_ = LandmarkFilter()
    out = [
        item
        for points, time_s in zip(track, times, strict=True)
        for item in filter_.push(points, time_s)
    ]
    return out + filter_.flush()


def at_25(count: int) -> list[Fraction]:
    return [Fraction(i, 25) for i in range(count)]


def test_noise_at_rest_is_reduced() -> None:
    rng = np.random.default_rng(1)
    face = spread(rng)
    noisy = [(face + rng.normal(0, 0.3, face.shape)).astype(np.float32) for _ in range(40)]
    calm = np.stack([p for p in filtered(noisy, at_25(40)) if p is not None])
    before, after = (np.std(np.stack(v) - face) for v in (noisy, calm))
    assert after < 0.62 * before


def test_steady_motion_has_no_lag() -> None:
    face = spread(np.random.default_rng(2))
    track = [(face + np.float32(1.5 * i)).astype(np.float32) for i in range(30)]
    for i, points in enumerate(filtered(track, at_25(30))):
        assert points is not None
        if 3 <= i < 27:
            assert np.abs(points - track[i]).max() < 0.02


def test_blink_survives() -> None:
    face = spread(np.random.default_rng(3))
    lid = np.array([0, 0, 0, 0, 0, 4, 9, 9, 4, 0, 0, 0, 0, 0])
    track = []
    for drop in lid:
        points = face.copy()
        points[159, 1] += drop
        track.append(points)
    out = [
        float(p[159, 1] - face[159, 1]) for p in filtered(track, at_25(len(lid))) if p is not None
    ]
    assert np.abs(np.array(out) - lid).max() < 0.1


def test_chunked_equals_whole() -> None:
    rng = np.random.default_rng(4)
    face = spread(rng)
    track: list[NDArray[np.float32] | None] = [
        None if i in (0, 7, 8) else (face + rng.normal(0, 0.5, face.shape) + i).astype(np.float32)
        for i in range(25)
    ]
    times = list(np.cumsum([Fraction(int(n), 1000) for n in rng.integers(20, 90, 25)]))
    whole = filtered(track, times)
    streaming = LandmarkFilter()
    delays = [
        len(streaming.push(points, time_s)) for points, time_s in zip(track, times, strict=True)
    ]
    assert delays == [0] * LOOK_AHEAD_FRAMES + [1] * (25 - LOOK_AHEAD_FRAMES)
    for i, points in enumerate(whole):
        low, high = max(i - LOOK_AHEAD_FRAMES, 0), i + LOOK_AHEAD_FRAMES + 1
        alone = filtered(track[low:high], times[low:high])[i - low]
        if points is None:
            assert alone is None and track[i] is None
        else:
            assert alone is not None and np.array_equal(points, alone)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5])
def test_short_streams(count: int) -> None:
    face = spread(np.random.default_rng(5))
    out = filtered([face] * count, at_25(count))
    assert len(out) == count
    assert all(p is not None and np.allclose(p, face, atol=1e-4) for p in out)


def test_slow_frame_rates_are_left_alone() -> None:
    rng = np.random.default_rng(6)
    track = [(spread(rng)).astype(np.float32) for _ in range(6)]
    out = filtered(list(track), [Fraction(i, 7) for i in range(6)])
    assert all(np.array_equal(a, b) for a, b in zip(out, track, strict=True) if a is not None)


def test_a_filter_can_be_used_again() -> None:
    face = spread(np.random.default_rng(8))
    filter_ = LandmarkFilter()
    for start in (0, 100):
        out = [
            p
            for i in range(5)
            for p in filter_.push(face + np.float32(start), Fraction(i + start, 25))
        ]
        out += filter_.flush()
        assert len(out) == 5 and all(
            p is not None and np.allclose(p, face + start, atol=1e-3) for p in out
        )
