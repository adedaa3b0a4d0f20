"""A motion space's field as the network adds it: components at the flow's resolution, their sum, and where it holds back.

Landmarks say how a face moves more finely than smooth flows can: on it a quarter of the field is left.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vqcodec.format import FEATURE_SIZE_PX
from vqcodec.geometry.field import FieldBasis

SIDE = 64
"""Of the flow of a 256 px portrait."""
FACE_HELD = 0.75
_SOFT = 7


def planes(field: FieldBasis) -> Tensor:
    """(K, 2, 64, 64) float32 components, in -1..1 units."""
    moved = np.moveaxis(field.at(SIDE), -1, 1) / np.float32(FEATURE_SIZE_PX / 2)
    return torch.from_numpy(np.ascontiguousarray(moved))


def field_flow(told: Tensor, components: Tensor) -> Tensor:
    """(N, K) coefficients and (K, 2, s, s) components -> (N, 2, s, s); differentiable."""
    return (told @ components.flatten(1)).unflatten(1, components.shape[1:])


def field_share(face: Tensor) -> Tensor:
    """How much of the field counts where.

    Args:
        face: (N, 1, 64, 64) in 0..1, the oval of the frames' faces (render.maps).

    Returns:
        (N, 1, 64, 64) float32: 1 away from the face, 1 - FACE_HELD on it, with soft edges.
    """
    soft = face.float()
    for _ in range(2):
        soft = F.avg_pool2d(soft, _SOFT, 1, _SOFT // 2, count_include_pad=False)
    return 1 - FACE_HELD * soft
