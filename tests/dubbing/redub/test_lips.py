"""New lips in recorded landmarks: they open as told, shut as recorded, in the recorded head's pose; the rest stays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tests.support.dub import head_template
from tests.support.geometry import shipped_head
from vqcodec.dubbing.redub.lips import MOST_GAIN, NewLips, opening_gain
from vqcodec.geometry.controls import moved_head, read_controls
from vqcodec.geometry.headpose import fitted_poses
from vqcodec.geometry.mesh import EYES, LIPS, LIPS_INNER, MOUTH_CORNERS, SKULL
from vqcodec.geometry.openings import SHUT_LIPS, lip_gap_per_eye_distance

Floats = NDArray[np.float32]
FRAMES = 100
AT = np.arange(FRAMES)
TIMES_S = AT / 25
AWAKE = np.zeros(FRAMES, np.float32)


def straight() -> Floats:
    return (head_template() * np.array([1.25, 1]) * 0.5 + 0.5).astype(np.float32)


def speaking(openings: NDArray[np.float64], yaw: float = 0.0) -> Floats:
    """A head whose lower lip goes down by so many eye distances."""
    faces = np.repeat(straight()[None], len(openings), 0)
    eyes = float(np.linalg.norm(faces[0, 33] - faces[0, 263]))
    lower = list(LIPS_INNER[1:10])
    faces[:, lower, 1] += (openings * eyes)[:, None].astype(np.float32)
    if not yaw:
        return faces
    shape = shipped_head()
    own = read_controls(straight()[None], shape)
    poses = own.pose + np.array([[0, yaw, 0, 0.05, 0, 0.1]], np.float32)
    return np.concatenate([moved_head(face, own.pose[0], poses, shape) for face in faces])


def gaps(points: Floats) -> NDArray[np.float64]:
    return lip_gap_per_eye_distance(points).astype(np.float64)


OLD = 0.1 + 0.1 * np.sin(AT / 4)
NEW = 0.1 + 0.1 * np.cos(AT / 2.7)


def test_lips_open_as_told_and_the_upper_face_stays() -> None:
    recorded, made = speaking(OLD, yaw=0.3), speaking(NEW)
    moved = NewLips(shipped_head())(recorded, made, TIMES_S, AWAKE)
    assert np.corrcoef(gaps(moved), NEW)[0, 1] > 0.99
    assert abs(gaps(moved).std() / gaps(recorded).std() - 1) < 0.1
    assert abs(gaps(moved).min() - gaps(recorded).min()) < 0.02
    upper = [*SKULL[:4], *EYES]
    assert np.array_equal(moved[:, upper], recorded[:, upper])
    poses = [fitted_poses(points, shipped_head()) for points in (moved, recorded)]
    assert np.allclose(*poses, atol=0.02)


def test_its_own_motion_changes_nothing() -> None:
    recorded = speaking(OLD)
    moved = NewLips(shipped_head())(recorded, recorded, TIMES_S, AWAKE)
    assert np.abs(moved - recorded)[:, list(LIPS)].max() < 0.004


def test_lips_that_rest_are_shut_and_none_cross() -> None:
    rest = np.where(AT > 50, np.float32(1), np.float32(0))
    made = speaking(np.where(AT % 20 < 10, 0.3, -0.1))
    moved = NewLips(shipped_head())(speaking(OLD), made, TIMES_S, rest)
    assert gaps(moved)[51:].max() < SHUT_LIPS + 0.005
    assert (moved[:, 14, 1] - moved[:, 13, 1]).min() > -1e-5


def test_a_smile_stays_a_smile() -> None:
    recorded = speaking(OLD)
    smiling = AT >= 50
    recorded[np.ix_(smiling, [MOUTH_CORNERS[0]], [0])] -= 0.03
    recorded[np.ix_(smiling, [MOUTH_CORNERS[1]], [0])] += 0.03
    moved = NewLips(shipped_head())(recorded, speaking(NEW), TIMES_S * 3, AWAKE)
    width = moved[:, MOUTH_CORNERS[1], 0] - moved[:, MOUTH_CORNERS[0], 0]
    assert width[80:].mean() > width[:20].mean() + 0.04


def test_gains_have_limits() -> None:
    assert opening_gain(0.001 * OLD, NEW) == 1  # who doesn't speak says nothing
    assert opening_gain(OLD, 0.01 * NEW) == MOST_GAIN
