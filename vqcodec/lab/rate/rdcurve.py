"""A rate-distortion curve of the motion as plain values, JSON and a Markdown table.

JSON: {"schema_version": 1, "conditions": {...}, "points": [{"strength", "layers", "motion_kbps", "perc", "lmd",
"lmd_mouth", "psnr_db", "st_lpips"}, ...]}; figures are means over clips. The first point is what the others are compared with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from vqcodec.evaluation.tools.files import load_json, save_json
from vqcodec.format import LAYERS
from vqcodec.lab.command import command
from vqcodec.lab.markdown import measured

SCHEMA_VERSION = 1
_DISTANCES = (
    ("perc", "perceptual distance", 4),
    ("st_lpips", "ST-LPIPS", 4),
    ("lmd", "landmark distance", 5),
    ("lmd_mouth", "mouth", 5),
)


@dataclass(frozen=True, slots=True)
class MotionPoint:
    """One setting: mean figures over clips.

    Attributes:
        strength: of `encode --rdo`.
        layers: residual layers.
        motion_kbps: entropy-coded layers only.
        perc, lmd, lmd_mouth, psnr_db, st_lpips: as in metrics/suite.py; the last is None in results from before it.
    """

    strength: float
    layers: int
    motion_kbps: float
    perc: float
    lmd: float
    lmd_mouth: float
    psnr_db: float
    st_lpips: float | None = None

    @classmethod
    def of(cls, strength: float, layers: int, clips: Sequence[dict[str, float]]) -> MotionPoint:
        """Mean over the clips."""
        names = [f.name for f in fields(cls) if all(f.name in c for c in clips)]
        return cls(
            strength,
            layers,
            **{name: round(float(np.mean([c[name] for c in clips])), 6) for name in names},
        )

    @property
    def name(self) -> str:
        """For tables: what a user would type."""
        return f"`--layers {self.layers}`" if self.layers < LAYERS else f"`--rdo {self.strength:g}`"

    def growth(self, first: MotionPoint) -> dict[str, float]:
        """Relative change of the distances against another point."""
        return {
            key: getattr(self, key) / getattr(first, key) - 1
            for key, _, _ in _DISTANCES
            if getattr(self, key) is not None
        }


@dataclass(frozen=True, slots=True)
class MotionCurve:
    """All points, and under which conditions they were measured."""

    conditions: dict[str, Any]
    points: list[MotionPoint]

    def save(self, path: Path) -> None:
        """Write the JSON, whole or not at all."""
        save_json(
            path,
            {
                "schema_version": SCHEMA_VERSION,
                "conditions": self.conditions,
                "points": [asdict(p) for p in self.points],
            },
        )

    @classmethod
    def load(cls, path: Path) -> MotionCurve:
        """Read the JSON.

        Raises:
            UsageError: it is something else.
        """

        def build(data: dict[str, Any]) -> MotionCurve:
            return cls(data["conditions"], [MotionPoint(**p) for p in data["points"]])

        return load_json(
            path,
            SCHEMA_VERSION,
            build,
            what="a rate-distortion curve",
            command=command("rdo"),
        )


def table(curve: MotionCurve) -> list[str]:
    """Markdown lines: rate, distances and their growth against the first point."""
    first = curve.points[0]
    columns = measured(_DISTANCES, (asdict(p) for p in curve.points))
    lines = [
        "| setting | motion, kbit/s | bits saved | PSNR, dB | "
        + " | ".join(f"{name} |" for _, name, _ in columns)
        + " |",
        "|---|---:|---:|---:|" + "---:|---:|" * len(columns),
    ]
    for p in curve.points:
        growth = p.growth(first)
        cells = [
            p.name,
            f"{p.motion_kbps:.2f}",
            f"{100 * (1 - p.motion_kbps / first.motion_kbps):.1f} %",
            f"{p.psnr_db:.2f}",
        ]
        for key, _, digits in columns:
            cells += [f"{getattr(p, key):.{digits}f}", f"{100 * growth[key]:+.1f} %"]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def caption(curve: MotionCurve) -> str:
    """One sentence on the conditions."""
    known = curve.conditions
    return (
        f"{len(known['clips'])} clips, every {known['every']}th frame at {known['side_px']}x{known['side_px']}, means "
        f"over frames, then clips; growth against the first row; {known['date_utc']}; `{known['motion_space']}`, "
        f"`{known['renderer']}`."
    )


def show(curve: MotionCurve) -> str:
    """The table for a terminal."""
    return "\n".join([*table(curve), caption(curve), ""])


def lines(path: Path) -> list[str]:
    """The page's part, made from the JSON."""
    curve = MotionCurve.load(path)
    return [*table(curve), "", caption(curve)]
