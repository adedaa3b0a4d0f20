"""What AV1 took from a portrait, given back as far as a picture of a face lets it be guessed: once per portrait.

    rgb 512 --unshuffle--> 256x256 --stem, residual--------------------------------(+)--> residual --> 12 --shuffle--> + rgb
                               down --> 128x128 --residual--------------------(+)--up
                                           down --> 64x64 --residual--> 32x32 --up

Half of what a decoded picture lacks at low rates was lost in the portrait, not in the motion. Ringing, blocks and flat
skin look alike in all portraits, so a small network learns them; it costs nothing per frame. Nothing says how coarsely a
portrait was coded: the network sees it, and leaves a good one as it is.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vqcodec.render.blocks import Residual, cat, unshuffle

WIDTHS = (32, 64, 96, 128)
DEPTHS = (2, 3, 3, 2)
MULTIPLE_PX = 16
"""Sides must be a multiple of this."""


class Restoration(nn.Module):
    """A U-Net that adds a correction; it starts as the identity."""

    def __init__(self) -> None:
        super().__init__()
        ins = (12, *WIDTHS[:-1])
        self.down = nn.ModuleList(
            nn.Conv2d(cin, cout, 3, 1 if level == 0 else 2, 1)
            for level, (cin, cout) in enumerate(zip(ins, WIDTHS, strict=True))
        )
        self.there = nn.ModuleList(
            nn.Sequential(*(Residual(width, norm=False) for _ in range(depth)))
            for width, depth in zip(WIDTHS, DEPTHS, strict=True)
        )
        self.up = nn.ModuleList(
            nn.Conv2d(deep + width, width, 3, 1, 1)
            for deep, width in zip(WIDTHS[1:], WIDTHS[:-1], strict=True)
        )
        self.back = nn.ModuleList(Residual(width, norm=False) for width in WIDTHS[:-1])
        self.out = nn.Conv2d(WIDTHS[0], 12, 3, 1, 1)
        nn.init.zeros_(self.out.weight)
        assert self.out.bias is not None
        nn.init.zeros_(self.out.bias)
        self.act = nn.LeakyReLU(0.1)

    def forward(self, rgb: Tensor) -> Tensor:
        """(N, 3, S, S) in 0..1 -> the same shape, float32, not clamped; S is a multiple of MULTIPLE_PX."""
        # no autocast at inference: the weights themselves may be bfloat16 there
        x = unshuffle(rgb).to(self.out.weight.dtype) * 2 - 1
        levels: list[Tensor] = []
        for down, there in zip(self.down, self.there, strict=True):
            x = there(self.act(down(x)))
            levels.append(x)
        x = levels.pop()
        for up, back in zip(reversed(self.up), reversed(self.back), strict=True):
            side = levels.pop()
            larger = F.interpolate(x, scale_factor=2.0, mode="nearest")
            x = back(self.act(up(cat(larger, side))))
        correction: Tensor = F.pixel_shuffle(self.out(x), 2)
        return torch.add(rgb.float(), correction.float())
