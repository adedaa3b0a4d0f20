"""What of a picture a square around one face leaves out: noted while the square is chosen, told at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SMALL_SHARE = 0.2
"""A face less high than this share of the picture: most of what is to be seen isn't the face."""
RIVAL_SHARE = 0.6
"""A second face at least this high, over the first one's height, may be the one that is meant."""


@dataclass(slots=True)
class Scene:
    """The faces of an input's shots.

    Attributes:
        shots: whose square was chosen by a face.
        small: of them, those with a small face.
        shared: of them, those with two faces of like size.
        unsteady: pieces of shots, of a minute at most, in which the camera moves.
    """

    shots: int = 0
    small: int = 0
    shared: int = 0
    unsteady: int = 0

    def see(self, boxes: Sequence[NDArray[np.float64]], height_px: int) -> None:
        """A shot begins with these faces (`face_box`, largest first, at least one) in a picture of this height."""
        first = float(boxes[0][3])
        self.shots += 1
        self.small += first < SMALL_SHARE * height_px
        self.shared += any(float(box[3]) >= RIVAL_SHARE * first for box in boxes[1:])

    def warnings(self, name: str, *, whole: bool = False) -> list[str]:
        """Sentences that a person should read about an input of this name, of which the whole picture is kept or not."""
        told = []
        if whole and self.unsteady:
            told.append(
                f"the camera of {name} moves: where it does, only the square around the face is kept, before a blurred picture"
            )
        if self.small and not whole:
            told.append(
                f"the face in {name} is under a fifth of the picture's height{self._where(self.small)}: only "
                "a square around it is kept, and nothing else of the picture (--scene keeps the rest)"
            )
        if self.shared:
            told.append(
                f"{name} shows two faces of like size{self._where(self.shared)}: the larger one is kept"
                " (--face chooses another)"
            )
        return told

    def _where(self, count: int) -> str:
        return "" if self.shots == 1 else f" in {count} of {self.shots} shots"
