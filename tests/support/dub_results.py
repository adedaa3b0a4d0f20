"""What the tests of measuring dubs share: landmarks that speak, clips that hold them, and result files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.format import to_indices
from vqcodec.lab.dub.clips import FRAME_SAMPLES, DubClip, Features, Pcm
from vqcodec.lab.dub.results import FIGURES, DubResult
from vqcodec.lab.dub.sync import shipped_basis
from vqcodec.quantize.grfsq import quantize

FRAMES = 60
NOTHING: dict[str, Any] = {
    "date_utc": "2026-01-01",
    "machine": {"cpu": "a CPU", "cores": 2},
    "level": "full",
    "motion_space": "motion@1",
    "renderer": "renderer@1",
}


def speaking(frames: int = FRAMES, seed: int = 1, late: int = 0) -> Features:
    """(frames, 48) smooth random motion around the mean face, 12 units strong, `late` frames behind."""
    basis, rng = shipped_basis(), np.random.default_rng(seed)
    walk = rng.normal(size=(frames + 20, 48))
    smooth = np.apply_along_axis(lambda x: np.convolve(x, np.ones(5) / 5, "same"), 0, walk)
    return (12 * smooth * basis.units)[10 - late : 10 - late + frames].astype(np.float32)


def drawn_clip(name: str = "a", frames: int = FRAMES, seed: int = 1) -> DubClip:
    """A clip whose landmarks are those of `speaking`; its portrait is the mean face; frame 3 shows no face."""
    basis, real = shipped_basis(), speaking(frames, seed)
    own = np.zeros(48, np.float32)
    seen = np.ones(frames, np.bool_)
    seen[3] = False
    pcm = (1000 * np.sin(np.arange(frames * FRAME_SAMPLES) / 40 / seed)).astype(np.int16)
    return DubClip(
        Path(f"{name}.mp4"),
        np.full((512, 512, 3), 90, np.uint8),
        own,
        basis.landmarks(own[None])[0],
        basis.landmarks(real),
        seen,
        to_indices(quantize(real, basis.units)),
        pcm,
    )


class LateMotion:
    """The clip's real motion, late; with another sound, another motion."""

    def __init__(self, late: int = 0, name: str = "late") -> None:
        self.models = {"generator": name}
        self.late, self.calls = late, 0

    def __call__(self, clip: DubClip, pcm: Pcm) -> Features:
        self.calls += 1
        own = np.array_equal(pcm, clip.pcm)
        return speaking(clip.frames, 1 if own else 99, self.late)


def result(
    clip: str = "a", corr: float = 0.7, lag_ms: float = 40.0, shuffled: float = 0.2, **more: float
) -> DubResult:
    """A result with plain figures."""
    figures: dict[str, float] = (
        dict.fromkeys(FIGURES, 0.5)
        | {"lip_corr": corr, "lip_within": corr, "lip_lag_ms": lag_ms}
        | more
    )
    return DubResult(
        clip, "b", 100, 0.5, {"dub": figures, "shuffled": {"lip_corr": shuffled, "lmd_mouth": 0.03}}
    )


def tone(seconds: float, hz: float = 200.0) -> NDArray[np.float32]:
    """A sine at 16 kHz."""
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(int(16000 * seconds)) / 16000)).astype(
        np.float32
    )


GOOD = {
    "mouth_mean": 0.01,
    "mouth_std": 0.001,
    "mouth_max": 0.02,
    "mouth_portrait": 0.01,
    "nod_deg": 1.0,
    "turn_deg": 1.0,
    "tilt_deg": 1.0,
    "frozen_s": 0.1,
    "blinks": 4.0,
    "blink_gap_least_s": 3.0,
    "blink_gap_most_s": 5.0,
}


SPOKEN = GOOD | {"mouth_mean": 0.06, "mouth_std": 0.04, "mouth_max": 0.2}


SILENCE = {"silence": [GOOD, GOOD], "noise": [GOOD], "speech": [SPOKEN]}
