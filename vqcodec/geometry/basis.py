"""The linear landmark part of a motion space: 478 landmarks <-> 36 numbers, and the unit of every dimension."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from vqcodec.format import FEATURE_SIZE_PX, LANDMARKS
from vqcodec.geometry.layout import LANDMARK_DIMS
from vqcodec.geometry.mesh import EYES, IRISES, LIPS
from vqcodec.geometry.reading import model_faults


def landmark_weights() -> NDArray[np.float32]:
    """(956,) weights of the coordinates in the principal components: lips 2, eyes and irises 1.5, the rest 1."""
    weights = np.ones(LANDMARKS, np.float32)
    weights[list(EYES + IRISES)] = 1.5
    weights[list(LIPS)] = 2.0
    return np.repeat(weights, 2)


@dataclass(frozen=True, slots=True)
class LandmarkBasis:
    """Orthonormal basis of weighted landmark coordinates.

    Attributes:
        mean: (956,) float32 mean landmarks, x and y interleaved, pixels of a 256 px crop.
        components: (36, 956) float32, orthonormal rows, in weighted coordinates.
        units: (D,) float32, size of one quantizer unit per dimension (36 landmark dimensions, then those of the Layout).
    """

    mean: NDArray[np.float32]
    components: NDArray[np.float32]
    units: NDArray[np.float32]

    def project(self, landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, 478, 2) landmarks in 0..1 of the crop -> (N, 36) coefficients."""
        flat = landmarks.reshape(len(landmarks), -1) * FEATURE_SIZE_PX - self.mean
        coefficients: NDArray[np.float32] = (
            (flat * landmark_weights()) @ self.components.T
        ).astype(np.float32)
        return coefficients

    def part(self, share: NDArray[np.float32]) -> NDArray[np.float32]:
        """(478,) share of each landmark -> (36, 36): coefficients of a motion, from the left, to those of this part of it."""
        part = (self.components * np.repeat(share, 2)) @ self.components.T
        return part.astype(np.float32)

    def landmarks(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, >=36) features -> (N, 478, 2) landmarks in 0..1 of the crop; learned dimensions are ignored."""
        flat = (features[:, :LANDMARK_DIMS] @ self.components) / landmark_weights() + self.mean
        return (flat / np.float32(FEATURE_SIZE_PX)).reshape(len(features), LANDMARKS, 2)


def read_basis(path: Path) -> LandmarkBasis:
    """The landmark basis inside a motion space file.

    Raises:
        ModelError: the file holds none.
    """
    with model_faults(path, "a motion space"), safe_open(str(path), "np") as handle:
        return LandmarkBasis(
            *(
                np.ascontiguousarray(handle.get_tensor(f"basis.{k}"))
                for k in ("mean", "components", "units")
            )
        )
