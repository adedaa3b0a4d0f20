"""From warped portrait features to what is blended."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from vqcodec.render.blocks import ConvBlock, Residual, cat, conv
from vqcodec.render.conditioning import FILM
from vqcodec.render.flow import (
    outside,
    resize_flow,
)
from vqcodec.render.maps import MAP_CHANNELS
from vqcodec.render.sampling import Sampler
from vqcodec.render.source import SourceFeatures


class Decoder(nn.Module):
    """Warped portrait features at 16..128 -> features (N, 48, 128, 128) and a refinement of the flow at 128."""

    def __init__(self) -> None:
        super().__init__()
        self.up3 = ConvBlock(128 + MAP_CHANNELS, 128, film=FILM)
        self.up2 = ConvBlock(128 + 96, 96, film=FILM)
        self.res2 = Residual(96, film=FILM)
        self.up1 = ConvBlock(96 + 64 + 16 + MAP_CHANNELS + 1, 64)
        self.conv1 = ConvBlock(64, 64)
        self.narrow = nn.Conv2d(64, 32, 1)
        self.up0 = ConvBlock(32 + 16 + MAP_CHANNELS, 48)
        self.conv0 = ConvBlock(48, 48, norm=False)
        self.flow = conv(48, 2, 1, gain=0.0)

    def use_phases(self) -> None:
        """Convolve what is to be enlarged before it is (blocks.Phases): for inference."""
        self.up2.use_phases(128)
        self.up1.use_phases(96)
        self.up0.use_phases(32)

    @staticmethod
    def warped(source: SourceFeatures, flow: Tensor, sampler: Sampler) -> list[Tensor]:
        """What a portrait says about the targets: its features moved by a flow (N,2,64,64), finest last, then flow.outside."""
        side = flow.shape[-1]
        w3 = sampler.features(source.s3, resize_flow(flow, side // 4))
        w2 = sampler.features(source.s2, resize_flow(flow, side // 2))
        w1 = sampler.features(source.s1, flow)
        w0 = sampler.features(source.s0, resize_flow(flow, side * 2))
        return [w3, w2, w1, w0, outside(flow)]

    def forward(
        self, warped: Sequence[Tensor], hidden: Tensor, maps64: Tensor, maps128: Tensor, z: Tensor
    ) -> tuple[Tensor, Tensor]:
        """`warped`, hidden (N,16,64,64), maps64 (N,8,64,64), maps128 (N,8,128,128), z (N,FILM)."""
        w3, w2, w1, w0, beside = warped
        maps16 = F.avg_pool2d(maps64, 4)
        x = self.up3(cat(w3, maps16), z)
        x = self.res2(self.up2.enlarging(x, w2, z=z), z)
        x = self.conv1(self.up1.enlarging(x, w1, hidden, maps64, beside))
        x = self.conv0(self.up0.enlarging(self.narrow(x), w0, maps128))
        return x, 0.02 * self.flow(x).float()


class BlendHead(nn.Module):
    """Features at 128 and the two copies of the portrait -> what is blended at 256."""

    def __init__(self) -> None:
        super().__init__()
        self.expand = nn.Conv2d(48, 32, 3, 1, 1)
        self.mix = ConvBlock(8 + 6 + 2, 16, norm=False)
        self.out = conv(16, 9, gain=0.2, bias=[1.0, 0.0, -1.0, 0.5, 0.5, 0.5, 0.0, 0.0, 0.0])

    def forward(
        self, x: Tensor, warped: Tensor, still: Tensor, beside: Tensor
    ) -> tuple[Tensor, Tensor]:
        """(N,48,128,128), (N,3,256,256) twice, (N,2,128,128) -> layers (N,9,256,256) and features (N,16,256,256).

        `beside` is flow.outside of the two flows: there warped and still hold only the picture's edge.
        """
        fine = F.leaky_relu(F.pixel_shuffle(self.expand(x), 2), 0.1)
        beside = F.interpolate(beside.to(x.dtype), scale_factor=2.0)
        features = self.mix(
            cat(fine, (warped * 2 - 1).to(x.dtype), (still * 2 - 1).to(x.dtype), beside)
        )
        return self.out(features), features
