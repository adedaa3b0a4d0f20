"""Two portraits in one picture: one alone changes nothing, the nearer one is shown untrained, order doesn't matter."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.support.training import draw_face, moving_landmarks, shipped_basis
from vqcodec.errors import UsageError
from vqcodec.geometry.layout import LANDMARK_DIMS
from vqcodec.render import fusion as fusion_module
from vqcodec.render.fusion import Fusion, at_size, mixed, mixed_pictures
from vqcodec.render.network import RendererNet
from vqcodec.render.portrait import PortraitState
from vqcodec.render.renderer import Renderer
from vqcodec.render.weights import take_weights


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer.load(device="cpu", precision=torch.float32)


@pytest.fixture(scope="module")
def states(renderer: Renderer) -> tuple[PortraitState, PortraitState, np.ndarray]:
    """Two portraits of a drawn face, far apart in pose, and the features of all poses of it; the second is the last."""
    points = moving_landmarks(6, 1)
    points[-1] = (points[-1] - 0.5) * 0.8 + 0.55
    features = np.zeros((6, renderer.layout.dims), np.float32)
    features[:, :LANDMARK_DIMS] = shipped_basis().project(points)
    first, second = (renderer.prepare(draw_face(points[i], 1, 512), features[i]) for i in (0, -1))
    return first, second, features


def test_a_nearer_portrait_shows_most_before_training() -> None:
    fusion, still = Fusion(4), torch.zeros(2, 2, 8, 8)
    seen, target = torch.rand(2, 4, 8, 8), torch.rand(2, 478, 2)
    near, far = (fusion.score(seen, still, target + shift, target) for shift in (0.001, 0.1))
    shares = fusion.shares(near, far)
    assert shares.warped.shape == shares.still.shape == (2, 1, 8, 8)
    assert shares.warped.min() > 0.95 and fusion.shares(far, near).still.max() < 0.05


def test_what_must_bend_less_is_shown_before_training() -> None:
    fusion, points, seen = Fusion(4), torch.rand(1, 478, 2), torch.rand(1, 4, 8, 8)
    opened = torch.zeros(1, 2, 8, 8)
    opened[:, 1, 5:] = 0.05
    first, second = (fusion.score(seen, bent, points, points) for bent in (opened, 0 * opened))
    shares = fusion.shares(first, second)
    assert shares.warped[..., 5:, :].max() < 0.01 and (shares.warped[..., :5, :] == 0.5).all()
    assert (shares.still == 0.5).all()


def test_equal_portraits_share_evenly_and_confidence_decides_by_place() -> None:
    fusion, points, bent = Fusion(4), torch.rand(1, 478, 2), torch.zeros(1, 2, 8, 8)
    seen = torch.rand(1, 4, 8, 8)
    score = fusion.score(seen, bent, points, points)
    assert torch.equal(fusion.shares(score, score).warped, torch.full((1, 1, 8, 8), 0.5))
    with torch.no_grad():
        fusion.confidence.weight[0, 0, 1, 1] = 40.0
    bright = seen.clone()
    bright[..., :4] += 1
    shares = fusion.shares(
        fusion.score(bright, bent, points, points), fusion.score(seen, bent, points, points)
    )
    assert shares.warped[..., :4].min() > 0.99
    assert torch.allclose(shares.warped[..., 4:], torch.tensor(0.5))
    assert torch.equal(shares.still, torch.full((1, 1, 8, 8), 0.5)), "what stands still apart"


@pytest.mark.parametrize("size", [4, 8, 32])
def test_a_share_keeps_its_value_at_every_size(size: int) -> None:
    assert torch.allclose(
        at_size(torch.full((1, 1, 8, 8), 0.3), size), torch.full((1, 1, size, size), 0.3)
    )


def test_pictures_are_mixed_alike_with_and_without_gradients() -> None:
    torch.manual_seed(1)
    first, second = (torch.rand(count, 64, 64, 3).permute(0, 3, 1, 2) for count in (2, 1))
    share = torch.rand(2, 1, 16, 16)
    assert torch.allclose(
        mixed_pictures(first, second, share),
        mixed(first, second.expand(2, -1, -1, -1), share),
        atol=1e-4,
    )
    assert torch.allclose(
        mixed_pictures(second, second, share), second.expand(2, -1, -1, -1), atol=1e-4
    )


@pytest.mark.parametrize("size_px", [256, 512])
def test_one_portrait_renders_as_it_does_alone(
    renderer: Renderer, states: tuple[PortraitState, PortraitState, np.ndarray], size_px: int
) -> None:
    first, _, features = states
    assert np.array_equal(
        renderer.render([first], features, size_px), renderer.render(first, features, size_px)
    )


@pytest.mark.parametrize("size_px", [256, 512])
def test_a_portrait_beside_a_far_one_renders_as_it_does_alone(
    renderer: Renderer,
    states: tuple[PortraitState, PortraitState, np.ndarray],
    size_px: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # whatever the weights have learned, the distance decides when it is let
    first, second, features = states
    monkeypatch.setattr(fusion_module, "LIMIT", 1e4)
    before = renderer.net.fusion.log_nearness.clone()
    renderer.net.fusion.log_nearness.fill_(9.0)
    try:
        for near, pose in ((first, features[:1]), (second, features[-1:])):
            alone = renderer.render(near, pose, size_px).astype(int)
            for pair in ((first, second), (second, first)):
                assert np.abs(renderer.render(pair, pose, size_px) - alone).max() <= 2
    finally:
        renderer.net.fusion.log_nearness.copy_(before)


def test_the_order_of_two_portraits_does_not_matter(
    renderer: Renderer, states: tuple[PortraitState, PortraitState, np.ndarray]
) -> None:
    first, second, features = states
    between = (features[:1] + features[-1:]) / 2
    one, other = (
        renderer.render(pair, between, 256).astype(int)
        for pair in ((first, second), (second, first))
    )
    assert np.abs(one - other).max() <= 2
    assert all(
        np.abs(one - renderer.render(state, between, 256)).max() > 2 for state in (first, second)
    ), "both count"


def test_no_portrait_and_three_are_refused(
    renderer: Renderer, states: tuple[PortraitState, PortraitState, np.ndarray]
) -> None:
    first, second, features = states
    for wrong in ((), (first, second, first)):
        with pytest.raises(UsageError, match="portraits"):
            renderer.render(wrong, features)


def test_weights_from_before_fusion_leave_it_as_it_starts() -> None:
    net = RendererNet()
    old = {
        name: value
        for name, value in RendererNet().state_dict().items()
        if not name.startswith("fusion.")
    }
    fusion = {name: value.clone() for name, value in net.fusion.state_dict().items()}
    take_weights(net, old)
    assert all(torch.equal(value, fusion[name]) for name, value in net.fusion.state_dict().items())
    with pytest.raises(RuntimeError):
        take_weights(net, {**old, "other": torch.zeros(1)})


def test_confidence_gets_a_gradient_from_the_picture() -> None:
    fusion, points = Fusion(4), torch.rand(1, 478, 2)
    scores = [
        fusion.score(torch.rand(1, 4, 8, 8), torch.zeros(1, 2, 8, 8), points, points)
        for _ in range(2)
    ]
    shown = mixed(torch.ones(1, 3, 8, 8), torch.zeros(1, 3, 8, 8), fusion.shares(*scores).warped)
    shown.mean().backward()
    gradient = fusion.confidence.weight.grad
    assert gradient is not None and gradient[0].abs().sum() > 0 and not gradient[1].any()
