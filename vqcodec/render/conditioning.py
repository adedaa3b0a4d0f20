"""Motion features as FiLM sees them: at about unit scale, dimensions that a motion space lacks at zero."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqcodec.geometry.layout import LANDMARK_DIMS, LEARNED_OUTPUTS, Layout

FILM = 96


# landmark coefficients are coded in units; these many units bring motion and portrait features to about unit scale
MOTION_SPREAD_UNITS = 20.0


STATE_SPREAD_UNITS = 40.0


def conditioning_inputs(
    state: NDArray[np.float32],
    features: NDArray[np.float32],
    units: NDArray[np.float32],
    layout: Layout,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What FiLM sees: (N, 48) motion and (N, 48) portrait features, 36 landmark and 12 learned, at about unit scale.

    Args:
        state: (D,) the portrait's features.
        features: (N, D) the frames' features.
        units: (D,) quantizer units of the motion space.
        layout: the motion space's; learned dimensions it lacks are zero.
    """
    places = LANDMARK_DIMS + np.array(layout.learned, np.int64)
    both = []
    for values, spread in (
        (features - state, MOTION_SPREAD_UNITS),
        (state[None], STATE_SPREAD_UNITS),
    ):
        row = np.zeros((len(values), LANDMARK_DIMS + LEARNED_OUTPUTS), np.float32)
        row[:, :LANDMARK_DIMS] = values[:, :LANDMARK_DIMS] / (units[:LANDMARK_DIMS] * spread)
        row[:, places] = values[:, layout.learned_span]
        both.append(row)
    return both[0], np.repeat(both[1], len(features), 0)
