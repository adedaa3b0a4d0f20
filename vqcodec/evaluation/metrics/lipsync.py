"""Lip sync against the real clip: do the lips open and close as they did, and at the same time?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import UsageError
from vqcodec.evaluation.metrics.landmarks import Points
from vqcodec.geometry.openings import lip_gap_per_eye_distance, track_correlation

MAX_LAG_MS = 200

Track = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LipSync:
    """How two lip opening tracks agree.

    Attributes:
        correlation: Pearson's r of the two at lag 0, -1..1, higher is better; `lip_corr`.
        best: the highest r over all lags; never below `correlation`.
        lag_ms: the lag of `best`: positive when the output is late; 0 is right. Its size is `lip_lag_ms`.
    """

    correlation: float
    best: float
    lag_ms: float


def lip_opening(points: Points) -> float:
    """`lip_gap_per_eye_distance` of one face's (478, 2) landmarks: 0 (closed) to about .5."""
    return float(lip_gap_per_eye_distance(points.astype(np.float64)))


def opening_track(points: Iterable[Points | None]) -> Track:
    """Lip opening of every frame in turn, (T,) float64; NaN where no face was found."""
    return np.array([float("nan") if p is None else lip_opening(p) for p in points], np.float64)


def lip_correlation(
    reference: Sequence[float] | Track,
    output: Sequence[float] | Track,
    frame_rate_hz: Fraction | float,
    max_lag_ms: int = MAX_LAG_MS,
) -> LipSync:
    """Correlation of lip opening in the output with that in the real clip, and the lag at which it is highest.

        r(k) = Pearson's correlation of reference(t) and output(t + k), over all t for which both are known
        correlation = r(0),  lag = argmax r(k) over whole frames k up to max_lag_ms either way, the smallest |k| among equals

    This project's measure; it needs no network and no sound. Only timing and shape count: lips that open half as far
    correlate fully (`lmd_mouth` sees that). The two are separate because a viewer sees the video at lag 0. A lag is as fine
    as a frame: 40 ms at 25 Hz; tracks must hold every frame.

    Args:
        reference: lip opening of the real clip, one per frame, NaN where no face was found.
        output: likewise of the result; the longer one is cut.
        frame_rate_hz: of both.
        max_lag_ms: the largest lag that is tried.

    Returns:
        All NaN when one of them never moves or fewer than 10 frames are known in both; lags that leave fewer are skipped.

    Raises:
        UsageError: a frame rate of 0 or less.
    """
    if frame_rate_hz <= 0:
        raise UsageError(f"{frame_rate_hz} frames per second is not a frame rate")
    count = min(len(reference), len(output))
    real, shown = np.asarray(reference, np.float64)[:count], np.asarray(output, np.float64)[:count]
    correlation = track_correlation(real, shown)
    best, best_lag = correlation, 0
    reach = int(max_lag_ms * Fraction(frame_rate_hz) / 1000)
    for size in range(1, min(reach, count - 1) + 1):
        for lag, value in (
            (size, track_correlation(real[:-size], shown[size:])),
            (-size, track_correlation(real[size:], shown[:-size])),
        ):
            if value > best + 1e-12:
                best, best_lag = value, lag
    if np.isnan(correlation):
        return LipSync(correlation, correlation, correlation)
    return LipSync(correlation, best, float(1000 * best_lag / Fraction(frame_rate_hz)))
