"""Pictures that wait to become portraits: a shot of a minute has 300, so they wait as JPEG, in memory or in a file.

At quality 97 without colour subsampling the loss (46 dB and better) is far below what the portrait stream's own coding loses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO

import numpy as np
from numpy.typing import NDArray

from vqcodec.media.system import temporary_file
from vqcodec.runtime.opencv import cv2

_OPTIONS = (
    cv2.IMWRITE_JPEG_QUALITY,
    97,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
)
_IN_MEMORY_BYTES = 64 << 20


@dataclass(frozen=True, slots=True, eq=False)
class KeptPicture:
    """A picture as JPEG.

    Attributes:
        data: the JPEG; empty when `place` says where it lies.
        place: file, offset and length.
    """

    data: bytes = b""
    place: tuple[IO[bytes], int, int] | None = None

    @classmethod
    def of(cls, rgb: NDArray[np.uint8]) -> KeptPicture:
        """Keep (H, W, 3) uint8 RGB."""
        _, coded = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), _OPTIONS)
        return cls(coded.tobytes())

    def rgb(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB."""
        data = self.data
        if self.place is not None:
            file, offset, length = self.place
            file.seek(offset)
            data = file.read(length)
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None  # `of` made it
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


class PictureFile:
    """Pictures of a whole recording, in a temporary file once they are many."""

    def __init__(self) -> None:
        self._file: IO[bytes] = temporary_file(_IN_MEMORY_BYTES)
        self._end = 0

    def moved(self, picture: KeptPicture) -> KeptPicture:
        """The same picture, in the file."""
        self._file.seek(self._end)
        self._file.write(picture.data)
        place = (self._file, self._end, len(picture.data))
        self._end += len(picture.data)
        return KeptPicture(place=place)

    def close(self) -> None:
        """Let the file go; no picture of it can be read any more."""
        self._file.close()
