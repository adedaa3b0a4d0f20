"""Table 1 of the paper with this codec's row beside it, and the field measured with this project's own definitions.

    python -m vqcodec.lab papertable val.json [--out papertable.json] [--check]

JSON: {"schema_version": 1, "conditions": {...}, "groups": [{"name", "source", "rows": [{"method", "values"}]}]}; `values`
holds what is known, by the names in COLUMNS. Figures of different groups are of different clips.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vqcodec.errors import UsageError
from vqcodec.evaluation.tools.files import rounded, save_json
from vqcodec.evaluation.validate.record import ValidationResults
from vqcodec.format import CODED_SIZE_PX, CODES, GROUPS
from vqcodec.lab.command import perform, publish
from vqcodec.lab.markdown import measured
from vqcodec.lab.paper.paperdata import (
    AUTHORS_CLIPS,
    AUTHORS_SOURCE,
    TABLE_1,
    TABLE_1_SOURCE,
    Other,
)

SCHEMA_VERSION = 1
FRAME_RATE_HZ = 25

COLUMNS = (
    ("size_px", "coded at", 0),
    ("raw_kbps", "kbit/s, raw motion", 1),
    ("motion_kbps", "kbit/s, coded motion", 2),
    ("psnr_db", "PSNR, dB ↑", 2),
    ("ssim", "SSIM ↑", 3),
    ("ms_ssim", "MS-SSIM ↑", 3),
    ("lpips", "LPIPS ↓", 3),
    ("perc", "perceptual distance ↓", 3),
    ("st_lpips", "ST-LPIPS ↓", 3),
    ("csim", "CSIM ↑", 3),
    ("id_dist", "identity distance ↓", 3),
    ("lmd", "landmark distance ↓", 4),
    ("lmd_mouth", "mouth ↓", 4),
    ("cpbd", "CPBD", 3),
    ("cpbd_reference", "source's CPBD", 3),
)
_SCORES = (
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


def _rows(others: Sequence[Other]) -> list[dict[str, Any]]:
    return [{"method": o.method, "values": dict(o.values)} for o in others]


def _scores(values: dict[str, float]) -> dict[str, Any]:
    """_SCORES of a summary; without ST-LPIPS where a validation is from before it was measured."""
    return {k: values[k] for k in _SCORES if k != "st_lpips" or not np.isnan(values[k])}


def our_rows(results: ValidationResults) -> list[dict[str, Any]]:
    """The still portrait and this codec at every number of layers of a validation."""
    rows: list[dict[str, Any]] = []
    for run in sorted(results.runs, key=lambda r: -r.layers):
        summary = results.summary(run)
        if not rows:
            still = _scores(summary["still"]) | {
                "raw_kbps": 0.0,
                "motion_kbps": 0.0,
            }
            rows.append({"method": "still first frame", "values": still})
        layers = f", {run.layers} layer{'s' if run.layers > 1 else ''}"
        values = _scores(summary["scores"])
        values |= {
            "size_px": CODED_SIZE_PX,
            "raw_kbps": GROUPS * run.layers * float(np.log2(CODES)) * FRAME_RATE_HZ / 1000,
            "motion_kbps": summary["rates"]["motion_kbps"],
        }
        rows.append({"method": f"this codec{layers}", "values": values})
    return rows


def paper_table(results: ValidationResults) -> dict[str, Any]:
    """The whole table as JSON-ready values."""
    summary = results.summary(results.runs[0])
    ours = (
        f"{summary['clips']} validation clips of this project, file to file, measured at 256x256, portrait = first frame "
        "as the file holds it"
    )
    known = {
        k: results.conditions[k]
        for k in ("date_utc", "motion_space", "renderer")
        if k in results.conditions
    }
    return rounded(
        {
            "schema_version": SCHEMA_VERSION,
            "conditions": known | {"failed": sorted(results.failed)},
            "groups": [
                {"name": "The paper's Table 1", "source": TABLE_1_SOURCE, "rows": _rows(TABLE_1)},
                {
                    "name": "The authors' demo clips",
                    "source": AUTHORS_SOURCE,
                    "rows": _rows(AUTHORS_CLIPS),
                },
                {"name": "This codec", "source": ours, "rows": our_rows(results)},
            ],
        }
    )


def _cell(values: dict[str, Any], key: str, digits: int) -> str:
    value = values.get(key)
    return "-" if value is None else f"{value:.{digits}f}"


def table(found: dict[str, Any]) -> list[str]:
    """Markdown lines, one block of rows a group."""
    groups = found["groups"]
    columns = measured(COLUMNS, (row["values"] for group in groups for row in group["rows"]))
    lines = [
        "| | " + " | ".join(name for _, name, _ in columns) + " |",
        "|---|" + "---:|" * len(columns),
    ]
    for group in groups:
        lines.append(f"| **{group['name']}** |" + " |" * len(columns))
        for row in group["rows"]:
            cells = [_cell(row["values"], key, digits) for key, _, digits in columns]
            lines.append(f"| {row['method']} | " + " | ".join(cells) + " |")
    return lines


def caption(found: dict[str, Any]) -> str:
    """What may be compared with what."""
    known = found["conditions"]
    sources = "; ".join(f"{group['name']}: {group['source']}" for group in found["groups"])
    failed = f" NOT CODED: {', '.join(known['failed'])}." if known["failed"] else ""
    models = ", ".join(f"`{known[k]}`" for k in ("motion_space", "renderer") if k in known)
    return (
        f"**The clips differ from block to block; compare rows within a block only.** {sources}. Ours are harder: moving "
        f"cameras, bodies and backgrounds, as the still first frame shows. LPIPS and the perceptual distance are two "
        f"measures; so are CSIM (cosine of a face network's embeddings) and the identity distance (dlib's); neither turns "
        f"into the other. Raw motion is indices without entropy coding, or floats of 32 bits each, as the paper "
        f"counts; coded motion is what is in the file. No rate holds the portrait or the sound.{failed} "
        f"{known.get('date_utc', '')}; {models}."
    )


def lines(path: Path) -> list[str]:
    """The page's part, made from a validation."""
    found = paper_table(ValidationResults.load(path))
    return [*table(found), "", caption(found)]


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("results", type=Path, help="JSON of vqcodec validate")
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="JSON file to write")
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 if the JSON is out of step"
    )


def _job(options: Namespace) -> int:
    found = paper_table(ValidationResults.load(options.results))
    if options.check:
        return int(options.out is None or not _is_same(options.out, found))
    text = "\n".join([*table(found), "", caption(found)])
    return publish(text, options.out, lambda path: save_json(path, found))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code: 0, or 1 when --check finds the JSON out of step."""
    return perform("papertable", _options, _job, arguments)


def _is_same(path: Path, found: dict[str, Any]) -> bool:
    try:
        return bool(json.loads(path.read_text(encoding="utf-8")) == found)
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}") from error
