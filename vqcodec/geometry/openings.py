"""How far eyes and mouths are open: every measure of it, named by what it is divided by, and every bar it is held against.

    measure                          gap                             divided by                    wide open
    lid_gap_per_eye_width            three pairs of lid points       eye width, in the picture     about .3
    upright_lid_gap_per_eye_width    the same, upright               eye width, seen from ahead    .3 to .5
    lip_gap                          middle of the inner lips        nothing: as the points are
    lip_gap_per_mouth_width          the same                        mouth width                   about 1
    lip_gap_per_eye_distance         the same                        outer eye corners             about .5

The first is narrowed by a turned head; the second is not, and needs the mean head. Figures of different measures can't be
compared, so a bar stands here beside the measure it is of.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vqcodec.geometry.headpose import HeadShape, facing, fitted_poses
from vqcodec.geometry.mesh import INNER_LIPS, MOUTH_CORNERS, OUTER_EYE_CORNERS

# of lid_gap_per_eye_width: eyes as open as a portrait's should be, and the share of it from which on a frame may become one
OPEN_EYE_RATIO, OPEN_SHARE = 0.28, 0.6
# of upright_lid_gap_per_eye_width: eyes no more open than this begin to count as shut, and are shut at the second
LIDS_OPEN, LIDS_SHUT = 0.25, 0.03
# of blink, which is between those two, 0 open .. 1 shut: from here on a portrait's eyes say nothing of how they rest or where
# they look; from here on a person would call them shut
BLINK_HIDES_REST, BLINK_LOOKS_SHUT = 0.4, 0.6
# of lip_gap_per_eye_distance: shut lips are at 0 to this
MIN_CORRELATED_FRAMES = 10
SHUT_LIPS = 0.02
_LEAST = 1e-6

Array = NDArray[np.float64]
Floats = NDArray[np.float32]


class Eye(NamedTuple):
    """Landmarks of one eye: its corners, the centre of its iris, pairs of lid points (upper, lower) from outside inwards."""

    outer: int
    inner: int
    iris: int
    lids: tuple[tuple[int, int], ...]


BOTH_EYES = (
    Eye(33, 133, 468, ((160, 144), (159, 145), (158, 153))),
    Eye(263, 362, 473, ((387, 373), (386, 374), (385, 380))),
)
"""The picture's left one first."""
# a sum's order decides its last bit, and a portrait may hang on that: pairs from the picture's left to its right
_PAIRS = tuple(
    (eye, lids)
    for eye, lids in zip(BOTH_EYES, (BOTH_EYES[0].lids, BOTH_EYES[1].lids[::-1]), strict=True)
)


def _length(points: NDArray[Any], one: int, other: int) -> float:
    """Distance of two of (478, 2) points."""
    return float(np.hypot(*(points[one] - points[other])))


def lid_gap_per_eye_width(points: Floats) -> float:
    """Eye aspect ratio: mean of three lid pairs over the eye's width, mean of both eyes; about 0.3 open, 0.1 shut.

    Args:
        points: (478, 2) landmarks in any unit.
    """
    ratios = []
    for eye, lids in _PAIRS:
        gap = float(np.mean([np.hypot(*(points[a] - points[b])) for a, b in lids]))
        ratios.append(gap / max(_length(points, eye.outer, eye.inner), _LEAST))
    return float(np.mean(ratios))


def lip_gap_per_mouth_width(points: Floats) -> float:
    """Distance of the inner lips over the width of the mouth, of one face's (478, 2) landmarks in any unit."""
    wide = np.hypot(*(points[MOUTH_CORNERS[0]] - points[MOUTH_CORNERS[1]]))
    return float(np.hypot(*(points[INNER_LIPS[0]] - points[INNER_LIPS[1]])) / max(wide, _LEAST))


def distance(points: NDArray[Any], pair: tuple[int, int]) -> NDArray[Any]:
    """Distance of two landmarks: (..., 478, 2) in any unit -> (...) in that unit."""
    first, second = pair
    return np.asarray(np.linalg.norm(points[..., first, :] - points[..., second, :], axis=-1))


def lip_gap(points: NDArray[Any]) -> NDArray[Any]:
    """Distance of the middle of the inner lips: (..., 478, 2) in any unit -> (...) in that unit."""
    return distance(points, INNER_LIPS)


def per_eye_distance(points: NDArray[Any], pair: tuple[int, int]) -> NDArray[Any]:
    """Distance of two landmarks over that of the outer eye corners: (..., 478, 2) -> (...)."""
    return np.asarray(
        distance(points, pair) / np.maximum(distance(points, OUTER_EYE_CORNERS), _LEAST)
    )


def lip_gap_per_eye_distance(points: NDArray[Any]) -> NDArray[Any]:
    """Distance of the inner lips over that of the outer eye corners: (..., 478, 2) -> (...), 0 shut to about .5."""
    return per_eye_distance(points, INNER_LIPS)


def upright_lid_gap_per_eye_width(landmarks: Floats, shape: HeadShape) -> Floats:
    """Distance of the lids over the eye's width, upright and seen from ahead, mean of both eyes.

    Args:
        landmarks: (T, 478, 2) in 0..1 of the square.
        shape: the mean head.

    Returns:
        (T,) float32; below 0 where lids cross.
    """
    pose = fitted_poses(landmarks, shape)
    return np.asarray(
        np.mean([gaze_and_lid_gap(landmarks, pose, shape, eye)[1] for eye in BOTH_EYES], axis=0),
        np.float32,
    )


def gaze_and_lid_gap(
    landmarks: Floats, poses: Floats, shape: HeadShape, eye: Eye
) -> tuple[Array, Array]:
    """Where one eye looks and how far it is open, measured after turning it to face the viewer.

    Args:
        landmarks: (T, 478, 2) in 0..1 of the square.
        poses: (T, 6) of `fitted_poses`.
        shape: the mean head.
        eye: of BOTH_EYES.

    Returns:
        (T, 2) offset of the iris from the line of the corners and (T,) gap of the lids, both in eye widths.
    """
    picked = [eye.outer, eye.inner, eye.iris, *(i for pair in eye.lids for i in pair)]
    points = facing(landmarks[:, picked], poses, shape.points[picked])
    across = points[:, 1] - points[:, 0]
    if eye is BOTH_EYES[1]:  # both from the picture's left to its right
        across = -across
    width = np.maximum(np.linalg.norm(across, axis=-1), _LEAST)
    offset = points[:, 2] - (points[:, 0] + points[:, 1]) / 2
    along = across / width[:, None]
    gaze = (
        np.stack(
            [(offset * along).sum(-1), offset[:, 1] * along[:, 0] - offset[:, 0] * along[:, 1]], -1
        )
        / width[:, None]
    )
    gaps = points[:, 4::2] - points[:, 3::2]
    gap = (gaps[..., 1] * along[:, None, 0] - gaps[..., 0] * along[:, None, 1]).mean(-1) / width
    return gaze, gap


def track_correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Pearson's correlation of two tracks of openings, (T,) each with NaN where no face was found.

    Returns:
        -1..1; NaN when one of them never moves or fewer than 10 frames are known in both.
    """
    both = ~(np.isnan(first) | np.isnan(second))
    if both.sum() < MIN_CORRELATED_FRAMES:
        return float("nan")
    a, b = first[both] - first[both].mean(), second[both] - second[both].mean()
    size = np.sqrt((a @ a) * (b @ b))
    # a constant track leaves rounding errors of its mean behind
    still = min(np.abs(a).max(), np.abs(b).max()) < 1e-9
    return float("nan") if still else float(np.clip(a @ b / size, -1, 1))
