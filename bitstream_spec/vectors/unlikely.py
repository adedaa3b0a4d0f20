"""Digits that the model holds for the least likely ones: the longest payloads there are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from reference_entropy import NARROW, Model
from whole_streams import silent

from tests.support.container import make_group
from vqcodec.format import DIMS, GROUP_DIMS, GROUPS, LAYERS

FRAMES = 3


def _layer(table: dict[str, object], coarser: list[list[list[int]]]) -> list[list[int]]:
    """Digits [frame][d] of one layer, each the rarest of its row."""
    model = Model(table, coarser, FRAMES, DIMS)
    layer = []
    for t in range(FRAMES):
        rows = [model.row(t, d) for d in range(DIMS)]
        ranks = [min(range(5), key=frequencies.__getitem__) for _, _, frequencies in rows]
        digits = [m * (0, -1, 1, -2, 2)[k] for (m, _, _), k in zip(rows, ranks, strict=True)]
        layer.append(digits)
        model.update(t, digits, [mu for _, mu, _ in rows])
    return layer


def least_likely() -> bytes:
    """A stream of four layers, of more than a byte a digit."""
    layers: list[list[list[int]]] = []
    for table in NARROW:
        layers.append(_layer(table, layers))
    digits = np.array(layers).transpose(1, 2, 0).reshape(FRAMES, GROUPS, GROUP_DIMS, LAYERS) + 2
    indices = (digits * 5 ** np.arange(GROUP_DIMS)[:, None]).sum(axis=2).astype(np.uint16)
    stream = silent(replace(make_group(0, FRAMES), indices=indices))
    assert len(stream) > DIMS * LAYERS * FRAMES
    return stream
