"""Recorded eyes turned to the camera: irises moved within the recorded lids. Shut eyes stay; up and down, lids allow a third."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqcodec.dubbing.manner import camera_gaze
from vqcodec.geometry.controls import Controls, read_controls
from vqcodec.geometry.headpose import HeadShape, facing, rotations
from vqcodec.geometry.mesh import IRIS_LEFT, IRIS_RIGHT
from vqcodec.geometry.openings import BOTH_EYES

FURTHEST = 0.2
"""Eye widths that an iris is moved at most: further aside a person turns the head."""

Floats = NDArray[np.float32]


def turned_to_camera(points: Floats, usual: Controls, shape: HeadShape) -> Floats:
    """Landmarks (T, 478, 2) in 0..1 with eyes on the camera; `usual` are frames that tell how this person looks."""
    now = read_controls(points, shape)
    way = np.clip(camera_gaze(now.pose, usual) - now.gaze, -FURTHEST, FURTHEST)
    way *= (1 - now.blink)[:, None]
    turn = rotations(now.pose[:, :3])[:, :2, :2] * np.exp(now.pose[:, 5])[:, None, None]
    out = points.copy()
    for eye, iris in zip(BOTH_EYES, (IRIS_RIGHT, IRIS_LEFT), strict=True):
        corners = [eye.outer, eye.inner]
        upright = facing(points[:, corners], now.pose, shape.points[corners])
        width = np.linalg.norm(upright[:, 1] - upright[:, 0], axis=-1)
        moved = np.einsum("tij,tj->ti", turn, width[:, None] * way)
        out[:, [eye.iris, *iris]] += moved[:, None].astype(np.float32)
    return out
