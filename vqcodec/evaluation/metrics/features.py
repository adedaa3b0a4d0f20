"""Mouth and eyes by themselves: the perceptual distance of enlarged crops, where a whole picture's hardly sees them.

Both crops are taken from both pictures at the reference's landmarks, so a mouth in the wrong place counts as well:

    mouth   160 x 112 px, one distance of the outer eye corners wide, about the mean of the lip points
    eyes    256 x 96 px, 1.7 of them wide, about the mean of the eyes' corners and the middles of their lids
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vqcodec.evaluation.metrics.landmarks import Points, interocular_px
from vqcodec.evaluation.metrics.perceptual import PerceptualDistance
from vqcodec.geometry.mesh import LIPS

EYE_POINTS = (33, 133, 159, 145, 263, 362, 386, 374)


@dataclass(frozen=True, slots=True)
class FeatureCrop:
    """A part of the face at a size that doesn't depend on the face's.

    Attributes:
        points: landmarks in whose mean its middle lies.
        width_px, height_px: its size.
        span: its width in distances of the outer eye corners.
    """

    points: tuple[int, ...]
    width_px: int
    height_px: int
    span: float

    def of(self, picture: NDArray[np.uint8], points: Points) -> NDArray[np.uint8]:
        """The crop of a picture.

        Args:
            picture: (H, W, 3) uint8 RGB.
            points: (478, 2) landmarks in its pixels, or in those of a picture of the same size.

        Returns:
            (height_px, width_px, 3) uint8; black beyond the picture.
        """
        size, matrix = (self.width_px, self.height_px), self.matrix(points)
        return cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR).astype(np.uint8)

    def matrix(self, points: Points) -> NDArray[np.float32]:
        """(2, 3) from the picture's pixels to the crop's; arguments as of `of`."""
        scale = self.width_px / (self.span * interocular_px(points))
        x, y = points[list(self.points)].astype(np.float64).mean(0)
        return np.array(
            [
                [scale, 0, self.width_px / 2 - x * scale],
                [0, scale, self.height_px / 2 - y * scale],
            ],
            np.float32,
        )


MOUTH = FeatureCrop(LIPS, 160, 112, 1.0)
EYES = FeatureCrop(EYE_POINTS, 256, 96, 1.7)


def crop_distance(
    perceptual: PerceptualDistance,
    crop: FeatureCrop,
    reference: NDArray[np.uint8],
    output: NDArray[np.uint8],
    points: Points,
) -> float:
    """Perceptual distance of the same crop of two pictures.

    Args:
        perceptual: the network.
        crop: MOUTH or EYES.
        reference: (H, W, 3) uint8 RGB.
        output: (H, W, 3) uint8 RGB of the same size.
        points: (478, 2) landmarks of the reference in pixels.

    Returns:
        0 when equal, in practice below 1; lower is better.
    """
    return float(perceptual(crop.of(reference, points)[None], crop.of(output, points)[None])[0])
