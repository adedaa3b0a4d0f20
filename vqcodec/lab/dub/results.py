"""Figures of dubs: per clip, their means, the bars they must reach, and the codec's own figures beside them.

JSON: {"schema_version": 1, "kind": "dub", "conditions": {...}, "clips": [{"clip", "sound", "frames", "generate_s",
"variants": {"dub": {...}, "shuffled": {...}, "codec": {...}}}], "summary": {...}, "references": {...}}. `sound` names the clip
whose sound the shuffled dub has. What was not measured is null or absent.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from vqcodec.errors import UsageError
from vqcodec.evaluation.tools.files import load_json, rounded, save_json
from vqcodec.evaluation.validate.record import ValidationResults, mean_of
from vqcodec.lab.bars import Target
from vqcodec.lab.dub.measure import PICTURE_FIGURES
from vqcodec.lab.dub.sync import LIP_FIGURES, WITHIN_MS, Figures

SCHEMA_VERSION = 1
FIGURES = (*PICTURE_FIGURES, *LIP_FIGURES)

BARS = (
    Target(
        f"lip sync: correlation of the mouth's opening at the best lag within {WITHIN_MS} ms, mean",
        lambda s: float(s["dub"]["lip_within"]),
        least=0.55,
    ),
    Target("lip sync: the same at no lag", lambda s: float(s["dub"]["lip_corr"]), least=0.55),
    Target(
        "lip sync: best lag, size of the mean, ms",
        lambda s: abs(float(s["dub"]["lip_lag_ms"])),
        most=WITHIN_MS,
    ),
    Target("lip sync: best lag, mean size, ms", lambda s: float(s["lag_size_ms"]), most=WITHIN_MS),
    Target(
        f"lip sync: share of clips with a best lag within {WITHIN_MS} ms",
        lambda s: float(s["lag_within"]),
        least=1,
    ),
    Target(
        "lip sync: correlation above another clip's sound, mean",
        lambda s: float(s["margin"]),
        least=0.25,
    ),
)


@dataclass(frozen=True, slots=True)
class DubResult:
    """One clip.

    Attributes:
        clip: its name.
        sound: the clip whose sound the shuffled dub has.
        frames: at 25 a second.
        generate_s: seconds to make the motion of one dub, rendering not included.
        variants: figures of "dub", "shuffled" and, where asked for, "codec".
    """

    clip: str
    sound: str
    frames: int
    generate_s: float
    variants: dict[str, Figures]

    def to_json(self) -> dict[str, Any]:
        """JSON-ready fields, all FIGURES in each variant."""
        variants = {name: with_all(v) for name, v in self.variants.items()}
        return rounded(
            {
                "clip": self.clip,
                "sound": self.sound,
                "frames": self.frames,
                "generate_s": self.generate_s,
                "variants": variants,
            }
        )

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> DubResult:
        """The inverse; raises KeyError when a field is missing."""
        variants = {name: _numbers(v) for name, v in values["variants"].items()}
        return cls(
            values["clip"], values["sound"], values["frames"], values["generate_s"], variants
        )

    def beside(self, variant: str, values: Mapping[str, Any]) -> DubResult:
        """With the JSON-ready figures of a further variant."""
        return replace(self, variants=self.variants | {variant: _numbers(values)})


def with_all(figures: Figures) -> Figures:
    """All FIGURES, NaN for those not there."""
    return {name: figures.get(name, math.nan) for name in FIGURES}


def _numbers(values: Mapping[str, Any]) -> Figures:
    return {name: math.nan if values.get(name) is None else float(values[name]) for name in FIGURES}


def means(results: Sequence[DubResult], variant: str) -> Figures:
    """`mean_figures` of a variant."""
    return mean_figures([r.variants[variant] for r in results if variant in r.variants])


def mean_figures(rows: Sequence[Mapping[str, float | None]]) -> Figures:
    """Mean of each figure over the clips in which it is known; the median of opening_ratio.

    A ratio whose divisor may be next to nothing has no meaningful mean: one person who keeps silent on screen would be it.
    """
    found = {}
    for name in FIGURES:
        known = [
            float(v) for v in (row.get(name) for row in rows) if v is not None and not math.isnan(v)
        ]
        found[name] = (
            float(np.median(known)) if known and name == "opening_ratio" else mean_of(known)
        )
    return found


def summarize(results: Sequence[DubResult]) -> dict[str, Any]:
    """Means over clips, for people and for BARS.

    Returns:
        a dictionary of FIGURES for each variant; lag_size_ms: mean size of the dub's best lag; lag_within: share of clips
        whose best lag is within 80 ms, one without a lag counting as outside; margin: mean over clips of the dub's
        correlation less the shuffled one's; clips; clips_with_lips: those whose real lips move; realtime: seconds of motion
        made in a second.
    """
    found: dict[str, Any] = {
        name: means(results, name)
        for name in ("dub", "shuffled", "codec")
        if any(name in r.variants for r in results)
    }
    lips = [r.variants["dub"] for r in results if not math.isnan(r.variants["dub"]["lip_corr"])]
    lags = [row["lip_lag_ms"] for row in lips]
    found["lag_size_ms"] = mean_of([abs(lag) for lag in lags])
    found["lag_within"] = (
        sum(abs(lag) <= WITHIN_MS for lag in lags) / len(lags) if lags else math.nan
    )
    found["margin"] = mean_of(
        [
            r.variants["dub"]["lip_corr"] - r.variants["shuffled"]["lip_corr"]
            for r in results
            if "shuffled" in r.variants
        ]
    )
    seconds = sum(r.generate_s for r in results)
    found |= {
        "clips": len(results),
        "clips_with_lips": len(lips),
        "realtime": sum(r.frames for r in results) / 25 / seconds if seconds > 0 else math.nan,
    }
    return found


def references(path: Path, names: Sequence[str]) -> dict[str, Any]:
    """What a validation of the codec has on the same clips: means of "still" (the portrait held) and "codec".

    Empty where the file isn't there or lacks one of the clips.
    """
    if not path.is_file():
        return {}
    known = ValidationResults.load(path)
    run = max(known.runs, key=lambda r: r.layers)
    coded = {c.clip: c.scores for c in run.clips}
    if not names or not set(names) <= coded.keys() & known.still.keys():
        return {}
    both = {"still": [known.still[n] for n in names], "codec": [coded[n] for n in names]}
    made = {
        variant: {f: mean_of([getattr(s, f) for s in scores]) for f in PICTURE_FIGURES}
        for variant, scores in both.items()
    }
    return made | {
        "renderer": known.conditions.get("renderer"),
        "date_utc": known.conditions.get("date_utc"),
    }


def save(
    path: Path, conditions: dict[str, Any], results: Sequence[DubResult], beside: dict[str, Any]
) -> None:
    """Write the JSON, whole or not at all."""
    save_json(
        path,
        rounded(
            {
                "schema_version": SCHEMA_VERSION,
                "kind": "dub",
                "conditions": conditions,
                "clips": [r.to_json() for r in results],
                "summary": summarize(results),
                "references": beside,
            }
        ),
    )


def load(path: Path) -> tuple[dict[str, Any], list[DubResult], dict[str, Any]]:
    """Read the JSON: conditions, clips, references.

    Raises:
        UsageError: it is something else.
    """

    def build(data: dict[str, Any]) -> tuple[dict[str, Any], list[DubResult], dict[str, Any]]:
        if data["kind"] != "dub":
            raise KeyError("kind")
        return (
            data["conditions"],
            [DubResult.from_json(c) for c in data["clips"]],
            data["references"],
        )

    return load_json(
        path,
        SCHEMA_VERSION,
        build,
        what="results of dubs",
        command="python -m vqcodec.lab dub",
    )


def kind_of(path: Path) -> str:
    """The "kind" of a result file of dubs: dub, table4 or checks.

    Raises:
        UsageError: it has none.
    """
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["kind"])
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise UsageError(f"{path} holds no results of dubs: {error!r}") from error
