"""What is measured of a head's motion, real or made, to fit the behaviour model and to compare the two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

FRAMES_PER_S = 25
# bands of time between Gaussian filters of these widths in frames: over 1 s, to a third of a second, to a tenth
BANDS = (25.0, 8.0, 2.5)
# landmarks found frame by frame tremble: speeds are measured after this much smoothing
SPEED_SIGMA_FRAMES = 2.0
POSE_NAMES = ("pitch", "yaw", "roll", "x", "y", "log size", "gaze x", "gaze y")
_SPEECH, _PAUSE = 0.5, 0.2
_LEAST_FRAMES = 10
_NOD_LAG_FRAMES = 6
_SHUT = 0.8

Array = NDArray[np.float64]
Floats = NDArray[np.float32]


def smoothed(values: NDArray[np.floating], sigma: float) -> Array:
    """Gaussian filter over time, (T, n) -> (T, n), ends repeated."""
    radius = int(4 * sigma) + 1
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    padded = np.pad(values.astype(np.float64), ((radius, radius), (0, 0)), "edge")
    return np.stack([np.convolve(column, kernel / kernel.sum(), "valid") for column in padded.T], 1)


def band_powers(pose: Floats) -> Array:
    """Mean squares of a pose track in each band, (T, 6) -> (3, 6)."""
    low = [smoothed(pose, sigma) for sigma in BANDS]
    return np.stack([low[0].var(0), *((b - a).var(0) for a, b in pairwise(low))])


def fast_correlation(poses: Sequence[Floats]) -> Array:
    """Correlation of the pose's numbers in the faster bands, over all clips, (6, 6)."""
    return np.corrcoef(
        np.concatenate([smoothed(p, BANDS[2]) - smoothed(p, BANDS[0]) for p in poses]).T
    )


def nod_slope(pairs: Sequence[tuple[Floats, Floats]]) -> float:
    """Radians of pitch per unit of energy, a quarter of a second later, both without their slow parts."""
    above = below = 0.0
    for pose, energy in pairs:
        e, p = (smoothed(v, 1.5) - smoothed(v, 12) for v in (energy[:, None], pose[:, :1]))
        e, p = e[:-_NOD_LAG_FRAMES], p[_NOD_LAG_FRAMES:]
        above, below = above + float((e * p).sum()), below + float((e * e).sum())
    return above / max(below, 1e-9)


def blink_times_s(blink: Floats) -> Array:
    """When lids fall through half shut, against the clip's open eyes, in seconds."""
    rest = float(np.percentile(blink, 30))
    shut = (blink - rest) > 0.5 * max(1 - rest, 0.2)
    return (np.flatnonzero(shut[1:] & ~shut[:-1]) + 1) / FRAMES_PER_S


@dataclass(frozen=True, slots=True)
class Summary:
    """Medians over clips.

    Attributes:
        std: (8,) standard deviation of pose and gaze about the clip's mean; gaze of open eyes.
        speed: (8,) mean absolute speed per second, after smoothing.
        speech_to_pause: angular speed in speech over that in pauses.
        blinks_per_min: blinks per minute of all clips.
        gap_quantiles_s: 10, 25, 50, 75, 90 % of the seconds between blinks of at least 2 s.
        counter: (2,) slope of gaze on yaw and pitch, per radian, of open eyes.
        dip: how much lower the iris is with shut eyes, in eye widths.
    """

    std: tuple[float, ...]
    speed: tuple[float, ...]
    speech_to_pause: float
    blinks_per_min: float
    gap_quantiles_s: tuple[float, ...]
    counter: tuple[float, float]
    dip: float

    def to_facts(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def table(self, made: Summary) -> str:
        """This one as the real column beside a made one, as a Markdown table."""
        degrees = [57.2958] * 3 + [1.0] * 5
        units = ["deg"] * 3 + ["side"] * 2 + [""] + ["eye widths"] * 2
        lines = ["| | real | made |", "|---|---:|---:|"]
        for name, values, others, per in (
            ("std", self.std, made.std, ""),
            ("mean speed", self.speed, made.speed, "/s"),
        ):
            for i, key in enumerate(POSE_NAMES):
                shown = [f"{v[i] * degrees[i]:.4g}" for v in (values, others)]
                lines.append(f"| {name} of {key}, {units[i]}{per} | {shown[0]} | {shown[1]} |")
        lines.append(
            f"| angular speed, speech over pause | {self.speech_to_pause:.2f} | {made.speech_to_pause:.2f} |"
        )
        lines.append(f"| blinks a minute | {self.blinks_per_min:.1f} | {made.blinks_per_min:.1f} |")
        quantiles = [" ".join(f"{q:.1f}" for q in s.gap_quantiles_s) for s in (self, made)]
        lines.append(
            f"| blink gaps of at least 2 s: 10 25 50 75 90 % | {quantiles[0]} | {quantiles[1]} |"
        )
        return "\n".join(lines)


def _ratio(pose: Floats, energy: Floats) -> float | None:
    loud = smoothed(energy[:, None], 5)[1:, 0]
    speed = np.abs(np.diff(smoothed(pose[:, :3], SPEED_SIGMA_FRAMES), axis=0)).sum(1)
    speech, pause = loud > _SPEECH, loud < _PAUSE
    if min(speech.sum(), pause.sum()) < _LEAST_FRAMES:
        return None
    return float(speed[speech].mean() / max(speed[pause].mean(), 1e-9))


def summary(tracks: Sequence[Any], energies: Sequence[Floats | None]) -> Summary:
    """Measure clips (`Controls` each) and, where there is sound, its energy."""
    tables = [np.concatenate([c.pose, c.gaze], 1) for c in tracks]
    still = [smoothed(t, 0.8) for t in tables]
    eyes = [t[_open(c.blink)] for t, c in zip(still, tracks, strict=True)]
    std = [np.append(s[:, :6].std(0), e[:, 6:].std(0)) for s, e in zip(still, eyes, strict=True)]
    speeds = [
        np.abs(np.diff(smoothed(t, SPEED_SIGMA_FRAMES), axis=0)).mean(0) * FRAMES_PER_S
        for t in tables
    ]
    ratios = [
        r
        for c, e in zip(tracks, energies, strict=True)
        if e is not None and (r := _ratio(c.pose, e)) is not None
    ]
    blinks = [blink_times_s(c.blink) for c in tracks]
    gaps = np.concatenate([np.diff(times) for times in blinks])
    long = gaps[gaps >= 2]
    counter = np.median(
        [(np.polyfit(s[:, 1], s[:, 6], 1)[0], np.polyfit(s[:, 0], s[:, 7], 1)[0]) for s in eyes],
        axis=0,
    )
    minutes = sum(len(c) for c in tracks) / FRAMES_PER_S / 60
    return Summary(
        _rounded(np.median(std, axis=0)),
        _rounded(np.median(speeds, axis=0)),
        round(float(np.median(ratios)), 3) if ratios else float("nan"),
        round(sum(map(len, blinks)) / minutes, 1),
        _rounded(np.percentile(long, [10, 25, 50, 75, 90]), 2) if len(long) else (),
        (round(float(counter[0]), 3), round(float(counter[1]), 3)),
        round(float(np.median([_dip(c) for c in tracks if c.blink.max() > _SHUT] or [0.0])), 4),
    )


def _open(blink: Floats) -> NDArray[np.bool_]:
    """Frames well away from blinks; all of them where a clip has no such frames."""
    near = smoothed(blink[:, None], 2.0)[:, 0] < np.percentile(blink, 30) + 0.1
    return near if near.sum() >= _LEAST_FRAMES else np.ones(len(blink), bool)


def _dip(track: Any) -> float:
    return float(
        np.median(track.gaze[track.blink > _SHUT, 1]) - np.median(track.gaze[_open(track.blink), 1])
    )


def _rounded(values: NDArray[np.floating], digits: int = 5) -> tuple[float, ...]:
    return tuple(round(float(v), digits) for v in values)
