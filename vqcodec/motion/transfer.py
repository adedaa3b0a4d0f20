"""One person's motion for another person's face: motion features moved from the portrait they were measured on to another.

`shifted` adds the driver's change of features to the portrait's. A landmark then moves by as many pixels as the driver's
did, whatever the size of the two faces: a large face driving a small one opens its mouth too far and throws it about.
`scaled` moves landmarks as the face would:

    c            centroid of the points that move with the skull
    D = m (A - c_A + e) + c_D        driver: m, a turn and scale in the plane, and c_D are the head's, e is the expression
    A -> B: m_0                      the turn and scale from the driver's portrait to the other one
    m (B - c_B + m_0 e) + c_B + |m_0| (c_D - c_A)

so that an expression keeps its size in the face, a turn is about the face's own centre and a path is as long as the face is
large. Turns out of the plane are part of e. The learned dimensions are shifted: nobody knows their geometry.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqcodec.format import DIMS
from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.geometry.layout import LANDMARK_DIMS
from vqcodec.geometry.mesh import SKULL

Features = NDArray[np.float32]
_Plane = NDArray[np.complex128]


def shifted(features: Features, own: Features, other: Features) -> Features:
    """The driver's change of features, added to the portrait's.

    Args:
        features: (N, D) decoded features of the driver's frames.
        own: (D,) features of the driver's own portrait.
        other: (D,) features of the portrait to move.

    Returns:
        (N, D) features to render with the other portrait.
    """
    return np.asarray(features + (other - own), np.float32)


def _plane(landmarks: NDArray[np.float32]) -> _Plane:
    """(..., 478, 2) -> (..., 478) complex numbers, in which a turn with a scale is one factor."""
    return landmarks[..., 0].astype(np.float64) + 1j * landmarks[..., 1]


def _similarity(source: _Plane, target: _Plane) -> _Plane:
    """Factor of the least-squares turn and scale from centred skull points to others, (..., 1)."""
    first, second = source[..., list(SKULL)], target[..., list(SKULL)]
    return np.asarray(
        (first.conj() * second).sum(-1) / np.maximum((np.abs(first) ** 2).sum(-1), 1e-12)
    )[..., None]


def scaled(features: Features, own: Features, other: Features, basis: LandmarkBasis) -> Features:
    """The driver's motion at the size of the portrait's face.

    Args:
        features: (N, D) decoded features of the driver's frames.
        own: (D,) features of the driver's own portrait.
        other: (D,) features of the portrait to move.
        basis: the landmark part of the motion space.

    Returns:
        (N, D) features to render with the other portrait: `other` where the driver is as in its portrait, and `features`
        where both portraits are the same.
    """
    driver, start, face = (_plane(basis.landmarks(f)) for f in (features, own[None], other[None]))
    centres = [points[:, list(SKULL)].mean(-1, keepdims=True) for points in (driver, start, face)]
    driver, start, face = (
        points - centre for points, centre in zip((driver, start, face), centres, strict=True)
    )
    turn, between = _similarity(start, driver), _similarity(start, face)
    expression = driver / np.where(np.abs(turn) > 1e-9, turn, 1) - start
    moved = (
        turn * (face + between * expression)
        + centres[2]
        + np.abs(between) * (centres[0] - centres[1])
    )
    result = shifted(features, own, other)
    result[:, :LANDMARK_DIMS] = basis.project(
        np.stack([moved.real, moved.imag], -1).astype(np.float32)
    )
    if not np.array_equal(own, other):
        # a field is what the driver's own hair and clothes do
        result[:, DIMS:] = other[DIMS:]
    return result
