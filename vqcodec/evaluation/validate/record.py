"""Results of a validation as plain values and as JSON.

    {"schema_version": 1,
     "conditions": {...},                      machine, versions, models, date (conditions.py)
     "still": {CLIP: scores},                  the first frame repeated, against the clip
     "runs": [{"layers": 4,
               "clips": [{"clip": NAME, "frames": ..., "rates": {...}, "scores": {...}, ...}],
               "summary": {...}}],             means over clips; recomputed when a file is read
     "failed": {},                             clips that could not be coded, with the error
     "camera": {CLIP: {"steady": true, "motion_px": ..., "still_share": ..., "frames": ...}}}
                                               whether the source's camera stands still (steady.py); files made before
                                               it was measured lack it

Names carry units. A figure that could not be measured is null. A field may be added without a new schema_version; a
change of meaning raises it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from vqcodec.errors import UsageError
from vqcodec.evaluation.metrics.scores import Scores
from vqcodec.evaluation.tools.files import rounded, save_json
from vqcodec.evaluation.validate.steady import Camera

SCHEMA_VERSION = 1
FIGURES = (
    "psnr_db",
    "ssim",
    "ms_ssim",
    "perc",
    "st_lpips",
    "id_dist",
    "lmd",
    "lmd_mouth",
    "cpbd",
    "cpbd_reference",
    "jitter",
)
RATES = ("file_kbps", "motion_kbps", "audio_kbps", "portrait_kbps", "container_kbps")
RATIOS = ("perc", "lmd", "lmd_mouth")


@dataclass(frozen=True, slots=True)
class ClipResult:
    """One clip through encode and decode.

    Attributes:
        clip: file name without folder and extension.
        frames: frames of the clip.
        frames_decoded: frames of the decoded file; any other number is a fault.
        seconds: duration.
        portrait_bytes: bytes of all key frames.
        key_frames: portraits in the file.
        rates: RATES, each in kbit/s over `seconds`; file_kbps is the sum of the others.
        encode_fps: frames per wall-clock second, file to file.
        decode_fps: frames per wall-clock second, file to file, H.264 output included.
        tokens_identical: every index read from the file equals the encoder's.
        scores: the decoded file against the clip.
    """

    clip: str
    frames: int
    frames_decoded: int
    seconds: float
    portrait_bytes: int
    key_frames: int
    rates: dict[str, float]
    encode_fps: float
    decode_fps: float
    tokens_identical: bool
    scores: Scores

    def to_json(self) -> dict[str, Any]:
        """JSON-ready fields."""
        return asdict(self) | {"scores": self.scores.to_json()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ClipResult:
        """The inverse of `to_json`; raises KeyError when a field is missing."""
        known = {f.name: values[f.name] for f in fields(cls)}
        return cls(**known | {"scores": Scores.from_json(values["scores"])})


@dataclass(frozen=True, slots=True)
class Run:
    """All clips at one number of layers."""

    layers: int
    clips: tuple[ClipResult, ...]


@dataclass(frozen=True, slots=True)
class ValidationResults:
    """A validation: conditions, the still picture's scores by clip, and one run per number of layers.

    `failed` says which clips could not be coded and why; they are in no mean, and a table made from it says so.
    `camera` says of every clip in `still` whether its camera is steady; empty where nobody looked.
    """

    conditions: dict[str, Any]
    still: dict[str, Scores]
    runs: tuple[Run, ...]
    failed: dict[str, str] = field(default_factory=dict)
    camera: dict[str, Camera] = field(default_factory=dict)

    def summary(self, run: Run) -> dict[str, Any]:
        """Means over the clips of a run, and what was gained over the still picture; see `summarize`."""
        return summarize(run, [self.still[c.clip] for c in run.clips])

    def to_json(self) -> dict[str, Any]:
        """The whole file as JSON-ready values."""
        runs = [
            {
                "layers": r.layers,
                "clips": [c.to_json() for c in r.clips],
                "summary": self.summary(r),
            }
            for r in self.runs
        ]
        return {
            "schema_version": SCHEMA_VERSION,
            "conditions": self.conditions,
            "still": {name: scores.to_json() for name, scores in self.still.items()},
            "runs": runs,
            "failed": self.failed,
            "camera": {name: seen.to_json() for name, seen in self.camera.items()},
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ValidationResults:
        """The inverse of `to_json`.

        Raises:
            UsageError: another schema, or a field is missing.
        """
        if not isinstance(values, dict) or values.get("schema_version") != SCHEMA_VERSION:
            raise UsageError(
                f"not validation results of schema {SCHEMA_VERSION}",
                hint="Make them with vqcodec validate --out.",
            )
        try:
            runs = tuple(
                Run(r["layers"], tuple(ClipResult.from_json(c) for c in r["clips"]))
                for r in values["runs"]
            )
            still = {name: Scores.from_json(scores) for name, scores in values["still"].items()}
            camera = {
                name: Camera.from_json(seen) for name, seen in values.get("camera", {}).items()
            }
            return cls(values["conditions"], still, runs, values["failed"], camera)
        except KeyError as error:
            raise UsageError(f"validation results lack the field {error}") from error

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the JSON file, replacing an older one in one step."""
        save_json(Path(path), rounded(self.to_json()))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ValidationResults:
        """Read a file that `save` wrote.

        Raises:
            UsageError: it is not such a file.
        """
        try:
            return cls.from_json(json.loads(Path(path).read_text(encoding="utf-8")))
        except json.JSONDecodeError as error:
            raise UsageError(f"{os.fspath(path)} is not JSON: {error}") from error


def mean_of(values: Sequence[float]) -> float:
    """Mean of what was measured; NaN when nothing was."""
    known = [v for v in values if not np.isnan(v)]
    return float(np.mean(known)) if known else float("nan")


def _ratio(value: float, base: float) -> float:
    return value / base if base > 0 else float("nan")


def summarize(run: Run, still: Sequence[Scores]) -> dict[str, Any]:
    """Means over clips.

    Args:
        run: the clips at one number of layers.
        still: scores of the still picture for the same clips, in the same order.

    Returns:
        scores and still (means of FIGURES), rates (means of RATES), encode_fps and decode_fps (medians),
        tokens_identical and frames_kept (all clips), gain: psnr_db (difference of means), perc, lmd, lmd_mouth (mean
        over the still picture's mean), and the same with `_per_clip` (mean over clips of each clip's own difference or
        ratio), cpbd_of_source_per_clip (CPBD over the source's) and cpbd_off_source_per_clip (how far that is from 1), and
        clips_worse_than_still: clips whose perceptual distance is not below their still picture's.
    """
    clips = run.clips
    ours = {f: mean_of([getattr(c.scores, f) for c in clips]) for f in FIGURES}
    base = {f: mean_of([getattr(s, f) for s in still]) for f in FIGURES}
    gain: dict[str, float] = {"psnr_db": ours["psnr_db"] - base["psnr_db"]}
    gain["psnr_db_per_clip"] = mean_of(
        [c.scores.psnr_db - s.psnr_db for c, s in zip(clips, still, strict=True)]
    )
    for name in RATIOS:
        gain[name] = _ratio(ours[name], base[name])
        gain[f"{name}_per_clip"] = mean_of(
            [
                _ratio(getattr(c.scores, name), getattr(s, name))
                for c, s in zip(clips, still, strict=True)
            ]
        )
    sharp = [_ratio(c.scores.cpbd, c.scores.cpbd_reference) for c in clips]
    gain["cpbd_of_source_per_clip"] = mean_of(sharp)
    gain["cpbd_off_source_per_clip"] = mean_of([abs(ratio - 1) for ratio in sharp])
    return {
        "clips": len(clips),
        "frames": sum(c.frames for c in clips),
        "scores": ours,
        "still": base,
        "rates": {r: mean_of([c.rates[r] for c in clips]) for r in RATES},
        "gain": gain,
        "encode_fps": float(np.median([c.encode_fps for c in clips])),
        "decode_fps": float(np.median([c.decode_fps for c in clips])),
        "tokens_identical": all(c.tokens_identical for c in clips),
        "frames_kept": all(c.frames == c.frames_decoded for c in clips),
        "clips_worse_than_still": sum(
            c.scores.perc >= s.perc for c, s in zip(clips, still, strict=True)
        ),
    }
