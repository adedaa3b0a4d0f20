"""How a mouth looks in a video: its teeth from frame to frame, and beside the recording's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vqcodec.evaluation.metrics.features import MOUTH, FeatureCrop, crop_distance
from vqcodec.evaluation.metrics.perceptual import PerceptualDistance
from vqcodec.geometry.mesh import LIPS_INNER
from vqcodec.geometry.openings import lip_gap_per_eye_distance
from vqcodec.lab.dub.sync import Points

OPEN = 0.06
"""From here on teeth can be seen, in distances of the outer eye corners."""
EVERY = 5
"""Frames between two of which the crop is compared."""

Pictures = Sequence[NDArray[np.uint8]]


def teeth_flicker(pictures: Pictures, points: Sequence[Points | None]) -> float:
    """How much the inside of an open mouth changes besides moving.

    The enlarged mouth of a frame is brought onto the next one's along their own optical flow (DIS), and what differs between
    the inner lips is counted. A recording's isn't 0: light, flow and the tongue; compare with it.

    Args:
        pictures: (H, W, 3) uint8 of consecutive frames.
        points: (478, 2) landmarks of each in their pixels, None without a face.

    Returns:
        Mean absolute difference in levels of 255; NaN where no two frames have an open mouth.
    """
    search: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    found = list[float]()
    for n in range(1, len(pictures)):
        before, after = points[n - 1], points[n]
        if before is None or after is None or not (_open(before) and _open(after)):
            continue
        crops = [
            cv2.cvtColor(MOUTH.of(picture, at), cv2.COLOR_RGB2GRAY)
            for picture, at in ((pictures[n - 1], before), (pictures[n], after))
        ]
        flow = np.asarray(search.calc(crops[1], crops[0], None), np.float32)
        y, x = np.mgrid[: MOUTH.height_px, : MOUTH.width_px].astype(np.float32)
        moved = cv2.remap(crops[0], x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR)
        inside = _inside(MOUTH, after)
        if inside.any():
            found.append(float(np.abs(moved.astype(float) - crops[1])[inside].mean()))
    return float(np.mean(found)) if found else float("nan")


def _open(points: NDArray[np.float32]) -> bool:
    return float(lip_gap_per_eye_distance(points[None])[0]) > OPEN


def _inside(crop: FeatureCrop, points: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(height_px, width_px) what lies between the inner lips in a crop."""
    outline = cv2.transform(points[None, list(LIPS_INNER)], crop.matrix(points))[0]
    mask = np.zeros((crop.height_px, crop.width_px), np.uint8)
    cv2.fillPoly(mask, [np.round(outline).astype(np.int32)], (1,))
    return np.asarray(mask > 0)


def mouth_distance(
    perceptual: PerceptualDistance, real: Pictures, shown: Pictures, points: Sequence[Points | None]
) -> float:
    """Perceptual distance of the enlarged mouths, over every EVERY-th frame; NaN without a face.

    Args:
        perceptual: the network.
        real: (H, W, 3) uint8 of the recording.
        shown: likewise of the result.
        points: (478, 2) landmarks of the recording in its pixels, None without a face.
    """
    found = [
        crop_distance(perceptual, MOUTH, a, b, at)
        for a, b, at in list(zip(real, shown, points, strict=False))[::EVERY]
        if at is not None
    ]
    return float(np.mean(found)) if found else float("nan")
