"""Which of a shot's portraits show a face with new lips: one whose mouth is like the new one, and else serves as the old one did.

    as recorded   a a a a b b b b        the encoder compared all of a frame's picture
    new mouth     . . o o . . - -        o wide open: c shows such teeth; - shut: a is shut, b is not
    shown         a a c c b b a a

An open mouth can't be pressed shut without its teeth showing, and a shut one holds no teeth: the mouth weighs more than where
the picture itself is compared.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqcodec.encoding.choice import CHANGE_COST
from vqcodec.encoding.offsets import cheapest_path
from vqcodec.face.mismatch import (
    EYE_WEIGHT,
    LIGHT_SLACK,
    LIGHT_WEIGHT,
    SCALE_WEIGHT,
    SHIFT_WEIGHT,
    SURROUNDINGS_WEIGHT,
    TURN_WEIGHT,
    Look,
    light_and_surroundings,
)
from vqcodec.geometry.headpose import HeadShape, facing, fitted_poses
from vqcodec.geometry.mesh import LIPS, OUTER_EYE_CORNERS, SKULL
from vqcodec.geometry.openings import lid_gap_per_eye_width, lip_gap_per_eye_distance
from vqcodec.stream.portrait_pictures import PortraitPictures
from vqcodec.stream.portraits import Portrait

LIPS_WEIGHT = 2.0
"""Of the mean distance of the lips' points, in eye distances, as seen from straight ahead."""
SHUT_WEIGHT = 1.0
"""Of what a portrait's mouth is further open than the new one."""
OTHER_COST = 0.02
"""Of a portrait that the encoder didn't choose: it had seen the frame."""
FORBIDDEN = 1e3

Floats = NDArray[np.float32]
Array = NDArray[np.float64]


def setting_costs(portraits: tuple[Portrait, ...], points: Floats, size_px: int) -> Array:
    """(P, P) what it costs to show the second one where the first one served: light, and what is around the face.

    Args:
        portraits: of one shot.
        points: (P, 478, 2) their landmarks.
        size_px: side of their pictures.

    Raises:
        BitstreamError: a picture is damaged.
    """
    pictures = PortraitPictures(size_px)
    looks = [
        Look.at(pictures.picture(portrait), own)
        for portrait, own in zip(portraits, points, strict=True)
    ]
    costs = np.zeros((len(looks), len(looks)))
    for n, frame in enumerate(looks):
        for m, look in enumerate(looks):
            if n != m:
                light, around = light_and_surroundings(look, frame)
                costs[n, m] = OTHER_COST + SURROUNDINGS_WEIGHT * around
                costs[n, m] += LIGHT_WEIGHT * max(light - LIGHT_SLACK, 0.0)
    return costs


def portrait_costs(frames: Floats, portraits: Floats, shape: HeadShape) -> Array:
    """(T, P) what landmarks alone say of each portrait for each frame; arguments (T, 478, 2), (P, 478, 2)."""
    both = np.concatenate([frames, portraits])
    lips = list(LIPS)
    upright = facing(both[:, lips], fitted_poses(both, shape), shape.points[lips])
    eyes = shape.points[list(OUTER_EYE_CORNERS), :2]
    upright = (upright - upright.mean(1, keepdims=True)) / float(np.linalg.norm(eyes[0] - eyes[1]))
    count = len(frames)
    gaps = lip_gap_per_eye_distance(both)
    lids = np.array([lid_gap_per_eye_width(points) for points in both])
    over = np.maximum(gaps[None, count:] - gaps[:count, None], 0)
    lids_over = np.maximum(lids[:count, None] - lids[None, count:], 0)
    apart = np.stack(
        [np.linalg.norm(upright[:count] - own, axis=-1).mean(1) for own in upright[count:]], 1
    )
    costs = LIPS_WEIGHT * apart + SHUT_WEIGHT * over + EYE_WEIGHT * lids_over
    return np.asarray(costs + _rigid_costs(both, count))


def _rigid_costs(points: Floats, count: int) -> Array:
    """(T, P) turned, larger, moved."""
    skull = points[:, list(SKULL)].astype(np.float64)
    plane = skull[..., 0] + 1j * skull[..., 1]
    plane -= plane.mean(1, keepdims=True)
    size = np.sqrt((np.abs(plane) ** 2).sum(1)).clip(1e-9)
    match = np.abs(plane[:count] @ plane[count:].conj().T)
    match /= np.outer(size[:count], size[count:])
    centre = points.mean(1).astype(np.float64)
    shift = np.linalg.norm(centre[:count, None] - centre[None, count:], axis=-1)
    scale = np.abs(np.log(size[:count, None] / size[None, count:]))
    turn = np.sqrt((1 - match**2).clip(0))
    return np.asarray(TURN_WEIGHT * turn + SCALE_WEIGHT * scale + SHIFT_WEIGHT * shift)


def served(
    costs: Array, recorded: NDArray[np.int64], changed: NDArray[np.bool_], frame_s: float
) -> NDArray[np.int64]:
    """Which portrait shows each frame.

    Args:
        costs: (T, P) of each portrait for each frame.
        recorded: (T,) the one that showed it.
        changed: (T,) frames with new lips: the others stay with it.
        frame_s: seconds a frame.

    Returns:
        (T,) numbers of portraits.
    """
    if not changed.any():
        return recorded
    count = costs.shape[1]
    bound = np.where(changed[:, None], costs * frame_s, FORBIDDEN)
    kept = ~changed
    bound[kept, recorded[kept]] = 0
    each = np.broadcast_to(np.eye(count)[:, None], (count, len(costs), count))
    path = cheapest_path(bound.T, each, np.full(count, CHANGE_COST / 2))
    return np.asarray(path, np.int64)
