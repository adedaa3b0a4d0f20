"""The mean head in three dimensions, and the pose that lays it on 2-D landmarks.

Axes: x to the picture's right, y down, z away from the viewer. A head point h is seen at

    p = centre + scale (R h)_xy,    R = Rz(roll) Ry(-yaw) Rx(pitch)

(scaled orthography): positive pitch nods down, positive yaw turns to the picture's right, positive roll tilts clockwise as
seen. The mean head has its skull points' centroid at 0 and their root-mean-square radius is 1, so `scale` is that radius in
units of the picture's side.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from vqcodec.format import LANDMARKS
from vqcodec.geometry.mesh import SKULL
from vqcodec.geometry.reading import model_faults

POSE_NUMBERS = 6
_STEPS = 8
_DAMPING = 1e-4
# a face of fewer than three pixels in a thousand is no face: keeps made-up landmarks finite
_SMALLEST_SCALE = 1e-3

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class HeadShape:
    """The mean head.

    Attributes:
        points: (478, 3) float32, the landmarks of a head with a closed mouth that looks straight at the viewer.
    """

    points: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.points.shape != (LANDMARKS, 3) or not np.isfinite(self.points).all():
            raise ValueError(
                f"a head shape has {LANDMARKS} finite points of three numbers, not {self.points.shape}"
            )


def read_head(path: Path) -> HeadShape:
    """The mean head in a model file.

    Raises:
        ModelError: the file holds something else.
    """
    with model_faults(path, "a head shape"), safe_open(str(path), "np") as handle:
        return HeadShape(np.ascontiguousarray(handle.get_tensor("points"), np.float32))


def normalized(points: Array) -> Array:
    """(..., 478, 3) -> the same with the skull's centroid at 0 and its rms radius 1."""
    skull = points[..., list(SKULL), :]
    centred = points - skull.mean(-2, keepdims=True)
    radius = np.sqrt((centred[..., list(SKULL), :] ** 2).sum(-1).mean(-1))
    return np.asarray(centred / np.maximum(radius, 1e-9)[..., None, None])


def rotations(angles: NDArray[np.floating]) -> Array:
    """(..., 3) pitch, yaw, roll in radians -> (..., 3, 3) R = Rz(roll) Ry(-yaw) Rx(pitch)."""
    (sp, sy, sr), (cp, cy, cr) = (
        np.moveaxis(f(np.asarray(angles, np.float64)), -1, 0) for f in (np.sin, np.cos)
    )
    rows = (
        (cr * cy, -sr * cp - cr * sy * sp, sr * sp - cr * sy * cp),
        (sr * cy, cr * cp - sr * sy * sp, -cr * sp - sr * sy * cp),
        (sy, cy * sp, cy * cp),
    )
    return np.stack([np.stack(row, -1) for row in rows], -2)


def angles(matrices: Array) -> Array:
    """(..., 3, 3) rotations -> (..., 3) pitch, yaw, roll: the inverse of `rotations` for yaw within +-pi/2."""
    return np.stack(
        [
            np.arctan2(matrices[..., 2, 1], matrices[..., 2, 2]),
            np.arcsin(np.clip(matrices[..., 2, 0], -1, 1)),
            np.arctan2(matrices[..., 1, 0], matrices[..., 0, 0]),
        ],
        -1,
    )


def _turns(vectors: Array) -> Array:
    """(T, 3) rotation vectors -> (T, 3, 3), by Rodrigues' formula."""
    angle = np.linalg.norm(vectors, axis=-1)[:, None, None]
    x, y, z = vectors.T
    zero = np.zeros_like(x)
    cross = np.stack([np.stack(r, -1) for r in ((zero, -z, y), (z, zero, -x), (-y, x, zero))], -2)
    half = np.sinc(angle / (2 * np.pi))
    return np.asarray(
        np.eye(3) + np.sinc(angle / np.pi) * cross + 0.5 * half * half * (cross @ cross)
    )


def _first_guess(products: Array, moments: Array) -> tuple[Array, Array]:
    """Rotation and scale from the best affine camera: (T, 2, 3) -> (T, 3, 3), (T,)."""
    u, size, v = np.linalg.svd(products @ np.linalg.inv(moments), full_matrices=False)
    rows = u @ v
    return np.concatenate([rows, np.cross(rows[:, 0], rows[:, 1])[:, None]], 1), np.maximum(
        size[:, 0], _SMALLEST_SCALE
    )


def _refined(rotation: Array, scale: Array, products: Array, moments: Array) -> tuple[Array, Array]:
    """One damped Gauss-Newton step of the squared distances; all that is needed of the points is their moments."""
    c = rotation @ moments @ rotation.swapaxes(-1, -2)
    e = products @ rotation.swapaxes(-1, -2) / scale[:, None, None] - c[:, :2]
    cxx, cyy, czz, cxz, cyz = c[:, 0, 0], c[:, 1, 1], c[:, 2, 2], c[:, 0, 2], c[:, 1, 2]
    zero, plane = np.zeros_like(cxx), cxx + cyy
    normal = np.stack(
        [
            np.stack(r, -1)
            for r in (
                (czz, zero, -cxz, -cyz),
                (zero, czz, -cyz, cxz),
                (-cxz, -cyz, plane, zero),
                (-cyz, cxz, zero, plane),
            )
        ],
        -2,
    )
    gradient = np.stack(
        [-e[:, 1, 2], e[:, 0, 2], e[:, 1, 0] - e[:, 0, 1], e[:, 0, 0] + e[:, 1, 1]], -1
    )
    step = np.linalg.solve(normal + _DAMPING * len(SKULL) * np.eye(4), gradient[..., None])[..., 0]
    step = np.clip(step, -0.5, 0.5)
    return _turns(step[:, :3]) @ rotation, np.maximum(scale * np.exp(step[:, 3]), _SMALLEST_SCALE)


def fitted_poses(landmarks: NDArray[np.float32], shape: HeadShape) -> NDArray[np.float32]:
    """Poses by least squares over the points that move with the skull, each frame alone.

    Args:
        landmarks: (T, 478, 2) float32 in 0..1 of the square; frames without a face are NaN.
        shape: the mean head.

    Returns:
        (T, 6) float32: pitch, yaw, roll in radians, x and y of the skull points' centroid, log of the scale. NaN where
        the landmarks are.
    """
    skull = shape.points[list(SKULL)].astype(np.float64)
    seen = np.asarray(landmarks[:, list(SKULL)], np.float64)
    good = np.isfinite(seen).all((-1, -2))
    poses = np.full((len(seen), POSE_NUMBERS), np.nan, np.float32)
    if not good.any():
        return poses
    centre = seen[good].mean(1)
    products = (seen[good] - centre[:, None]).swapaxes(-1, -2) @ skull
    moments = skull.T @ skull
    rotation, scale = _first_guess(products, moments)
    for _ in range(_STEPS):
        rotation, scale = _refined(rotation, scale, products, moments)
    poses[good] = np.concatenate([angles(rotation), centre, np.log(scale)[:, None]], -1)
    return poses


def turned(points: Array, depth: Array, start: Array, poses: Array) -> Array:
    """Points seen under one pose, as they are seen under others, turned rigidly.

    Args:
        points: (..., 2) as seen under `start`, in 0..1.
        depth: (...,) z in the mean head's units, in the viewer's axes under `start`.
        start: (T or 1, 6) pose the points were seen under; its leading axis is broadcast against that of `poses`.
        poses: (T or 1, 6) poses to show.

    Returns:
        (T, ..., 2) points in 0..1.
    """
    flat = (points - start[:, None, 3:5]) / np.exp(start[:, 5])[:, None, None]
    solid = np.concatenate([flat, np.broadcast_to(depth, flat.shape[:2])[..., None]], -1)
    turn = rotations(poses[:, :3]) @ rotations(start[:, :3]).swapaxes(-1, -2)
    return np.asarray(
        np.exp(poses[:, 5])[:, None, None] * (solid @ turn[:, :2].swapaxes(-1, -2))
        + poses[:, None, 3:5]
    )


def facing(
    points: NDArray[np.floating], poses: NDArray[np.floating], solid: NDArray[np.floating]
) -> Array:
    """Points as they would be seen from straight ahead.

    Args:
        points: (T, N, 2) in 0..1 of the square.
        poses: (T, 6) they are seen under.
        solid: (N, 3) the same points of the mean head.

    Returns:
        (T, N, 2) in units of the head.
    """
    upright = np.zeros((1, POSE_NUMBERS))
    depth = solid.astype(np.float64) @ rotations(poses[:, :3])[:, 2, :, None]
    return turned(points.astype(np.float64), depth[..., 0], poses.astype(np.float64), upright)
