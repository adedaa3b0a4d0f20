"""The portrait of a dub, ready to be moved: its square, its motion features, how its head is held."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vqcodec.dubbing.parts import DubParts
from vqcodec.errors import NoFaceError
from vqcodec.face.portrait import PortraitSquare, portrait_square
from vqcodec.geometry.controls import Controls, read_controls
from vqcodec.geometry.openings import BLINK_LOOKS_SHUT
from vqcodec.media.still.picture_file import Picture
from vqcodec.quantize.grfsq import dequantize, stored_features

TURNED_DEG = 35.0
"""A portrait turned further than this shows too little of the far side: a warning."""
PROFILE_DEG = 60.0
"""One turned further than this can't speak to the viewer: refused."""


@dataclass(frozen=True, slots=True)
class Person:
    """A portrait as the generator and the stream need it.

    Attributes:
        face: the square and its landmarks.
        stored: (48,) int16, f_s as the key frame stores it.
        features: (48,) float32, f_s as the decoder will have it.
        controls: one frame, its own.
        warnings: what is wrong with it, for a person.
    """

    face: PortraitSquare
    stored: NDArray[np.int16]
    features: NDArray[np.float32]
    controls: Controls
    warnings: tuple[str, ...]


def read_person(picture: Picture, parts: DubParts) -> Person:
    """The face in a picture, measured as a frame of an encode would be.

    Args:
        picture: as read; its warnings become the person's.
        parts: detector, motion space and mean head.

    Raises:
        NoFaceError: there is none, or it is tiny, or seen from the side.
    """
    name = picture.name
    with parts.detector() as detector:
        face = portrait_square(detector, picture.rgb, name=name)
    measured = parts.space.features(face.small[None], face.points[None])[0]
    stored = stored_features(measured, parts.space.units)
    controls = read_controls(face.points[None], parts.shape)
    yaw_deg = abs(float(np.degrees(controls.pose[0, 1])))
    if yaw_deg > PROFILE_DEG:
        raise NoFaceError(
            f"the face in {name} is seen from the side (turned by {yaw_deg:.0f} degrees)",
            hint="Give a picture of one person, seen from the front.",
        )
    told = [*picture.warnings, *face.warnings]
    if yaw_deg > TURNED_DEG:
        told.append(
            f"the face in {name} is turned by {yaw_deg:.0f} degrees: one seen from the front looks "
            "better"
        )
    if controls.blink[0] > BLINK_LOOKS_SHUT:
        told.append(f"the eyes in {name} are shut: what they look like open is made up")
    features = dequantize(stored, parts.space.units)
    return Person(face, stored, features, controls, tuple(told))
