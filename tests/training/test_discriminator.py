"""The discriminator: it learns to tell soft from sharp, and what it tells the renderer is the way to sharper pictures."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from vqcodec.training.picture.discriminator import FEATURE_CHANNELS, Discriminator, Opponent
from vqcodec.training.picture.losses import FEATURE_LEVELS, PerceptualLoss


@pytest.fixture(scope="module")
def perceptual() -> PerceptualLoss:
    return PerceptualLoss()


def pictures(seed: int, soft: bool) -> Tensor:
    """(4, 3, 64, 64) noise of two scales, or the same without its fine part."""
    generator = torch.Generator().manual_seed(seed)
    coarse = F.interpolate(torch.rand(4, 3, 8, 8, generator=generator), size=64, mode="bilinear")
    fine = 0.25 * torch.randn(4, 3, 64, 64, generator=generator)
    return (coarse + (0 if soft else fine)).clamp(0, 1)


def test_channels_are_those_of_the_feature_network(perceptual: PerceptualLoss) -> None:
    shapes = [x.shape[1] for x in perceptual.features(pictures(0, False))]
    assert shapes == list(FEATURE_CHANNELS) and len(shapes) == len(FEATURE_LEVELS)


def test_it_learns_and_its_gradient_asks_for_detail(
    perceptual: PerceptualLoss, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    opponent = Opponent(torch.device("cpu"))
    with torch.no_grad():
        batches = [
            [perceptual.features(pictures(s, soft)) for soft in (True, False)] for s in range(4)
        ]
    errors = [opponent.learn(*batches[i % 4], enlarged=i % 2 == 0) for i in range(80)]
    assert errors[0] > 1.7 and errors[-1] < 0.6
    made = pictures(9, soft=True).requires_grad_(True)
    with torch.no_grad():
        real = perceptual.features(pictures(9, soft=False))
    seen, apart = opponent.net.fooled(perceptual.features(made), real, enlarged=True)
    gradient = torch.autograd.grad(seen, made)[0]
    better = (made - 0.5 * gradient / gradient.abs().mean() / 255).detach()
    after, _ = opponent.net.fooled(perceptual.features(better), real, enlarged=True)
    assert after < seen and apart > 0
    opponent.save(tmp_path / "d.safetensors")
    other = Opponent(torch.device("cpu"))
    other.load(tmp_path / "d.safetensors")
    assert torch.allclose(
        other.net.error(*batches[0], enlarged=False),
        opponent.net.error(*batches[0], enlarged=False),
    )


def test_the_renderers_step_leaves_the_discriminator_alone(perceptual: PerceptualLoss) -> None:
    net = Discriminator()
    made = perceptual.features(pictures(1, True).requires_grad_(True))
    real = [x.detach() for x in perceptual.features(pictures(1, False))]
    before = [p.detach().clone() for p in net.parameters()]
    seen, _ = net.fooled(made, real, enlarged=False)
    seen.backward()
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))
    assert Opponent(torch.device("cpu")).learn([x.detach() for x in made], real, False) > 0
