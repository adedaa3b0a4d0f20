"""What the renderer is trained to make small."""

from __future__ import annotations

import pytest
import torch

from tests.support.training import moving_landmarks
from vqcodec.geometry.mesh import OUTER_EYE_CORNERS
from vqcodec.render.likeness import importance
from vqcodec.training.picture.losses import (
    EYES_WINDOW,
    MOUTH_WINDOW,
    feature_window,
    landmark_flow_error,
    landmark_window,
    unsteadiness,
)


def test_landmark_flow_error_is_zero_for_the_right_flow() -> None:
    points = torch.from_numpy(moving_landmarks(2, 0)) * 2 - 1
    shift = torch.tensor([0.1, -0.05])
    flow = shift[None, :, None, None].expand(2, 2, 32, 32)
    assert landmark_flow_error(flow, points + shift, points) < 1e-6
    assert landmark_flow_error(torch.zeros(2, 2, 32, 32), points + shift, points) > 0.05


def test_feature_windows_show_the_same_place_of_every_picture_as_large_as_the_face_asks() -> None:
    torch.manual_seed(3)
    ramp = torch.linspace(-1, 1, 256)
    picture = torch.stack(
        [ramp.expand(256, 256), ramp[:, None].expand(256, 256), torch.zeros(256, 256)]
    )[None].repeat(2, 1, 1, 1)
    points = torch.zeros(2, 478, 2)
    points[:, list(MOUTH_WINDOW.points), 1] = 0.3
    points[:, OUTER_EYE_CORNERS[0], 0], points[:, OUTER_EYE_CORNERS[1], 0] = (
        torch.tensor([-0.2, -0.1]),
        torch.tensor([0.2, 0.1]),
    )
    first, second = landmark_window(
        picture, 1 - picture, landmarks=points, **MOUTH_WINDOW._asdict()
    )
    assert first.shape == (2, 3, *MOUTH_WINDOW.size)
    torch.testing.assert_close(first, 1 - second)
    span = first[:, 0, 0, -1] - first[:, 0, 0, 0]
    torch.testing.assert_close(
        span, MOUTH_WINDOW.span * torch.tensor([0.4, 0.2]), rtol=0.02, atol=0.0
    )
    assert torch.allclose(first[:, 1].mean((1, 2)), torch.tensor(0.3), atol=0.01)


def test_feature_windows_are_mouths_and_eyes() -> None:
    torch.manual_seed(0)
    points = torch.rand(2, 478, 2) - 0.5
    shapes = {
        tuple(feature_window(torch.rand(2, 3, 64, 64), landmarks=points)[0].shape[2:])
        for _ in range(20)
    }
    assert shapes == {MOUTH_WINDOW.size, EYES_WINDOW.size}


def test_an_error_that_moves_with_the_face_is_steady() -> None:
    torch.manual_seed(0)
    target, error = torch.rand(2, 3, 64, 64), torch.zeros(2, 3, 64, 64)
    error[0, :, 20:30, 20:30] = 0.3
    error[1, :, 20:30, 24:34] = 0.3
    flow = torch.zeros(1, 2, 16, 16)
    flow[:, 0] = -4 * 2 / 64  # the later picture's face lies 4 pixels to the right
    weight = torch.ones(2, 1, 64, 64)
    assert unsteadiness(target + error, target, flow, weight) < 1e-6
    assert unsteadiness(target + error, target, 0 * flow, weight) > 1e-3
    assert unsteadiness(target + error, target, 0 * flow, 0 * weight) == 0


def test_mouth_and_eyes_weigh_most() -> None:
    maps = torch.zeros(1, 8, 128, 128)
    maps[:, 0, 32:96, 32:96] = 1
    maps[:, 1, 80:84, 56:72] = 1
    weight = importance(maps, 256)[0, 0]
    assert weight.mean() == pytest.approx(1, abs=0.02)
    corner, cheek, mouth = weight[4, 4], weight[80, 80], weight[164, 128]
    assert corner < cheek < mouth
    assert mouth / corner == pytest.approx(10.5, rel=0.05)
