"""What the renderer keeps of a portrait: features at four sizes, made once."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from vqcodec.render.blocks import ConvBlock, Residual, cat, unshuffle
from vqcodec.render.maps import MAP_CHANNELS


class SourceFeatures(NamedTuple):
    """What the renderer keeps of a portrait: s0 (N,16,128,128), s1 (N,64,64,64), s2 (N,96,32,32), s3 (N,128,16,16)."""

    s0: Tensor
    s1: Tensor
    s2: Tensor
    s3: Tensor


class SourceEncoder(nn.Module):
    """Portrait (N, 3, S, S) in 0..1 and its maps (N, 8, S/2, S/2) -> SourceFeatures."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvBlock(12 + MAP_CHANNELS, 48)
        self.down1 = ConvBlock(48, 96, stride=2)
        self.block1 = Residual(96)
        self.down2 = ConvBlock(96, 144, stride=2)
        self.block2 = Residual(144)
        self.down3 = ConvBlock(144, 192, stride=2)
        self.block3 = Residual(192)
        self.out = nn.ModuleList(
            nn.Conv2d(c, k, 1) for c, k in ((48, 16), (96, 64), (144, 96), (192, 128))
        )

    def forward(self, portrait: Tensor, maps: Tensor) -> SourceFeatures:
        """See the class."""
        x0 = self.stem(cat(unshuffle(portrait) * 2 - 1, maps))
        x1 = self.block1(self.down1(x0))
        x2 = self.block2(self.down2(x1))
        x3 = self.block3(self.down3(x2))
        return SourceFeatures(*(out(x) for out, x in zip(self.out, (x0, x1, x2, x3), strict=True)))
