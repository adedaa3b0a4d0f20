"""What the page needs besides the networks, to turn motion into their inputs: `models.json`, and `tables.bin` with its numbers.

Numbers are little-endian float32, one array after the other; `models.json` says where each begins and its shape.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.format import FEATURE_SIZE_PX
from vqcodec.geometry.basis import landmark_weights, read_basis
from vqcodec.geometry.field import read_field
from vqcodec.geometry.layout import read_layout
from vqcodec.models.store import ModelFile
from vqcodec.render.conditioning import MOTION_SPREAD_UNITS, STATE_SPREAD_UNITS
from vqcodec.render.field_flow import planes
from vqcodec.render.maps import FILLED, MAP_SIDE, NOSE_LINES
from vqcodec.types import ModelId


class _Numbers:
    """Arrays one after the other."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, array: NDArray[Any]) -> dict[str, object]:
        """Where an array lies."""
        data = np.ascontiguousarray(array, "<f4").tobytes()
        place = {"at": self._size // 4, "shape": list(array.shape)}
        self._parts.append(data)
        self._size += len(data)
        return place

    def __bytes__(self) -> bytes:
        return b"".join(self._parts)


def write_tables(
    folder: Path, renderer: ModelId, spaces: list[ModelFile], networks: Mapping[str, str]
) -> None:
    """Write models.json and tables.bin.

    Args:
        folder: it exists.
        renderer: whose networks they are.
        spaces: the motion spaces that it was trained for.
        networks: their file names, by what they are.
    """
    numbers = _Numbers()
    about = {
        "renderer": {"name": renderer.name, "sha256": renderer.sha256.hex()},
        "networks": dict(networks),
        "maps": {"side": MAP_SIDE, "filled": FILLED, "lines": NOSE_LINES},
        "spread": {"motion": MOTION_SPREAD_UNITS, "state": STATE_SPREAD_UNITS},
        "spaces": [_space(space, numbers) for space in spaces],
    }
    (folder / "models.json").write_text(json.dumps(about), encoding="utf-8")
    (folder / "tables.bin").write_bytes(bytes(numbers))


def _space(space: ModelFile, numbers: _Numbers) -> dict[str, object]:
    """A motion space: landmarks in 0..1 are mean + coefficients . components."""
    basis, layout, field = read_basis(space.path), read_layout(space.path), read_field(space.path)
    scale = np.float32(1 / FEATURE_SIZE_PX)
    entry: dict[str, object] = {
        "name": space.id.name,
        "sha256": space.id.sha256.hex(),
        "surround": layout.surround,
        "learned": list(layout.learned),
        "field": layout.field,
        "units": numbers.add(basis.units),
        "mean": numbers.add(basis.mean * scale),
        "components": numbers.add(basis.components / landmark_weights() * scale),
    }
    if field is not None:
        entry["flows"] = numbers.add(planes(field).numpy())
    return entry
