"""Makes motion-3.json, the tables for streams of more than 12 groups, from motion-1.json: python bitstream_spec/tables/make.py

A start for streams whose tokens aren't there yet to fit to: all tables are those of motion-1 but `start_scale`, whose columns
48..127 are the median of columns 36..47. Writes this folder's file and the packaged copy in vqcodec/entropy/. What hangs on
the tables comes afterwards: python bitstream_spec/vectors/make.py --unfreeze 2-groups
"""

from __future__ import annotations

import statistics
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT)]

from vqcodec.entropy.tables import WIDE_FILE_NAME, LayerTables, check, load  # noqa: E402
from vqcodec.format import DIMS, MAX_DIMS  # noqa: E402
from vqcodec.training.entropy_tables.run import format_tables  # noqa: E402

LIKE = slice(36, DIMS)
"""Columns of the dimensions that further ones are expected to be like: all but the landmarks'."""


def widened(layer: LayerTables) -> LayerTables:
    """The same with MAX_DIMS columns of `start_scale`."""
    more = [
        [statistics.median_low(row[LIKE].tolist())] * (MAX_DIMS - DIMS) for row in layer.start_scale
    ]
    return replace(layer, start_scale=np.concatenate([layer.start_scale, more], axis=1))


def text() -> str:
    """The file's content."""
    layers = [widened(layer) for layer in load(DIMS)]
    for number, layer in enumerate(layers):
        check(layer, number, MAX_DIMS)
    return format_tables(layers, Path(WIDE_FILE_NAME).stem)


def main() -> None:
    """Write both copies."""
    told = text()
    for folder in (HERE, ROOT / "vqcodec" / "entropy"):
        (folder / WIDE_FILE_NAME).write_text(told, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
