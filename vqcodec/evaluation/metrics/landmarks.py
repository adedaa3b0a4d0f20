"""Landmark figures: is the face where it should be, do the lips match, does it tremble?

Points are MediaPipe's 478 (`vqcodec.face`), of each frame alone, in pixels. Distances are in units of the reference
face's inter-ocular distance (outer eye corners, points 33 and 263), so that they don't depend on picture or face size.
The landmark distance as a measure of talking faces is from Chen et al. 2018, ECCV, "Lip Movements Generation at a
Glance" (there on the lips, in pixels).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vqcodec.geometry.mesh import OUTER_EYE_CORNERS
from vqcodec.geometry.openings import distance

Points = NDArray[np.float32]


def interocular_px(points: Points) -> float:
    """Distance of the outer eye corners of (478, 2) points, in their unit."""
    return float(distance(points.astype(np.float64), OUTER_EYE_CORNERS))


def landmark_distance(
    reference: Points, output: Points, subset: Sequence[int] | None = None
) -> float:
    """Mean distance of corresponding landmarks over the reference's inter-ocular distance (`lmd`).

    1/K sum_k |p_k - q_k| / |p_33 - p_263|. Range 0 and up; lower is better; two detections of slightly different
    pictures of one pose differ by about .005.

    Args:
        reference: (478, 2) points p of the reference frame.
        output: (478, 2) points q of the output frame.
        subset: landmark numbers to average over, for example `LIPS` for `lmd_mouth`; None takes all.
    """
    distance = np.linalg.norm(reference.astype(np.float64) - output, axis=1)
    chosen = distance if subset is None else distance[list(subset)]
    return float(chosen.mean() / interocular_px(reference))


def landmark_step(before: Points, after: Points, unit: float) -> float:
    """Mean distance the landmarks move between two frames, in `unit`s (the reference's inter-ocular distance)."""
    return float(np.linalg.norm(after.astype(np.float64) - before, axis=1).mean() / unit)


def jitter(reference_steps: Sequence[float], output_steps: Sequence[float]) -> float:
    """Mean landmark step between neighbouring frames, output over reference: this project's measure of trembling.

    Range 0 and up; 1 is right, above 1 trembles, below 1 is smoothed away, 0 stands still. NaN when the reference does
    not move or nothing was measured. Both lists hold `landmark_step` of the same frame pairs.
    """
    if not reference_steps or float(np.mean(reference_steps)) <= 0:
        return float("nan")
    return float(np.mean(output_steps) / np.mean(reference_steps))
