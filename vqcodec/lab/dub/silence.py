"""What a dub does when nobody speaks: is the mouth shut and still, does the head live, do the eyes blink?

Measured on the landmarks that the decoded motion stands for, which are the ones the renderer moves the face by:

    mouth_mean, mouth_std, mouth_max   lips' opening (metrics/lipsync.py) in eye distances
    mouth_portrait                     that of the portrait's own landmarks
    turn_deg, tilt_deg, nod_deg        standard deviation of the head's angles
    frozen_s                           longest stretch in which the skull's points move less than .0005 eye distances a frame
    blinks                             how often an eye closes more than half
    blink_gap_least_s, _most_s         time between blinks; the beginning and the end count for the longest only
"""

from __future__ import annotations

import math
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.evaluation.metrics.landmarks import interocular_px
from vqcodec.evaluation.metrics.lipsync import lip_opening, opening_track
from vqcodec.evaluation.render_rate import Scene
from vqcodec.evaluation.validate.record import mean_of
from vqcodec.format import SPEECH_RATE_HZ
from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.geometry.mesh import SKULL
from vqcodec.lab.bars import Target
from vqcodec.lab.dub.sync import Figures

if TYPE_CHECKING:
    from vqcodec.geometry.controls import HeadShape

FRAME_RATE_HZ = 25
STILL_STEP = 0.0005
SHUT = 0.5
NOISE_DBFS = -60
SECONDS = 20
SOUNDS = ("silence", "noise", "speech")

Samples = NDArray[np.float32]


def write_wav(path: Path, samples: Samples, rate_hz: int = SPEECH_RATE_HZ) -> Path:
    """Write (N,) float32 in -1..1 as mono 16-bit WAV."""
    with wave.open(str(path), "wb") as sink:
        sink.setnchannels(1)
        sink.setsampwidth(2)
        sink.setframerate(rate_hz)
        sink.writeframes(np.rint(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def quiet(kind: str, seconds: int = SECONDS, rate_hz: int = SPEECH_RATE_HZ) -> Samples:
    """Zeros for "silence"; for "noise" white at NOISE_DBFS rms; the same every time."""
    count = seconds * rate_hz
    if kind == "silence":
        return np.zeros(count, np.float32)
    return (np.random.default_rng(11).normal(size=count) * 10 ** (NOISE_DBFS / 20)).astype(
        np.float32
    )


def frozen_s(points: NDArray[np.float32]) -> float:
    """Longest stretch, in seconds, in which a (T, 478, 2) head stands still."""
    skull = points[:, list(SKULL)].astype(np.float64)
    unit = interocular_px(points[0])
    still = np.linalg.norm(np.diff(skull, axis=0), axis=-1).mean(1) / unit < STILL_STEP
    longest = run = 0
    for one in still:
        run = run + 1 if one else 0
        longest = max(longest, run)
    return longest / FRAME_RATE_HZ


def blink_figures(blink: NDArray[np.floating]) -> Figures:
    """blinks, blink_gap_least_s and blink_gap_most_s of (T,) 0 open .. 1 shut."""
    shut = np.concatenate([[False], blink > SHUT])
    starts_s = np.flatnonzero(~shut[:-1] & shut[1:]) / FRAME_RATE_HZ
    edges_s = np.concatenate([[0.0], starts_s, [len(blink) / FRAME_RATE_HZ]])
    between = np.diff(starts_s)
    return {
        "blinks": float(len(starts_s)),
        "blink_gap_least_s": float(between.min()) if len(between) else float("nan"),
        "blink_gap_most_s": float(np.diff(edges_s).max()),
    }


def behaviour(scene: Scene, basis: LandmarkBasis, shape: HeadShape) -> Figures:
    """All figures of this module.

    Args:
        scene: portrait and poses of a .vqt stream.
        basis: landmarks of its motion space.
        shape: the mean head.
    """
    from vqcodec.geometry.controls import read_controls

    points = basis.landmarks(scene.poses)
    controls, track = read_controls(points, shape), opening_track(points)
    nod, turn, tilt = np.degrees(controls.pose[:, :3].std(0))
    return {
        "mouth_mean": float(track.mean()),
        "mouth_std": float(track.std()),
        "mouth_max": float(track.max()),
        "mouth_portrait": lip_opening(basis.landmarks(scene.own[None])[0]),
        "nod_deg": float(nod),
        "turn_deg": float(turn),
        "tilt_deg": float(tilt),
        "frozen_s": frozen_s(points),
        **blink_figures(controls.blink),
    }


def _worst(name: str, *sounds: str, most: bool = True) -> Any:
    def value(found: dict[str, Any]) -> float:
        rows = (row[name] for kind in sounds for row in found[kind])
        known = [one for one in rows if one is not None and not math.isnan(one)]
        return float((max if most else min)(known)) if known else float("nan")

    return value


def _share(found: dict[str, Any]) -> float:
    still, spoken = (
        mean_of([row["mouth_std"] for kind in kinds for row in found[kind]])
        for kinds in (_QUIET, ("speech",))
    )
    return still / spoken if spoken > 0 else float("nan")


_QUIET = ("silence", "noise")
BARS = (
    Target(
        "silence and faint noise: mouth opening, mean, worst portrait",
        _worst("mouth_mean", *_QUIET),
        most=0.04,
    ),
    Target(
        "silence and faint noise: mouth opening, standard deviation, worst",
        _worst("mouth_std", *_QUIET),
        most=0.01,
    ),
    Target("silence and faint noise: the mouth's movement over that in speech", _share, most=0.15),
    Target("all: longest stretch without head motion, s", _worst("frozen_s", *SOUNDS), most=1),
    Target(
        "all: blinks, shortest time between, s",
        _worst("blink_gap_least_s", *SOUNDS, most=False),
        least=2,
    ),
    Target("all: blinks, longest time without, s", _worst("blink_gap_most_s", *SOUNDS), most=7),
)
"""Over {"silence": [...], "noise": [...], "speech": [...]}, a `behaviour` for each portrait. Shut lips are at 0 to .02."""


def checks(found: dict[str, Sequence[Figures]]) -> list[dict[str, Any]]:
    """Rows of the checks' table."""
    return [
        {"name": bar.name, "bar": str(bar), "value": bar.value(found), "met": bar.met(found)}
        for bar in BARS
    ]
