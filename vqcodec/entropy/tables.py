"""The normative integer tables of bitstream_spec/entropy.md section 5, read from the packaged copy of `motion-1.json`.

Every number of the context model that is not an array shape comes from that file; nothing is repeated in code.
"""
from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from vqcodec.entropy.rangecoder import FREQ_TOTAL, Row
from vqcodec.types import DIMS, LAYERS

FILE_NAME = "motion-1.json"
FEATURES = 9
COMBOS = 8
PHASES = 21
RANK_TO_FOLDED = (0, -1, 1, -2, 2)
"""The folded digit of each coder rank."""

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LayerTables:
    """One layer's numbers; the names are those of entropy.md section 5.

    Attributes:
        activity_thresholds: (A,) ascending; they choose the prediction's coefficients.
        coefficients: (A + 2, 9); row 0 is for the group's first frame.
        start_scale: (3, 48): scale of frame 0, starting error averages, starting activity, in 1/1024 step.
        start_slope: (3,): what the group's coarse activity adds to each, in 1/256.
        scale_weights: (6,), in 1/256.
        first_thresholds: ascending; scale classes of frame 0.
        scale_thresholds: ascending; scale classes of the other frames.
        frequencies: (classes, 8, 21, 5) out of 4096, folded digits -2..2; the classes of frame 0 come first.
    """

    activity_thresholds: Ints
    coefficients: Ints
    start_scale: Ints
    start_slope: Ints
    scale_weights: Ints
    first_thresholds: Ints
    scale_thresholds: Ints
    frequencies: Ints

    def rows(self) -> list[Row]:
        """Cumulative rows in coder rank order, one per context number."""
        ranked = self.frequencies.reshape(-1, 5)[:, [f + 2 for f in RANK_TO_FOLDED]]
        ends = np.cumsum(ranked, axis=1).tolist()
        return [(0, a, b, c, d, e) for a, b, c, d, e in ends]


def layer_from_json(data: dict[str, object]) -> LayerTables:
    """Build one layer's tables from its JSON object."""
    arrays = {name: np.asarray(data[name], np.int64) for name in LayerTables.__slots__}
    tables = LayerTables(**arrays)
    check(tables)
    return tables


def check(tables: LayerTables) -> None:
    """Refuse tables whose shapes or sums entropy.md section 5 doesn't allow.

    Raises:
        ValueError: says which rule is broken.
    """
    classes = len(tables.first_thresholds) + 1 + len(tables.scale_thresholds) + 1
    shapes = {"coefficients": (len(tables.activity_thresholds) + 2, FEATURES), "start_scale": (3, DIMS),
              "start_slope": (3,), "scale_weights": (6,), "frequencies": (classes, COMBOS, PHASES, 5)}
    for name, shape in shapes.items():
        if getattr(tables, name).shape != shape:
            raise ValueError(f"{name} has shape {getattr(tables, name).shape}, expected {shape}")
    if (tables.frequencies < 1).any() or (tables.frequencies.sum(-1) != FREQ_TOTAL).any():
        raise ValueError(f"every row of frequencies must be positive and sum to {FREQ_TOTAL}")


@cache
def load() -> tuple[LayerTables, ...]:
    """The four layers' tables, coarse first."""
    data = json.loads(files("vqcodec.entropy").joinpath(FILE_NAME).read_text(encoding="utf-8"))
    layers = tuple(layer_from_json(layer) for layer in data["layers"])
    if len(layers) != LAYERS:
        raise ValueError(f"{FILE_NAME} holds {len(layers)} layers, expected {LAYERS}")
    return layers


@cache
def load_rows(layer: int) -> list[Row]:
    """`LayerTables.rows` of a layer (0 = coarsest), built once."""
    return load()[layer].rows()
