"""Motion stability and warping error on tracks and pictures whose values are known in closed form."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.evaluation import moving, noise, portrait
from vqcodec.errors import UsageError
from vqcodec.evaluation.metrics.stability import (
    MOUTH_CORNERS,
    ReferenceFlow,
    motion_stability,
    warp_error,
)
from vqcodec.geometry.mesh import LIPS


def face(mouth_px: float = 64.0) -> NDArray[np.float32]:
    points = np.random.default_rng(3).uniform(60, 200, (478, 2)).astype(np.float32)
    points[list(MOUTH_CORNERS)] = (100, 180), (100 + mouth_px, 180)
    return points


def track(offsets: NDArray[np.float64], mouth_px: float = 64.0) -> list[NDArray[np.float32] | None]:
    """The face moved as a whole by each of (T, 2) offsets."""
    return [(face(mouth_px) + o).astype(np.float32) for o in offsets]


def test_uniform_motion_is_perfectly_stable() -> None:
    straight = np.arange(30)[:, None] * np.array([1.5, -0.5])
    assert motion_stability(track(straight)) == pytest.approx(2, abs=1e-6)
    falling = np.arange(30)[:, None] ** 2 * np.array([0.25, 0.0])
    assert motion_stability(track(falling)) == pytest.approx(2, abs=1e-6)


@pytest.mark.parametrize("size", [0.25, 1.0])
def test_trembling_sideways(size: float) -> None:
    # p = (-1)^t s: the acceleration is +-4 s in turn, its variance over twelve of them 16 s^2; y stands still
    shaken = np.array([[size * (-1) ** t, 0] for t in range(32)])
    expected = (1 / (16 * size**2 + 0.5) + 2) / 2
    assert motion_stability(track(shaken)) == pytest.approx(expected, rel=1e-4)


def test_the_mouth_is_the_unit() -> None:
    shaken = np.array([[(-1.0) ** t, 0] for t in range(20)])
    assert motion_stability(track(shaken, 128)) == pytest.approx(
        motion_stability(track(shaken / 2, 64)), rel=1e-4
    )


def test_a_jolt_counts_in_the_windows_that_see_it() -> None:
    # one step of 1 at frame 21 of 32: accelerations 19 and 20 are +1 and -1; windows start at 0, 6, 12, 18
    step = np.array([[float(t >= 21), 0] for t in range(32)])
    seen = 1 / (2 / 12 + 0.5)
    assert motion_stability(track(step)) == pytest.approx(
        ((2 + 2 + seen + seen) / 4 + 2) / 2, rel=1e-4
    )


def test_only_the_chosen_landmarks_count() -> None:
    steady, shaken = track(np.zeros((20, 2))), track(np.zeros((20, 2)))
    for number, points in enumerate(shaken):
        assert points is not None
        points[[k for k in range(478) if k not in LIPS]] += (-1) ** number
    assert motion_stability(shaken) == motion_stability(steady) == 2
    assert motion_stability(shaken, [1, 5]) < 0.1


def test_windows_without_a_face_are_left_out() -> None:
    shaken = np.array([[(-1.0) ** t * (t < 12), 0] for t in range(40)])
    points = track(shaken)
    assert motion_stability(points) < 1.9
    points[5] = None
    assert motion_stability(points) > motion_stability(track(shaken))
    assert math.isnan(motion_stability([None] * 30)) and math.isnan(motion_stability([]))
    assert (
        math.isnan(motion_stability(track(np.zeros((13, 2)))))
        and motion_stability(track(np.zeros((14, 2)))) == 2
    )


def sliding(frames: int, step_px: int) -> NDArray[np.uint8]:
    """The portrait under a window that moves right by whole pixels."""
    large = cv2.GaussianBlur(portrait(320), (0, 0), 1.0)
    return np.stack(
        [large[32:288, 8 + n * step_px : 264 + n * step_px] for n in range(frames)]
    ).astype(np.uint8)


def test_flow_of_a_known_translation() -> None:
    flow = ReferenceFlow(sliding(3, 4))
    motion, holds = flow.at(2)
    middle = (slice(48, 208), slice(48, 208))
    assert np.median(motion[middle][..., 0]) == pytest.approx(4, abs=0.1)
    assert np.median(motion[middle][..., 1]) == pytest.approx(0, abs=0.1)
    assert holds[middle].mean() > 0.9
    assert not holds[:, -2:].any(), "what has just come into the picture has no past"
    assert flow.at(2)[1] is holds


def test_a_faithful_output_has_next_to_no_error() -> None:
    frames = sliding(4, 3)
    error = warp_error(ReferenceFlow(frames), [0, 1, 3], frames.__getitem__)
    assert math.isnan(error[0]) and (error[1:] < 1e-3).all()


def test_flicker_is_its_square() -> None:
    # nothing moves, the output's brightness jumps by 51/255 = 0.2
    still = np.repeat(portrait()[None] // 2, 3, 0)
    shown = still.copy()
    shown[1] += 51
    error = warp_error(ReferenceFlow(still), [1, 2], shown.__getitem__)
    assert error == pytest.approx([0.04, 0.04], rel=1e-4)
    assert warp_error(ReferenceFlow(still), [2], still.__getitem__)[0] == 0


def test_a_still_output_is_charged_for_the_motion_it_lacks() -> None:
    # a ramp of 2/255 per pixel, standing while the reference slides by 3: off by 6/255 wherever the flow is followed
    frames = sliding(2, 3)
    ramp = np.repeat(
        np.repeat(np.minimum(np.arange(256) * 2, 255)[None, :, None], 256, 0), 3, 2
    ).astype(np.uint8)
    flow = ReferenceFlow(frames)
    motion, holds = flow.at(1)
    holds &= np.arange(256) < 120
    expected = np.mean((2 / 255 * motion[..., 0][holds]) ** 2)
    assert warp_error(flow, [1], lambda n: ramp)[0] == pytest.approx(expected, rel=0.05)
    assert expected == pytest.approx((6 / 255) ** 2, rel=0.15)


def test_noise_is_worse_than_none() -> None:
    frames = moving(3)
    grain = noise(frames.shape).astype(int) // 8
    rough = np.clip(frames.astype(int) + grain - 16, 0, 255).astype(np.uint8)
    flow = ReferenceFlow(frames)
    clean = warp_error(flow, [1, 2], frames.__getitem__)
    assert (warp_error(flow, [1, 2], rough.__getitem__) > clean + 1e-3).all()


def test_frames_that_do_not_exist_are_refused() -> None:
    flow = ReferenceFlow(moving(2, 64))
    for number in (0, 2, -1):
        with pytest.raises(UsageError):
            flow.at(number)
    with pytest.raises(UsageError):
        ReferenceFlow(moving(2, 64)[0])
