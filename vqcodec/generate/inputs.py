"""What the generator's network is told besides the speech: the same in training and at run time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqcodec.format import REACH
from vqcodec.generate.network import REACH_UNITS
from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.geometry.controls import Controls, HeadShape, moved_head
from vqcodec.geometry.layout import LANDMARK_DIMS

Floats = NDArray[np.float32]


def network_inputs(
    portrait: Floats,
    start: Controls,
    controls: Controls,
    features: Floats,
    basis: LandmarkBasis,
    shape: HeadShape,
) -> tuple[Floats, Floats, Floats]:
    """What the network is told of the frames and the portrait.

    Args:
        portrait: (478, 2) landmarks.
        start: its controls, one frame.
        controls: T frames.
        features: (48,) f_s, as stored.
        basis: of the motion space.
        shape: the mean head.

    Returns:
        (T, 18), (T, 36) and (57,): `controls`, `turned`, `portrait` of GeneratorNetwork.
    """
    table, own = (np.concatenate([c.pose, c.gaze, c.blink[:, None]], 1) for c in (controls, start))
    moved = basis.project(
        moved_head(portrait, start.pose[0], controls.pose, shape)
    ) - basis.project(portrait[None])
    turned = np.clip(moved / basis.units[:LANDMARK_DIMS], -REACH, REACH)
    facts = np.concatenate([features / (basis.units * REACH_UNITS), own[0]])
    return (
        np.concatenate([table, table - own], 1).astype(np.float32),
        turned.astype(np.float32),
        facts.astype(np.float32),
    )
