"""The landmark basis of a new motion space: principal components of faces, and units that cover their motion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqcodec.format import DIMS, FEATURE_SIZE_PX
from vqcodec.geometry.basis import LandmarkBasis, landmark_weights
from vqcodec.geometry.layout import LANDMARK_DIMS, SURROUND_DIMS, SURROUND_UNIT_PX


def fit_basis(
    landmarks: NDArray[np.float32],
    deltas: NDArray[np.float32],
    *,
    floor_px: float = 1.0,
    ceiling_px: float = 8.0,
    shape_weight: float = 0.02,
    learned_unit: float = 1 / 24,
) -> LandmarkBasis:
    """Principal components of landmarks, and units that cover the motion.

    An orthonormal basis makes one uniform unit optimal for the squared landmark error; a dimension gets a larger one
    only where 170 units of the floor would not cover its motion (99.9 % of it).

    Args:
        landmarks: (N, 478, 2) float32 in 0..1, a sample over clips (shape differences between people included).
        deltas: (M, 478, 2) float32 in 0..1, target minus portrait landmarks within clips.
        floor_px: smallest unit; 1.0 gives a landmark error of about 0.08 px at 256.
        ceiling_px: largest unit; motion beyond 170 of it is clipped and calls for a new key frame.
        shape_weight: how much differences between people's faces count beside motion.
        learned_unit: unit of the learned dimensions.

    Returns:
        The basis.
    """
    weights = landmark_weights()
    flat = landmarks.reshape(len(landmarks), -1).astype(np.float64) * FEATURE_SIZE_PX
    mean = flat.mean(0)
    motion = deltas.reshape(len(deltas), -1).astype(np.float64) * FEATURE_SIZE_PX * weights
    shape = (flat - mean) * weights
    # motion is what is coded; people's shapes enter so that a portrait's own features are complete
    covariance = motion.T @ motion / len(motion) + shape_weight * (shape.T @ shape) / len(shape)
    _, vectors = np.linalg.eigh(covariance)
    components = vectors[:, ::-1][:, :LANDMARK_DIMS].T
    reach = np.quantile(np.abs(motion @ components.T), 0.999, axis=0)
    learned = DIMS - LANDMARK_DIMS - SURROUND_DIMS
    units = np.concatenate(
        [
            np.clip(reach / 170, floor_px, ceiling_px),
            np.full(SURROUND_DIMS, SURROUND_UNIT_PX),
            np.full(learned, learned_unit),
        ]
    )
    return LandmarkBasis(
        mean.astype(np.float32),
        np.ascontiguousarray(components.astype(np.float32)),
        units.astype(np.float32),
    )
