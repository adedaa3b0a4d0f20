"""What one frame of the puppet does, and the portrait that does it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .warp import F32, U8


@dataclass(frozen=True, slots=True)
class Pose:
    """One frame of the puppet.

    Attributes:
        gap: lip gap as a fraction of the face's width, 0 closed .. about 0.16.
        narrow: -1 (spread lips) .. 1 (rounded lips).
        lids: 0 open .. 1 closed.
        brow: -1 .. 1, brows down or up.
        gaze: x and y of the irises, -1 .. 1.
        yaw_rad, pitch_rad, roll_rad: head rotation, right-handed in image axes.
        shift: x and y of the head, fractions of the canvas.
        scale: size of the head.
    """

    gap: float = 0.0
    narrow: float = 0.0
    lids: float = 0.0
    brow: float = 0.0
    gaze: tuple[float, float] = (0.0, 0.0)
    yaw_rad: float = 0.0
    pitch_rad: float = 0.0
    roll_rad: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)
    scale: float = 1.0


class Portrait:
    """The neutral picture that is moved.

    Args:
        canvas: (S, S, 3) uint8, the neutral portrait, sharper than the frames wanted.
        points: (478, 2) landmarks in pixels of `canvas`.

    Attributes:
        canvas: as given.
        p: the landmarks, float32.
        side: of the canvas.
        width: of the face.
    """

    def __init__(self, canvas: U8, points: F32) -> None:
        self.canvas = canvas
        self.p = points.astype(np.float32)
        self.side = canvas.shape[0]
        self.width = float(np.ptp(self.p[:468, 0]))

    def region(self, centre: F32, half: float) -> tuple[int, int, int, int]:
        """The square of `half` the side around `centre`, cut to the canvas: x0, y0, x1, y1."""
        low = np.clip(centre - half, 0, self.side).astype(int)
        high = np.clip(centre + half, 0, self.side).astype(int)
        return int(low[0]), int(low[1]), int(high[0]), int(high[1])
