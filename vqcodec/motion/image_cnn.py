"""The learned part of the motion features: an image network for what landmarks miss (torso, hair, tongue, light)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vqcodec.geometry.layout import LEARNED_OUTPUTS


class _Down(nn.Sequential):
    def __init__(self, cin: int, cout: int) -> None:
        super().__init__(nn.Conv2d(cin, cout, 3, 2, 1), nn.GroupNorm(8, cout), nn.LeakyReLU(0.1))


class ImageMotionCnn(nn.Module):
    """(N, 3, 256, 256) RGB in 0..1 -> (N, 12) learned motion features, about unit scale.

    Works on 128x128 (2x2 means), about 0.3 GFLOP a frame. The last map keeps its 4x4 places, so that a dimension can
    mean "the left shoulder rose" as well as "it got darker".
    """

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            _Down(3, 32),
            _Down(32, 64),
            nn.Conv2d(64, 64, 3, 1, 1),
            nn.GroupNorm(8, 64),
            nn.LeakyReLU(0.1),
            _Down(64, 96),
            _Down(96, 128),
            _Down(128, 128),
        )
        self.head = nn.Linear(128 * 16, LEARNED_OUTPUTS)
        nn.init.normal_(self.head.weight, std=0.03)

    def forward(self, rgb: Tensor) -> Tensor:
        """See the class."""
        small = (
            F.avg_pool2d(rgb, 2)
            if rgb.shape[-1] == 256
            else F.interpolate(rgb, size=(128, 128), mode="area")
        )
        maps = self.trunk((small - 0.5) * 4)
        out: Tensor = self.head(torch.flatten(maps, 1).float())
        return out
