"""Table 3 at our scale as plain values, JSON and Markdown.

JSON: {"schema_version": 1, "conditions": {...}, "driver_msi": ..., "rows": [...], "references": [...]}; the fields of a row
are those of `QuantizerRow`. A figure that could not be measured is null.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vqcodec.evaluation.tools.files import load_json, rounded, save_json
from vqcodec.lab.command import command
from vqcodec.lab.paper.designs import DESIGNS
from vqcodec.lab.paper.paperdata import TABLE_3

SCHEMA_VERSION = 1
CODEC, FLOATS = "codec", "floats"
_NAMES = {
    CODEC: "this codec's integers, nothing retrained",
    FLOATS: "no quantizer, nothing retrained",
}


@dataclass(frozen=True, slots=True)
class QuantizerRow:
    """One quantizer, measured.

    Attributes:
        key: of its design, or CODEC or FLOATS.
        raw_kbps: raw indices at 25 frames a second (floats: 32 bits each, as the paper counts).
        counted_kbps: with a plain adaptive coder (codebook_counts.counted_bits), None for floats.
        id_dist, csim, msi: means over driven portraits; see codebook_driving.Driven.
        utilisation_pct: codes used at least once over all frames of all clips; None for floats.
        pose_px: mean distance of decoded landmarks from the given ones, over the same frames, in pixels at 256x256.
        faces_pct: driven frames in which a face was found.
        motion_loss: at the end of training, mean square in 20 units; None where nothing was trained.
    """

    key: str
    raw_kbps: float
    counted_kbps: float | None
    id_dist: float | None
    csim: float | None
    msi: float | None
    utilisation_pct: float | None
    pose_px: float
    faces_pct: float
    motion_loss: float | None = None


@dataclass(frozen=True, slots=True)
class QuantizerTable:
    """All rows, and under which conditions they were measured."""

    conditions: dict[str, Any]
    driver_msi: float | None
    rows: list[QuantizerRow]
    references: list[QuantizerRow]

    def save(self, path: Path) -> None:
        """Write the JSON, whole or not at all."""
        save_json(path, rounded({"schema_version": SCHEMA_VERSION, **asdict(self)}))

    @classmethod
    def load(cls, path: Path) -> QuantizerTable:
        """Read the JSON.

        Raises:
            UsageError: it is something else.
        """

        def build(data: dict[str, Any]) -> QuantizerTable:
            rows, references = (
                [QuantizerRow(**r) for r in data[k]] for k in ("rows", "references")
            )
            return cls(data["conditions"], data["driver_msi"], rows, references)

        return load_json(
            path,
            SCHEMA_VERSION,
            build,
            what="measured codebooks",
            command=command("codebooks"),
        )


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _measured(row: QuantizerRow) -> list[str]:
    return [
        _number(row.raw_kbps, 2),
        _number(row.counted_kbps, 2),
        _number(row.id_dist, 3),
        _number(row.csim, 3),
        _number(row.msi, 3),
        _number(row.utilisation_pct, 2),
        _number(row.pose_px, 2),
    ]


def table(found: QuantizerTable) -> list[str]:
    """Markdown lines: our figures, then the paper's beside them."""
    lines = [
        "| method | G | R | FSQ | codes | kbit/s, raw | counted | identity distance ↓ | its cosine ↑ | MSI ↑ | used, % ↑ | "
        "pose error, px ↓ | paper: kbit/s | CSIM ↑ | MSI ↑ | used, % ↑ |",
        "|---|---:|---:|:---:|---:|" + "---:|" * 11,
    ]
    known = {d.key: d for d in DESIGNS}
    for row in found.rows:
        design, paper = known[row.key], TABLE_3[row.key]
        cells = [
            design.method,
            str(design.groups),
            str(design.residuals) if design.residuals > 1 else "-",
            "-" if design.levels is None else "✓",
            design.code_text,
            *_measured(row),
            paper.kbps,
            f"{paper.csim:.3f}",
            f"{paper.msi:.3f}",
            f"{paper.utilisation_pct:.2f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "| " + " | ".join([_NAMES[row.key], *[""] * 4, *_measured(row), *[""] * 4]) + " |"
        for row in found.references
    ]
    lines.append(
        "| "
        + " | ".join(
            ["the drivers' own videos", *[""] * 8, _number(found.driver_msi, 3), *[""] * 6]
        )
        + " |"
    )
    return lines


def caption(found: QuantizerTable) -> str:
    """The conditions in a few sentences."""
    known = found.conditions
    settings = known["training"]["settings"]
    missing = [d.key for d in DESIGNS if d.key not in {r.key for r in found.rows}]
    left_out = f" Not trained: {', '.join(missing)}." if missing else ""
    return (
        f"Cross-identity driven: {known['pairs']} drivers, each moving the first frame of another person's clip, "
        f"{known['frames']} frames at 256x256; identity against the portrait on every {known['identity_every']}th frame; "
        f"MSI over the lips in all rendered frames. Codes used, counted rate and pose error: all {known['motion_frames']} "
        f"frames of {known['clips']} clips, relative to their first frames, so at most {known['motion_frames']} codes of a "
        f"codebook can be used. Every row: {settings['feature_steps']} steps on {settings['motion_batch']} motions, then "
        f"{settings['picture_steps']} steps on motions and {settings['targets']} pictures, from {known['training']['clips']} "
        f"training clips. The paper's columns are of other clips, another network and far longer training; its CSIM is of "
        f"another face network than the cosine here.{left_out} {known['date_utc']}; `{known['motion_space']}`, "
        f"`{known['renderer']}`."
    )


def show(found: QuantizerTable) -> str:
    """The table for a terminal."""
    return "\n".join([*table(found), "", caption(found), ""])


def lines(path: Path) -> list[str]:
    """The page's part, made from the JSON."""
    found = QuantizerTable.load(path)
    return [*table(found), "", caption(found)]
