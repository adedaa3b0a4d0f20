"""A picture given by the user as portrait: cut and measured as a frame of an encode would be."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import NoFaceError
from vqcodec.face.crop import follow_face, resize, take_square
from vqcodec.face.track import Detector, locate
from vqcodec.types import CODED_SIZE

FEATURE_SIZE_PX = 256


@dataclass(frozen=True, slots=True)
class PortraitSquare:
    """A still ready for the motion space and the renderer.

    Attributes:
        square: (512, 512, 3) uint8.
        small: (256, 256, 3) uint8, the same for the motion network.
        points: (478, 2) float32 landmarks in 0..1 of the square.
    """

    square: NDArray[np.uint8]
    small: NDArray[np.uint8]
    points: NDArray[np.float32]


def portrait_square(detector: Detector, rgb: NDArray[np.uint8], *, name: str) -> PortraitSquare:
    """Cut the square around the largest face.

    Args:
        detector: finds faces in one picture.
        rgb: (H, W, 3) uint8, any size.
        name: what to call the picture in an error.

    Raises:
        NoFaceError: no face is found.
    """
    box = locate(detector, rgb, thorough=True)
    if box is not None:
        height, width = rgb.shape[:2]
        square = take_square(rgb, follow_face([box], width, height))
        found = detector.faces(square)
        if found:
            return PortraitSquare(square, resize(square, FEATURE_SIZE_PX), found[0].points / np.float32(CODED_SIZE))
    raise NoFaceError(f"no face in {name}", hint="Give a picture of one person, seen from the front.")
