"""Pose, gaze and blink: read from landmarks, put into landmarks, moved from one person to another."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.support.geometry import shipped_head
from vqcodec.format import LANDMARKS
from vqcodec.geometry.controls import Controls, HeadShape, moved_head, read_controls, transferred
from vqcodec.geometry.headpose import angles, normalized, rotations
from vqcodec.models import store

SHAPE = shipped_head()
PLAIN = np.array([0, 0, 0, 0.5, 0.45, math.log(0.2)], np.float32)

angle = st.floats(-0.7, 0.7)
pose = st.tuples(
    angle, angle, angle, st.floats(0.2, 0.8), st.floats(0.2, 0.8), st.floats(-2.5, -1.0)
).map(lambda p: np.array(p, np.float32))


def seen(poses: np.ndarray, points: np.ndarray = SHAPE.points) -> np.ndarray:
    """The mean head under poses (T, 6)."""
    flat = points @ rotations(poses[:, :3])[:, :2].swapaxes(-1, -2)
    return (np.exp(poses[:, None, 5:].astype(np.float64)) * flat + poses[:, None, 3:5]).astype(
        np.float32
    )


def one(pose: np.ndarray = PLAIN, gaze: tuple[float, float] = (0, 0), blink: float = 0) -> Controls:
    return Controls(pose[None], np.array([gaze], np.float32), np.array([blink], np.float32))


def eyes_changed(down: float, opening: float) -> np.ndarray:
    """The mean head's points with lids at a share of their opening and irises moved down by head units."""
    points = SHAPE.points.copy()
    for upper, lower in ((160, 144), (159, 145), (158, 153), (387, 373), (386, 374), (385, 380)):
        middle, half = (
            (points[upper, :2] + points[lower, :2]) / 2,
            (points[lower, :2] - points[upper, :2]) / 2,
        )
        points[upper, :2], points[lower, :2] = middle - opening * half, middle + opening * half
    points[468:, 1] += down
    return points


def test_the_mean_head_is_a_head() -> None:
    points = SHAPE.points
    assert store.current("head").id.name == "head-1"
    np.testing.assert_allclose(normalized(points.astype(np.float64)), points, atol=1e-4)
    assert points[4, 2] < points[10, 2] < points[234, 2], (
        "the nose is nearer than the forehead, the ears are behind"
    )
    assert points[10, 1] < points[468, 1] < points[4, 1] < points[13, 1] < points[152, 1]
    assert points[33, 0] < points[133, 0] < points[362, 0] < points[263, 0]
    mirrored = points[[234, 454]]
    assert mirrored[0, 2] == pytest.approx(mirrored[1, 2], abs=0.02)


@given(pose)
@settings(max_examples=60, deadline=None)
def test_a_pose_put_on_the_mean_head_is_read_again(wanted: np.ndarray) -> None:
    read = read_controls(seen(wanted[None]), SHAPE)
    np.testing.assert_allclose(read.pose[0], wanted, atol=2e-3)
    assert read.pose.dtype == read.gaze.dtype == read.blink.dtype == np.float32


@given(st.tuples(angle, angle, angle))
@settings(deadline=None)
def test_angles_undo_rotations(turn: tuple[float, float, float]) -> None:
    np.testing.assert_allclose(angles(rotations(np.array(turn))), turn, atol=1e-9)


@pytest.mark.parametrize(
    ("axis", "landmark", "moves"), [(0, 4, (0, 1)), (1, 4, (1, 0)), (2, 263, (0, 1))]
)
def test_signs_are_nod_down_turn_right_tilt_clockwise(
    axis: int, landmark: int, moves: tuple[int, int]
) -> None:
    turned = PLAIN.copy()
    turned[axis] = 0.2
    move = (seen(turned[None]) - seen(PLAIN[None]))[0, landmark]
    assert np.abs(move @ np.array(moves)) > 0.02
    assert move @ np.array(moves) > 0
    assert read_controls(seen(turned[None]), SHAPE).pose[0, axis] == pytest.approx(0.2, abs=1e-3)


@given(pose, pose)
@settings(max_examples=40, deadline=None)
def test_a_moved_head_has_the_pose_it_was_moved_to_and_stays_where_it_need_not_move(
    a: np.ndarray, b: np.ndarray
) -> None:
    landmarks = seen(a[None])[0]
    moved = moved_head(landmarks, a, np.stack([a, b]), SHAPE)
    assert moved.dtype == np.float32
    np.testing.assert_array_equal(moved[0], landmarks)
    np.testing.assert_allclose(moved[1], seen(b[None])[0], atol=1e-5)


def test_a_moved_head_keeps_what_is_the_portraits_own() -> None:
    own = seen(PLAIN[None])[0] + np.random.default_rng(0).normal(0, 0.004, (LANDMARKS, 2)).astype(
        np.float32
    )
    start = read_controls(own[None], SHAPE).pose[0]
    path = start + np.linspace(0, 0.2, 20, dtype=np.float32)[:, None] * np.array(
        [0.5, 1, 0.3, 0, 0, 0], np.float32
    )
    there = moved_head(own, start, path, SHAPE)
    back = moved_head(there[-1], path[-1], path[::-1], SHAPE)[-1]
    np.testing.assert_allclose(back, own, atol=2e-3)
    assert np.abs(np.diff(there, axis=0)).max() < 0.01, "small turns move a face a little"


def test_blink_and_gaze_do_not_depend_on_how_the_head_is_turned() -> None:
    turns = np.repeat(PLAIN[None], 7, 0)
    turns[1:, :3] = np.array(
        [[0.3, 0, 0], [-0.3, 0, 0], [0, 0.4, 0], [0, -0.4, 0], [0, 0, 0.5], [0.2, 0.3, -0.4]]
    )
    for opening, down in ((1.0, 0.0), (0.5, 0.03), (0.0, -0.03)):
        read = read_controls(seen(turns, eyes_changed(down, opening)), SHAPE)
        assert np.ptp(read.blink) < 0.1
        assert np.abs(np.ptp(read.gaze, axis=0)).max() < 0.01
    looks = [
        read_controls(seen(PLAIN[None], eyes_changed(d, 1.0)), SHAPE).gaze[0, 1]
        for d in (-0.05, 0, 0.05)
    ]
    assert looks[0] < looks[1] < looks[2] and abs(looks[1]) < 0.03
    lids = [
        float(read_controls(seen(PLAIN[None], eyes_changed(0, o)), SHAPE).blink[0])
        for o in (1, 0.7, 0.4, 0)
    ]
    assert lids[0] == 0 and lids[-1] == 1 and lids == sorted(lids)


def test_frames_are_read_alone_and_frames_without_a_face_are_nan() -> None:
    rng = np.random.default_rng(1)
    poses = PLAIN + rng.normal(0, 0.1, (9, 6)).astype(np.float32)
    landmarks = seen(poses) + rng.normal(0, 0.003, (9, LANDMARKS, 2)).astype(np.float32)
    landmarks[4] = np.nan
    whole = read_controls(landmarks, SHAPE)
    parts = Controls.concatenate([read_controls(landmarks[i : i + 1], SHAPE) for i in range(9)])
    np.testing.assert_allclose(parts.pose, whole.pose, atol=1e-6)
    np.testing.assert_allclose(parts.gaze, whole.gaze, atol=1e-6)
    assert (
        np.isnan(whole.pose[4]).all() and np.isnan(whole.gaze[4]).all() and np.isnan(whole.blink[4])
    )
    filled = whole.filled()
    np.testing.assert_allclose(filled.pose[4], (whole.pose[3] + whole.pose[5]) / 2, atol=1e-6)
    np.testing.assert_array_equal(whole[:4].filled().pose, whole[:4].pose)
    with pytest.raises(ValueError, match="no frame has a face"):
        whole[4:5].filled()
    assert len(read_controls(landmarks[:0], SHAPE)) == 0 == len(Controls.concatenate([]))


@given(arrays(np.float32, (2, LANDMARKS, 2), elements=st.floats(-5, 5, width=32)))
@settings(max_examples=20, deadline=None)
def test_no_landmarks_give_anything_but_finite_numbers_in_range(landmarks: np.ndarray) -> None:
    read = read_controls(landmarks, SHAPE)
    assert np.isfinite(read.pose).all() and np.isfinite(read.gaze).all()
    assert ((read.blink >= 0) & (read.blink <= 1)).all() and (np.abs(read.gaze) <= 0.5).all()


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        Controls(
            np.zeros((2, 6), np.float32), np.zeros((2, 2), np.float32), np.zeros(3, np.float32)
        )
    with pytest.raises(ValueError, match="moved_head takes"):
        moved_head(np.zeros((5, 2), np.float32), PLAIN, PLAIN[None], SHAPE)
    with pytest.raises(ValueError, match="478"):
        HeadShape(np.zeros((3, 3), np.float32))
    with pytest.raises(ValueError, match="one frame"):
        transferred(one(), one()[:0], one())


def a_driver() -> Controls:
    rng = np.random.default_rng(2)
    return Controls(
        PLAIN + rng.normal(0, 0.1, (30, 6)).astype(np.float32),
        rng.normal(0, 0.05, (30, 2)).astype(np.float32),
        rng.uniform(0, 1, 30).astype(np.float32),
    )


def test_motion_transferred_to_the_same_portrait_is_the_drivers() -> None:
    driver, portrait = a_driver(), one(PLAIN + np.float32(0.1), (0.02, -0.01), 0.1)
    moved = transferred(driver, portrait, portrait)
    for name in ("pose", "gaze", "blink"):
        np.testing.assert_allclose(getattr(moved, name), getattr(driver, name), atol=1e-5)


def test_a_driver_at_rest_leaves_the_other_portrait_as_it_is() -> None:
    own = one(PLAIN + np.float32(0.1), (0.02, -0.01), 0.1)
    other = one(np.array([-0.1, 0.3, 0.05, 0.4, 0.5, -1.9], np.float32), (0.01, 0.03), 0.3)
    moved = transferred(own, own, other)
    np.testing.assert_allclose(moved.pose, other.pose, atol=1e-5)
    np.testing.assert_allclose(moved.gaze, other.gaze, atol=1e-6)
    assert moved.blink[0] == pytest.approx(0.28, abs=1e-5), "open as the other's eyes are"


def test_paths_are_as_long_as_the_head_is_large_and_a_nod_stays_a_nod() -> None:
    nod = PLAIN.copy()
    nod[0], nod[3], nod[5] = 0.2, 0.54, math.log(0.22)
    aside = np.array([0, 0.4, 0, 0.5, 0.5, math.log(0.1)], np.float32)
    moved = transferred(one(nod, blink=1.0), one(), one(aside, blink=0.3))
    assert moved.pose[0, 3] == pytest.approx(0.52, abs=1e-5)
    assert math.exp(moved.pose[0, 5]) == pytest.approx(0.11, abs=1e-5)
    np.testing.assert_allclose(moved.pose[0, :3], [0.2, 0.4, 0], atol=1e-5)
    assert moved.blink[0] == 1, "shut is shut for everyone"


def test_portraits_with_shut_eyes_open_them() -> None:
    driver = one(PLAIN, (0.05, 0), 0.0)
    moved = transferred(driver, one(), one(PLAIN, (0.3, 0.2), 0.95))
    assert moved.blink[0] == 0
    np.testing.assert_allclose(moved.gaze[0], [0.05, 0], atol=1e-6)
