"""A random view of a stretch: what landmarks, controls and surroundings would be through it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vqcodec.format import FEATURE_SIZE_PX
from vqcodec.geometry.controls import Controls
from vqcodec.training.generator.clips import Floats, mirrored
from vqcodec.training.picture.views import seen_through


@dataclass(frozen=True, slots=True)
class View:
    """A random similarity of the square, applied to what was measured in it."""

    scale: float
    angle: float
    shift: Floats
    mirror: bool

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> View:
        """Within what crops of real pictures look like."""
        return cls(
            float(np.exp(rng.uniform(-0.18, 0.15))),
            float(rng.uniform(-0.1, 0.1)),
            rng.uniform(-0.06, 0.06, 2).astype(np.float32),
            bool(rng.random() < 0.5),
        )

    def points(self, landmarks: Floats, swap: NDArray[np.int64]) -> Floats:
        """(..., 478, 2) in 0..1; `swap` as in `mirrored`."""
        if self.mirror:
            landmarks = mirrored(landmarks, swap)
        cosine, sine = np.cos(self.angle) * self.scale, np.sin(self.angle) * self.scale
        turn = np.array([[cosine, sine], [-sine, cosine]], np.float32)
        return np.asarray((landmarks - 0.5) @ turn + 0.5 + self.shift, np.float32)

    def controls(self, given: Controls) -> Controls:
        """What `read_controls` would find in `points`; `given` are the mirrored clip's if the view is mirrored."""
        pose = given.pose.copy()
        cosine, sine = np.cos(self.angle) * self.scale, np.sin(self.angle) * self.scale
        pose[:, 2] += self.angle
        pose[:, 3:5] = (
            (pose[:, 3:5] - 0.5) @ np.array([[cosine, sine], [-sine, cosine]], np.float32)
            + 0.5
            + self.shift
        )
        pose[:, 5] += np.log(self.scale)
        return Controls(pose, given.gaze, given.blink)

    def rest(self, numbers: Floats) -> Floats:
        """(T, 12) surroundings (turned only about themselves, not by the view's small angle) and learned numbers."""
        view = np.array(
            [
                [self.scale, 0, 0.5 - 0.5 * self.scale + self.shift[0]],
                [0, self.scale, 0.5 - 0.5 * self.scale + self.shift[1]],
            ]
        )
        view[:, 2] *= FEATURE_SIZE_PX
        around = seen_through(
            numbers[:, :8], view, self.mirror, int(FEATURE_SIZE_PX), int(FEATURE_SIZE_PX)
        )
        return np.concatenate([around.astype(np.float32), numbers[:, 8:]], 1)
