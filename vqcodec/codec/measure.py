"""A portrait measured as an encode measures one: the square around the face, its landmarks, its motion features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqcodec.codec.files import Source, readable
from vqcodec.codec.portraits import CodedPortrait
from vqcodec.encoding.parts import EncoderParts
from vqcodec.face.portrait import portrait_square
from vqcodec.media.picture.frames import checked_picture
from vqcodec.media.still.picture_file import load_picture
from vqcodec.quantize.grfsq import stored_features


def measured_portrait(
    picture: Source | NDArray[np.uint8], parts: EncoderParts, quality: int
) -> CodedPortrait:
    """The largest face of a picture as CodedPortrait; see `Codec.portrait`."""
    if isinstance(picture, np.ndarray):
        rgb, name = checked_picture(picture), "the picture"
    else:
        read = load_picture(readable(picture))
        rgb, name = read.rgb, read.name
    with parts.detector() as detector:
        face = portrait_square(detector, rgb, name=name)
    features = parts.space.features(face.small[None], face.points[None])[0]
    return CodedPortrait.from_rgb(
        face.square, stored_features(features, parts.space.units), quality=quality
    )
