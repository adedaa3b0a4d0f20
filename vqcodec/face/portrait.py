"""A picture given by the user as portrait: cut and measured as a frame of an encode would be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import NoFaceError
from vqcodec.face.crop import follow_face, resize, take_square
from vqcodec.face.track import Detector
from vqcodec.face.upright import upright
from vqcodec.format import CODED_SIZE_PX, FEATURE_SIZE_PX
from vqcodec.types import Crop

FACE_MIN_PX = 32
"""A face (landmark bounding box) less high than this is refused: sixteen of its pixels would become 128."""
FACE_SMALL_PX = 96
"""One less high than this is blurred."""
_TURNED = {
    1: "{} lies on its side: it was turned by a quarter anticlockwise",
    2: "{} stands on its head: it was turned upright",
    3: "{} lies on its side: it was turned by a quarter clockwise",
}


@dataclass(frozen=True, slots=True)
class PortraitSquare:
    """A still ready for the motion space and the renderer.

    Attributes:
        square: (512, 512, 3) uint8.
        small: (256, 256, 3) uint8, the same for the motion network.
        points: (478, 2) float32 landmarks in 0..1 of the square.
        crop: where the square lies in the picture, turned.
        turns: quarter turns anticlockwise that the picture needed to be upright, as `numpy.rot90` counts.
        warnings: sentences on what is wrong with the picture, for a person.
    """

    square: NDArray[np.uint8]
    small: NDArray[np.uint8]
    points: NDArray[np.float32]
    crop: Crop
    turns: int = 0
    warnings: tuple[str, ...] = ()


def portrait_square(detector: Detector, rgb: NDArray[np.uint8], *, name: str) -> PortraitSquare:
    """Cut the square around the largest face.

    Args:
        detector: finds faces in one picture.
        rgb: (H, W, 3) uint8, any size.
        name: what to call the picture in an error.

    Raises:
        NoFaceError: no face is found, or only one of less than FACE_MIN_PX.
    """
    picture = upright(detector, rgb)
    boxes = picture.boxes
    if boxes:
        face_px = float(boxes[0][3])
        if face_px < FACE_MIN_PX:
            raise NoFaceError(
                f"the face in {name} is only {face_px:.0f} pixels high, less than {FACE_MIN_PX}",
                hint="Give a closer or larger picture: a face of 256 pixels is best.",
            )
        height, width = picture.rgb.shape[:2]
        crop = follow_face(boxes[:1], width, height)
        square = take_square(picture.rgb, crop)
        found = detector.faces(square)
        if found:
            points = found[0].points / np.float32(CODED_SIZE_PX)
            return PortraitSquare(
                square,
                resize(square, FEATURE_SIZE_PX),
                points,
                crop,
                picture.turns,
                _warnings(len(boxes), face_px, picture.turns, name),
            )
    raise NoFaceError(
        f"no face in {name}", hint="Give a picture of one person, seen from the front."
    )


def _warnings(faces: int, face_px: float, turns: int, name: str) -> tuple[str, ...]:
    told = [_TURNED[turns].format(name)] if turns else []
    if faces > 1:
        told.append(f"{name} shows {faces} faces; the largest is taken")
    if face_px < FACE_SMALL_PX:
        told.append(f"the face in {name} is only {face_px:.0f} pixels high: it will look blurred")
    return tuple(told)
