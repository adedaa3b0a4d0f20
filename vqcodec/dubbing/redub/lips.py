r"""New lips and jaw in a recorded face: what a voice does to a mouth, laid onto the recording's own mouth and head.

    recorded landmarks --\                      / closed state, near in time \
                          --> upright, of size 1                              --> mouth --> turned back --> landmarks
    generated landmarks -/                      \ generated less its closed   /

Both faces are looked at from straight ahead, so that a turned head is no difference. The recording tells how the mouth is when
it is shut, there and then: a smile stays a smile. The generator tells how far it is from shut. How far this person opens the
mouth is the recording's, too: the generated motion is enlarged or lessened until it spreads as the recorded one does.
From the nose up nothing moves.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqcodec.geometry.headpose import HeadShape, facing, fitted_poses, rotations
from vqcodec.geometry.mesh import INNER_LIPS
from vqcodec.geometry.openings import lip_gap_per_eye_distance
from vqcodec.gesture.apertures import Lips
from vqcodec.gesture.emphasis import lower_face

NEAR_S = 2.5
"""How near in time a recorded shut mouth says most of how this one is."""
LEAST_GAIN, MOST_GAIN = 0.6, 1.5
_LEAST_SPREAD = 0.012
"""Of openings, in eye distances: a mouth that moves less doesn't speak, and says nothing of how far it opens."""
_CLOSED_PERCENT, _SOFT_SHARE, _FURTHEST = 4.0, 0.15, 30.0

Floats = NDArray[np.float32]
Array = NDArray[np.float64]


class NewLips:
    """Moves the lower face of recorded landmarks.

    Args:
        shape: the mean head.
    """

    def __init__(self, shape: HeadShape) -> None:
        self._shape, self._lips = shape, Lips(shape)
        self._share = lower_face(shape)
        self._places = np.flatnonzero(self._share[:, 0] > 0)

    def __call__(self, recorded: Floats, made: Floats, times_s: Array, closing: Floats) -> Floats:
        """The recorded faces with the made mouths.

        Args:
            recorded: (T, 478, 2) landmarks in 0..1 of the square.
            made: (T, 478, 2) of any square, whose lips speak.
            times_s: (T,) when they are shown.
            closing: (T,) how far lips are on their way to each other, at rest or for a sound, 0..1.

        Returns:
            (T, 478, 2) float32.
        """
        poses = fitted_poses(recorded, self._shape)
        real = self._upright(recorded, poses)
        told = self._upright(made, fitted_poses(made, self._shape))
        gaps = [lip_gap_per_eye_distance(points).astype(np.float64) for points in (recorded, made)]
        shut, closed = np.ones(len(real))[:, None] * closedness(gaps[0]), closedness(gaps[1])
        shut *= np.exp(-0.5 * ((times_s[:, None] - times_s) / NEAR_S) ** 2)
        mouth = np.tensordot(shut / shut.sum(1, keepdims=True), real, 1)
        mouth += opening_gain(*gaps) * (told - np.tensordot(closed / closed.sum(), told, 1))
        turn = rotations(poses[:, :3])[:, :2, :2] * np.exp(poses[:, 5])[:, None, None]
        way = np.einsum("tij,tnj->tni", turn, mouth - real) * self._share[self._places]
        out = recorded.copy()
        out[:, self._places] += way.astype(np.float32)
        return self._shut(out, closing)

    def _upright(self, points: Floats, poses: Floats) -> Array:
        """(T, n, 2) of the places that move, as seen from straight ahead, of a head of size 1."""
        return facing(points[:, self._places], poses, self._shape.points[self._places])

    def _shut(self, points: Floats, closing: Floats) -> Floats:
        """Lips that are told to are shut, and none cross."""
        opening = self._lips.opening(points)
        upper, lower = INNER_LIPS
        crossed = points[:, upper, 1] > points[:, lower, 1]
        most = self._lips.most(opening, closing)
        share = np.where(crossed, 1, np.clip(1 - most / np.maximum(opening, 1e-6), 0, 1))
        return np.asarray(points + share[:, None, None] * self._lips.closing(points), np.float32)


def closedness(gaps: Array) -> Array:
    """(T,) openings of a mouth -> (T,) how much each frame says of how it is shut, above 0."""
    soft = _SOFT_SHARE * float(gaps.std()) + 1e-3
    over = np.maximum(gaps - np.percentile(gaps, _CLOSED_PERCENT), 0) / soft
    return np.asarray(np.exp(-np.minimum(over, _FURTHEST)))


def opening_gain(real: Array, made: Array) -> float:
    """What generated openings (T,) are multiplied by to spread as recorded ones (T,) do, within limits."""
    spread = float(real.std())
    if spread < _LEAST_SPREAD:
        return 1.0
    return float(np.clip(spread / max(float(made.std()), 1e-6), LEAST_GAIN, MOST_GAIN))
