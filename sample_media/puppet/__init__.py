"""A talking puppet out of one portrait: expression warps in the neutral pose, then a smooth warp of the head.

Per frame, two passes. The first moves lids and lips of the neutral portrait by thin-plate splines through MediaPipe
landmarks; what lies inside the lids stays put, and what lies between the lips is painted (dark mouth, tongue, the
portrait's own teeth). The second turns the head as an ellipsoid with a nose and fades to stillness away from it.
All lengths are in pixels of the square canvas unless a name says otherwise.
"""

from __future__ import annotations

import numpy as np

from .eyes import Eye
from .head import Head
from .mouth import Mouth
from .points import EYES
from .pose import Portrait, Pose
from .warp import F32, U8

__all__ = ["Pose", "Puppet"]


class Puppet:
    """Renders poses of one portrait.

    Args:
        canvas: (S, S, 3) uint8, the neutral portrait, sharper than the frames wanted.
        points: (478, 2) landmarks in pixels of `canvas`.
    """

    def __init__(self, canvas: U8, points: F32) -> None:
        portrait = Portrait(canvas, points)
        self._canvas = portrait.canvas
        self._eyes = [Eye(portrait, eye) for eye in EYES]
        self._mouth = Mouth(portrait)
        self._head = Head(portrait)

    def render(self, pose: Pose, size_px: int) -> U8:
        """(size_px, size_px, 3) uint8 frame."""
        face = self._canvas.astype(np.float32)
        for eye in self._eyes:
            eye.draw(face, pose)
        self._mouth.draw(face, pose)
        return self._head.turn(face, pose, size_px)
