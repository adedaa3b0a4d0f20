"""Head, gaze and blinks by name, for pictures and recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.dub import head_template
from tests.support.geometry import shipped_head
from vqcodec.config import DubOptions
from vqcodec.dubbing.manner import Manner, every_other, own_seed
from vqcodec.dubbing.redub.gaze import turned_to_camera
from vqcodec.errors import UsageError
from vqcodec.geometry.controls import Controls, moved_head, read_controls

FRAMES = 100
AT = np.arange(FRAMES)


def controls(way: float) -> Controls:
    """A head that turns by so much and looks ahead, and blinks at 20, 50 and 80."""
    pose = np.zeros((FRAMES, 6), np.float32)
    pose[:, 1] = way * np.sin(AT / 7)
    blink = np.isin(AT % 30, (20, 21)).astype(np.float32)
    return Controls(pose, np.full((FRAMES, 2), way, np.float32), blink)


OWN = Controls(np.zeros((1, 6), np.float32), np.zeros((1, 2), np.float32), np.zeros(1, np.float32))
POSES = Path("talk.mp4")


def moved(**named: object) -> Controls:
    return Manner.of(DubOptions(**named)).controls(OWN, controls(0.1), controls(0.2))  # type: ignore[arg-type]


def test_what_is_taken_where_nothing_is_said() -> None:
    assert np.allclose(moved().pose, controls(0.1).pose)
    recorded = moved(poses=POSES)
    assert np.allclose(recorded.pose, controls(0.2).pose)
    assert np.allclose(recorded.gaze, 0.2)
    assert not Manner.of(DubOptions(poses=POSES)).makes_up


def test_heads_and_blinks() -> None:
    assert not moved(head="still").pose.any()
    assert np.allclose(moved(head="low").pose, 0.4 * controls(0.1).pose)
    assert np.allclose(moved(head="natural", poses=POSES).pose, controls(0.1).pose)
    assert moved(blink="low").blink.nonzero()[0].tolist() == [20, 21, 80, 81]
    for still in ("still", False):
        assert not moved(blink=still).blink.any()
    assert moved(blink=True).blink.sum() == 6


def test_eyes_on_the_camera_go_against_the_head() -> None:
    gaze = moved(gaze="camera").gaze
    assert np.corrcoef(gaze[:, 0], controls(0.1).pose[:, 1])[0, 1] < -0.999
    assert not moved(gaze="camera", head="still").gaze.any()


def test_what_was_not_recorded() -> None:
    for name in ("head", "gaze", "blink"):
        with pytest.raises(UsageError, match=f"--{name} recorded"):
            moved(**{name: "recorded"})
        with pytest.raises(UsageError, match=f"unknown {name}"):
            DubOptions(**{name: "wild"})  # type: ignore[arg-type]


def test_every_other_of_none() -> None:
    assert not every_other(np.zeros(5, np.float32)).any()


def test_seeds() -> None:
    picture, tokens = np.zeros((2, 2, 3), np.uint8), np.arange(3)
    seeds = {
        own_seed(0, picture, tokens),
        own_seed(1, picture, tokens),
        own_seed(0, picture + 1, tokens),
        own_seed(0, picture, tokens + 1),
    }
    assert len(seeds) == 4 and all(0 <= seed < 2**63 for seed in seeds)


def test_recorded_eyes_turn_to_the_camera() -> None:
    shape = shipped_head()
    straight = np.array([0, 0, 0, 0.5, 0.5, np.log(0.2)], np.float32)
    poses = np.repeat(straight[None], 3, 0)
    poses[:, 1] = (-0.3, 0, 0.3)
    points = head_template() * np.array([1.25, 1]) * 0.5 + 0.5
    own = read_controls(points[None].astype(np.float32), shape)
    faces = moved_head(points.astype(np.float32), own.pose[0], poses, shape)
    before = read_controls(faces, shape)
    turned = turned_to_camera(faces, before, shape)
    after = read_controls(turned, shape)
    assert after.gaze[0, 0] > before.gaze[0, 0] + 0.05  # turned left, eyes go right
    assert after.gaze[2, 0] < before.gaze[2, 0] - 0.05
    still = np.delete(np.arange(478), range(468, 478))
    assert np.array_equal(turned[:, still], faces[:, still])
