"""A portrait as a value: the picture that frames are rendered from, and the motion features that it shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import UsageError
from vqcodec.format import CODED_SIZE_PX, DIMS

DEFAULT_STILL_QUALITY = 90


@dataclass(frozen=True, slots=True, eq=False)
class CodedPortrait:
    """What frames are rendered from, as a file holds it: so what is rendered and what is written are the same.

    Attributes:
        still: an AVIF file of 512x512 pixels.
        features: (48,) int16, its own motion features f_s in units of the motion space.
    """

    still: bytes
    features: NDArray[np.int16]

    @classmethod
    def from_rgb(
        cls,
        rgb: NDArray[np.uint8],
        features: NDArray[np.int16],
        *,
        quality: int = DEFAULT_STILL_QUALITY,
    ) -> CodedPortrait:
        """Code a picture.

        Args:
            rgb: (512, 512, 3) uint8.
            features: (48,) int16, as above. `Codec.portrait` measures those of any picture with a face.
            quality: of the AVIF, 1..100.

        Raises:
            UsageError: shapes or types are others.
        """
        from vqcodec.media.still.stills import encode_avif

        if rgb.shape != (CODED_SIZE_PX, CODED_SIZE_PX, 3) or rgb.dtype != np.uint8:
            raise UsageError(
                f"a portrait of shape {rgb.shape}, {rgb.dtype}", hint="Give (512, 512, 3) uint8."
            )
        if features.shape != (DIMS,) or features.dtype != np.int16:
            raise UsageError(
                f"features of shape {features.shape}, {features.dtype}", hint="Give (48,) int16."
            )
        return cls(encode_avif(rgb, quality=quality), features)

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """(512, 512, 3) uint8, decoded anew at each call.

        Raises:
            BitstreamError: the still is damaged.
        """
        from vqcodec.media.still.stills import decode_still

        return decode_still(self.still)
