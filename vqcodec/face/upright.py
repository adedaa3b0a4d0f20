"""Which way up a portrait stands: pictures without an orientation flag may lie on their side, or stand on their head.

landmarks found? --yes--> the head's roll says: upright, or by how many quarter turns not
    |                       a mesh that a small turn of the picture makes jump may sit on a face upside down: turned by
    no                      half, the better one counts
    +--> the picture turned by one, three and two quarters: the steadiest face counts
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vqcodec.face.crop import face_box, follow_face, take_square
from vqcodec.face.track import Detector, locate_all
from vqcodec.format import CODED_SIZE_PX
from vqcodec.runtime.opencv import cv2

ROLLED_DEG = 60.0
"""A head that leans further than this is taken for a picture that lies on its side."""
STEADY = 0.04
"""Upright faces wobble by .01 to .05 of their height in all, meshes on faces upside down by .07 and more."""
_TILT_DEG = 20.0
_LOST = 0.2
_TOP, _CHIN = 10, 152

Picture = NDArray[np.uint8]
Box = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Upright:
    """A picture with its faces upright.

    Attributes:
        rgb: (H, W, 3) uint8.
        turns: quarter turns anticlockwise that were made of the picture given, 0..3, as `numpy.rot90` counts.
        boxes: `face_box` of each face in it, largest first.
    """

    rgb: Picture
    turns: int
    boxes: list[Box]


def upright(detector: Detector, rgb: Picture) -> Upright:
    """Turn a picture so that its largest face is upright, by quarters.

    Args:
        detector: finds faces in one picture.
        rgb: (H, W, 3) uint8.

    Returns:
        The picture as given where no face is found whichever way it is turned.
    """
    found = _turned(detector, rgb, 0)
    if not found.boxes:
        others = [_turned(detector, rgb, turns) for turns in (1, 3, 2)]
        seen = [other for other in others if other.boxes]
        return min(seen, key=lambda other: _wobble(detector, other), default=found)
    roll = _roll_deg(detector, found)
    if abs(roll) > ROLLED_DEG:
        other = _turned(detector, rgb, round(roll / 90) % 4)
        return other if other.boxes else found
    own = _wobble(detector, found)
    if own > STEADY:
        other = _turned(detector, rgb, 2)
        if other.boxes and _wobble(detector, other) < own / 2:
            return other
    return found


def _turned(detector: Detector, rgb: Picture, turns: int) -> Upright:
    turned = np.ascontiguousarray(np.rot90(rgb, turns)) if turns else rgb
    return Upright(turned, turns, locate_all(detector, turned, thorough=True))


def _square(picture: Upright) -> Picture:
    height, width = picture.rgb.shape[:2]
    return take_square(picture.rgb, follow_face(picture.boxes[:1], width, height))


def _roll_deg(detector: Detector, picture: Upright) -> float:
    """How far the head leans clockwise, -180..180; 0 where its landmarks aren't found again."""
    faces = detector.faces(_square(picture))
    if not faces:
        return 0.0
    across, down = (faces[0].points[_CHIN] - faces[0].points[_TOP]).tolist()
    return float(np.degrees(np.arctan2(-across, down)))


def _wobble(detector: Detector, picture: Upright) -> float:
    """How far landmarks move, over the face's height, when the picture is tilted a little to either side; both added."""
    square = _square(picture)
    faces = detector.faces(square)
    if not faces:
        return 2 * _LOST
    points = faces[0].points
    height = max(float(face_box(points)[3]), 1e-6)
    return sum(
        _moved(detector, square, points, angle) / height for angle in (-_TILT_DEG, _TILT_DEG)
    )


def _moved(
    detector: Detector, square: Picture, points: NDArray[np.float32], angle_deg: float
) -> float:
    """Mean distance in pixels of landmarks from those of the tilted square, tilted back."""
    size = (CODED_SIZE_PX, CODED_SIZE_PX)
    tilt = cv2.getRotationMatrix2D((CODED_SIZE_PX / 2, CODED_SIZE_PX / 2), angle_deg, 1.0)
    faces = detector.faces(
        np.asarray(cv2.warpAffine(square, tilt, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)
    )
    if not faces:
        return _LOST * float(face_box(points)[3])
    back = cv2.invertAffineTransform(tilt)
    again = faces[0].points @ back[:, :2].T + back[:, 2]
    return float(np.linalg.norm(again - points, axis=1).mean())
