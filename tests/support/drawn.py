"""A drawn face that moves: what a renderer takes, without a recording."""

from __future__ import annotations

import numpy as np

from tests.support.training import draw_face, moving_landmarks, shipped_basis
from vqcodec.geometry.layout import LANDMARK_DIMS, Layout

Picture = np.ndarray


def drawn_shot(layout: Layout, frames: int) -> tuple[list[tuple[Picture, np.ndarray]], np.ndarray]:
    """Two portraits of a drawn face, and features of it whose background, torso and field move, too.

    Args:
        layout: of the motion space.
        frames: how many.

    Returns:
        Of each portrait (512, 512, 3) uint8 and (D,) features; (frames, D) features of the frames.
    """
    points = moving_landmarks(frames + 2, 1)
    points[-1] = (points[-1] - 0.5) * 0.8 + 0.55
    features = np.zeros((len(points), layout.dims), np.float32)
    features[:, :LANDMARK_DIMS] = shipped_basis().project(points)
    steps = np.arange(frames)[:, None]
    features[1:-1, layout.surround_span] = 0.01 * steps
    features[1:-1, layout.field_span] = 0.3 * steps
    portraits = [(draw_face(points[i], 1, 512), features[i]) for i in (0, -1)]
    return portraits, features[1:-1]
