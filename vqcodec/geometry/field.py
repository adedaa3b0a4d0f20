"""The field of a motion space: how smooth flows, a learned basis of them, add up to one.

Landmarks and two similarities put hair, neck and clothes in the wrong place. What they miss is a smooth flow, and most of it a
sum of a few: a coefficient of 1 moves what its component covers by about a pixel of a 256 px crop. Coefficients are absolute
within a shot, as all motion features are: a frame shown from a portrait moves by the difference of both.

    flow(x) += sum over k of (f_t[k] - f_portrait[k]) component[k](x)          backward, in pixels of a 256 px crop
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from vqcodec.geometry.reading import model_faults

TENSOR = "field.components"
SHARPNESS = -0.5
"""Of cubic interpolation between a component's vectors (Catmull-Rom)."""


@dataclass(frozen=True, slots=True)
class FieldBasis:
    """Smooth flows on a coarse grid.

    Attributes:
        components: (K, g, g, 2) float32 vectors, x first, at the centres of g x g cells, pixels of a 256 px crop.
    """

    components: NDArray[np.float32]

    def at(self, side: int) -> NDArray[np.float32]:
        """The components on a finer grid: (K, side, side, 2) float32; edges go on as they end."""
        up = _enlargement(self.components.shape[1], side)
        finer = np.einsum("ya,kabc,xb->kyxc", up, self.components, up, optimize=True)
        return np.asarray(finer, np.float32)

    def flow(self, coefficients: NDArray[np.float32], side: int) -> NDArray[np.float32]:
        """(N, K) coefficients -> (N, side, side, 2) float32 flows in pixels of a 256 px crop."""
        return np.tensordot(coefficients, self.at(side), 1).astype(np.float32)


@lru_cache(maxsize=8)
def _enlargement(coarse: int, fine: int) -> NDArray[np.float32]:
    """(fine, coarse) weights of cubic interpolation between cell centres; each row adds up to 1."""
    at = (np.arange(fine) + 0.5) * coarse / fine - 0.5
    left = np.floor(at).astype(int)
    matrix = np.zeros((fine, coarse))
    for tap in range(-1, 3):
        distance = np.abs(at - (left + tap))
        near = (SHARPNESS + 2) * distance**3 - (SHARPNESS + 3) * distance**2 + 1
        far = SHARPNESS * (distance**3 - 5 * distance**2 + 8 * distance - 4)
        np.add.at(
            matrix,
            (np.arange(fine), (left + tap).clip(0, coarse - 1)),
            np.where(distance <= 1, near, far),
        )
    return matrix.astype(np.float32)


def read_field(path: Path) -> FieldBasis | None:
    """The field inside a motion space file; None where it has none.

    Raises:
        ModelError: the file is not a motion space.
    """
    with model_faults(path, "a motion space"), safe_open(str(path), "np") as handle:
        if TENSOR not in handle.keys():  # noqa: SIM118 (not a dict)
            return None
        return FieldBasis(np.ascontiguousarray(handle.get_tensor(TENSOR), np.float32))
