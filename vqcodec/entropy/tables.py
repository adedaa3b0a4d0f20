"""The normative integer tables of bitstream_spec/entropy.md section 5, read from the packaged copies of two files.

    motion-1.json   streams of 12 groups, 48 dimensions
    motion-3.json   streams of more; of its 128 columns of `start_scale` a stream of D dimensions uses the first D

Every number of the context model that is not an array shape comes from these files; nothing is repeated in code.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from vqcodec.entropy.rangecoder import FREQ_TOTAL, FrequencyRow
from vqcodec.errors import ModelError
from vqcodec.format import DIMS, LAYERS, MAX_DIMS

FILE_NAME = "motion-1.json"
WIDE_FILE_NAME = "motion-3.json"
"""For streams of more than 12 groups."""
SHA256 = {
    FILE_NAME: "ffdcc960c41844a0bf6fd7e666ce12da9da9f67386bb63e17f99bac15245cdca",
    WIDE_FILE_NAME: "24e0977cf7ede0257eb8e647b0d290425c0fb1d69ed7fd5a988f2f90f1e8432f",
}
"""Of the files' bytes: with one other number in them every stream would decode to other tokens, without an error."""
FEATURES = 9
STATES = 32
SCALE_TERMS = 6
COMBOS = (1, 3, 8, 8)
"""Combinations of the coarser digits that each layer tells apart."""
PHASES = 41
RANK_TO_FOLDED = (0, -1, 1, -2, 2)
"""The folded digit of each coder rank."""

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LayerTables:
    """One layer's numbers; the names are those of entropy.md section 5.

    Attributes:
        activity_thresholds: (A,) ascending; with the state they choose the prediction's coefficients.
        coefficients: (1 + 32 (A + 1), 9); row 0 is for the group's first frame.
        start_scale: (3, D): scale of frame 0, starting error averages, starting activity, in 1/1024 step.
        start_slope: (3,): what the group's coarse activity adds to each, in 1/256.
        scale_weights: (32, 6), a row for each state, in 1/256.
        first_thresholds: ascending; scale classes of frame 0.
        scale_thresholds: ascending; scale classes of the other frames.
        frequencies: (classes, combinations, 41, 5) out of 4096, folded digits -2..2; frame 0's classes come first.
    """

    activity_thresholds: Ints
    coefficients: Ints
    start_scale: Ints
    start_slope: Ints
    scale_weights: Ints
    first_thresholds: Ints
    scale_thresholds: Ints
    frequencies: Ints

    def rows(self) -> list[FrequencyRow]:
        """Cumulative rows in coder rank order, one per context number."""
        ranked = self.frequencies.reshape(-1, 5)[:, [f + 2 for f in RANK_TO_FOLDED]]
        ends = np.cumsum(ranked, axis=1).tolist()
        return [(0, a, b, c, d, e) for a, b, c, d, e in ends]


def layer_from_json(data: dict[str, object], layer: int, dims: int = DIMS) -> LayerTables:
    """Build the tables of a layer (0..3), for so many dimensions, from its JSON object."""
    arrays = {name: np.asarray(data[name], np.int64) for name in LayerTables.__slots__}
    tables = LayerTables(**arrays)
    check(tables, layer, dims)
    return tables


def check(tables: LayerTables, layer: int, dims: int = DIMS) -> None:
    """Refuse tables whose shapes or sums entropy.md section 5 doesn't allow.

    Raises:
        ValueError: says which rule is broken.
    """
    classes = len(tables.first_thresholds) + 1 + len(tables.scale_thresholds) + 1
    shapes = {
        "coefficients": (1 + STATES * (len(tables.activity_thresholds) + 1), FEATURES),
        "start_scale": (3, dims),
        "start_slope": (3,),
        "scale_weights": (STATES, SCALE_TERMS),
        "frequencies": (classes, COMBOS[layer], PHASES, 5),
    }
    for name, shape in shapes.items():
        if getattr(tables, name).shape != shape:
            raise ValueError(f"{name} has shape {getattr(tables, name).shape}, expected {shape}")
    if (tables.frequencies < 1).any() or (tables.frequencies.sum(-1) != FREQ_TOTAL).any():
        raise ValueError(f"every row of frequencies must be positive and sum to {FREQ_TOTAL}")


@cache
def load(dims: int = DIMS) -> tuple[LayerTables, ...]:
    """The four layers' tables for a stream of so many dimensions, coarse first.

    Raises:
        ModelError: the file is missing, or not the one that this version was made with.
    """
    if DIMS < dims < MAX_DIMS:
        return tuple(
            replace(layer, start_scale=layer.start_scale[:, :dims]) for layer in load(MAX_DIMS)
        )
    name = FILE_NAME if dims == DIMS else WIDE_FILE_NAME
    tables = json.loads(_verified(name))
    layers = tuple(
        layer_from_json(data, layer, dims) for layer, data in enumerate(tables["layers"])
    )
    if len(layers) != LAYERS:
        raise ValueError(f"{name} holds {len(layers)} layers, expected {LAYERS}")
    return layers


def _verified(name: str) -> bytes:
    file = files("vqcodec.entropy").joinpath(name)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ModelError(
            f"table file {file}: {error.strerror or error}", hint="Reinstall vqcodec."
        ) from error
    if hashlib.sha256(data).hexdigest() != SHA256[name]:
        raise ModelError(
            f"table file {file} has another sha256 than this version's", hint="Reinstall vqcodec."
        )
    return data


@cache
def load_rows(layer: int, wide: bool = False) -> list[FrequencyRow]:
    """`LayerTables.rows` of a layer (0 = coarsest), built once; `wide`: for streams of more than 12 groups."""
    return load(MAX_DIMS if wide else DIMS)[layer].rows()
