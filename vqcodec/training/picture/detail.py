"""The 512 stage: only the 512 head learns, on windows of 256 px, over the frozen 256 renderer."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from vqcodec.render.flow import resize_flow, warp
from vqcodec.render.likeness import importance
from vqcodec.training.picture.losses import PerceptualLoss
from vqcodec.training.picture.model import PictureAutoencoder

WINDOW_PX = 256


def _window(x: Tensor, y0: int, x0: int, side: int) -> Tensor:
    return x[..., y0 : y0 + side, x0 : x0 + side]


def detail_losses(
    model: PictureAutoencoder, perceptual: PerceptualLoss, batch: dict[str, Tensor]
) -> dict[str, Tensor]:
    """Losses of the 512 head.

    Args:
        model: the whole; everything but `renderer.detail` runs without gradients.
        perceptual: EfficientNet-Lite0 distance.
        batch: tensors of a 512 px PairSampler.

    Returns:
        output (L1, weighted by region) and perceptual, unweighted.
    """
    large_s, large_t = batch["source"][0], batch["target"]
    count = len(large_t) // len(large_s)
    with torch.no_grad():
        small = {
            **batch,
            "source": F.avg_pool2d(large_s, 2)[None],
            "target": F.avg_pool2d(large_t, 2),
        }
        rendering, _ = model(small)
        still = large_s.repeat_interleave(count, 0)
        warped = warp(still, resize_flow(rendering.placed[0].flow128, large_t.shape[-1]))
    y0, x0 = (
        2 * int(torch.randint((large_t.shape[-1] - WINDOW_PX) // 2 + 1, ())) for _ in range(2)
    )
    output = model.renderer.detail(
        _window(rendering.layers, y0 // 2, x0 // 2, WINDOW_PX // 2),
        _window(rendering.features, y0 // 2, x0 // 2, WINDOW_PX // 2),
        _window(warped, y0, x0, WINDOW_PX),
        _window(still, y0, x0, WINDOW_PX),
    )
    target = _window(large_t, y0, x0, WINDOW_PX)
    weight = _window(importance(batch["maps_t"], large_t.shape[-1]), y0, x0, WINDOW_PX)
    return dict(
        output=((output - target).abs() * weight).mean(),
        perceptual=perceptual(output, target).mean(),
    )
