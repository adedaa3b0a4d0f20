"""Coarse to fine: the figures at 1, 2, 3 and 4 layers as plain values, JSON and Markdown.

JSON: {"schema_version": 1, "conditions": {...}, "rows": [{"layers": 0..4, "motion_kbps", "raw_kbps", "scores": {...}}]};
0 layers is the still first frame; `scores` are means over frames, then clips. A figure not measured is null.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vqcodec.evaluation.tools.files import load_json, rounded, save_json
from vqcodec.format import CODES, GROUPS
from vqcodec.lab.command import command
from vqcodec.lab.markdown import measured

SCHEMA_VERSION = 1
FRAME_RATE_HZ = 25
SCORES = (
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
)


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One number of layers.

    Attributes:
        layers: 1 to 4, or 0 for the still first frame.
        motion_kbps: of the coded motion, mean over clips.
        scores: SCORES, as in metrics/suite.py.
    """

    layers: int
    motion_kbps: float
    scores: dict[str, float | None]

    @property
    def raw_kbps(self) -> float:
        """Raw indices at 25 frames a second."""
        return GROUPS * self.layers * float(np.log2(CODES)) * FRAME_RATE_HZ / 1000

    def to_json(self) -> dict[str, Any]:
        """JSON-ready fields."""
        return asdict(self) | {"raw_kbps": self.raw_kbps}


@dataclass(frozen=True, slots=True)
class Layers:
    """All rows, and under which conditions they were measured."""

    conditions: dict[str, Any]
    rows: list[LayerRow]

    def save(self, path: Path) -> None:
        """Write the JSON, whole or not at all."""
        save_json(
            path,
            rounded(
                {
                    "schema_version": SCHEMA_VERSION,
                    "conditions": self.conditions,
                    "rows": [row.to_json() for row in self.rows],
                }
            ),
        )

    @classmethod
    def load(cls, path: Path) -> Layers:
        """Read the JSON.

        Raises:
            UsageError: it is something else.
        """

        def build(data: dict[str, Any]) -> Layers:
            rows = [
                LayerRow(r["layers"], r["motion_kbps"], {k: r["scores"].get(k) for k in SCORES})
                for r in data["rows"]
            ]
            return cls(data["conditions"], rows)

        return load_json(
            path,
            SCHEMA_VERSION,
            build,
            what="figures by layers",
            command=command("layers"),
        )


_COLUMNS = (
    ("psnr_db", "PSNR, dB ↑", 2),
    ("ssim", "SSIM ↑", 3),
    ("ms_ssim", "MS-SSIM ↑", 3),
    ("perc", "perceptual distance ↓", 3),
    ("st_lpips", "ST-LPIPS ↓", 3),
    ("id_dist", "identity distance ↓", 3),
    ("lmd", "landmark distance ↓", 4),
    ("lmd_mouth", "mouth ↓", 4),
    ("cpbd", "CPBD", 3),
)


def table(found: Layers) -> list[str]:
    """Markdown lines."""
    columns = measured(_COLUMNS, (row.scores for row in found.rows))
    lines = [
        "| layers | kbit/s, raw | kbit/s, coded | "
        + " | ".join(name for _, name, _ in columns)
        + " |",
        "|---|---:|---:|" + "---:|" * len(columns),
    ]
    for row in found.rows:
        cells = [
            "-" if (v := row.scores[key]) is None else f"{v:.{digits}f}"
            for key, _, digits in columns
        ]
        name = str(row.layers) if row.layers else "none: still first frame"
        lines.append(
            f"| {name} | {row.raw_kbps:.1f} | {row.motion_kbps:.2f} | " + " | ".join(cells) + " |"
        )
    return lines


def caption(found: Layers) -> str:
    """The conditions in a sentence or two."""
    known = found.conditions
    sharp = next(
        (
            row.scores["cpbd_reference"]
            for row in found.rows
            if row.scores["cpbd_reference"] is not None
        ),
        None,
    )
    source = "" if sharp is None else f" (the clips' own CPBD: {sharp:.3f})"
    return (
        f"{known['clips']} clips coded once each, their streams cut to so many layers and rendered at 512x512; every "
        f"{known['every']}th frame after the first measured at 256x256 without passing through H.264; means over frames "
        f"and clips{source}. {known['date_utc']}; `{known['motion_space']}`, `{known['renderer']}`."
    )


def show(found: Layers) -> str:
    """The table for a terminal."""
    return "\n".join([*table(found), "", caption(found), ""])


def lines(path: Path) -> list[str]:
    """The page's part, made from the JSON."""
    found = Layers.load(path)
    return [*table(found), "", caption(found)]
