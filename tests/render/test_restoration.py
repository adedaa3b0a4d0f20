"""The network that restores coded portraits: it starts as nothing, keeps sizes, and a renderer without it is as it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.support.training import draw_face, moving_landmarks
from vqcodec.render.network import RendererNet
from vqcodec.render.renderer import Renderer
from vqcodec.render.restoration import Restoration
from vqcodec.render.weights import take_weights


def test_untrained_it_leaves_a_portrait_as_it_is() -> None:
    rgb = torch.rand(2, 3, 64, 96)
    assert torch.equal(Restoration()(rgb), rgb)


def test_a_correction_reaches_every_pixel_of_its_place_only() -> None:
    torch.manual_seed(0)
    net = Restoration()
    torch.nn.init.normal_(net.out.weight, std=0.1)
    rgb = torch.rand(1, 3, 256, 256)
    changed = rgb.clone()
    changed[..., :16, :16] = 0
    with torch.inference_mode():
        before, after = net(rgb), net(changed)
    assert before.shape == rgb.shape and not torch.allclose(before, rgb)
    moved = (after - before).abs().amax((0, 1))
    assert moved[:16, :16].min() > 0 and moved[-8:, -8:].max() < 1e-6


def test_weights_from_before_it_leave_portraits_alone() -> None:
    net = RendererNet()
    torch.nn.init.ones_(net.restoration.out.weight)
    old = {k: v for k, v in RendererNet().state_dict().items() if not k.startswith("restoration.")}
    fresh = RendererNet()
    take_weights(fresh, old)
    assert not fresh.restoration.out.weight.any()
    with pytest.raises(RuntimeError):
        take_weights(net, {k: v for k, v in old.items() if not k.startswith("head.")})


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    return draw_face(moving_landmarks(1, 1)[0], 1, 512)


def test_a_renderer_restores_what_it_is_given_once_per_portrait(portrait: np.ndarray) -> None:
    renderer = Renderer.load(device="cpu", precision=torch.float32)
    features = np.zeros(renderer.layout.dims, np.float32)
    restored = renderer.net.restoration(renderer._image(portrait)).clamp(0, 1)
    state = renderer.prepare(portrait, features)
    assert torch.allclose(state.large, restored, atol=1e-6)
    assert torch.allclose(state.small, torch.nn.functional.avg_pool2d(restored, 2), atol=1e-6)
