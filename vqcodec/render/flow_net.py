"""Where each place of the picture comes from in the portrait."""

from __future__ import annotations

from torch import Tensor, nn

from vqcodec.render.blocks import ConvBlock, Residual, cat, conv
from vqcodec.render.conditioning import FILM
from vqcodec.render.maps import MAP_CHANNELS
from vqcodec.render.sampling import Sampler

FIELD_GAIN = 16.0
"""Brings a field, a few pixels of 256, to about unit scale."""


class FlowNet(nn.Module):
    """Chooses between the flows of landmarks, rigid head, background and torso per pixel, and adds what they miss.

    A field (geometry.field), what the encoder saw to be missing, is added to that.

    Outputs flow (N, 2, 64, 64) float32, hidden features (N, 16, 64, 64) and those behind them (N, 48, 64, 64) for a 256
    portrait.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvBlock(64 + 32 + 4 * 2 + 2 * MAP_CHANNELS + 16, 48)
        self.told = conv(2, 48, gain=0.0)  # renderers from before the field don't know of it
        self.down1 = ConvBlock(48, 96, stride=2, film=FILM)
        self.down2 = ConvBlock(96, 128, stride=2, film=FILM)
        self.mid = Residual(128, film=FILM)
        self.up1 = ConvBlock(128 + 96, 96, film=FILM)
        self.up2 = ConvBlock(96 + 48, 48)
        self.hidden = nn.Conv2d(48, 16, 1)
        self.head = conv(
            48, 6, gain=0.0, bias=[2.0, 0.0, 0.0, 0.0, 0.0, 0.0]
        )  # start from the landmark flow

    def use_phases(self) -> None:
        """Convolve what is to be enlarged before it is (blocks.Phases): for inference."""
        self.up1.use_phases(128)
        self.up2.use_phases(96)

    def forward(
        self,
        s1: Tensor,
        flows: Tensor,
        maps: Tensor,
        z: Tensor,
        sampler: Sampler,
        field: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Portrait features (N or 1,64,h,w), candidate flows (N,4,2,h,w), maps (N,16,h,w), z (N,FILM), field (N,2,h,w).

        No field is the same as one of zeros.
        """
        local, _, background, torso = flows.unbind(1)
        seen = (sampler.features(s1, local), sampler.features(s1[:, :32], background))
        worn = sampler.features(s1[:, :16], torso)
        x0 = self.stem(
            cat(
                *(x.to(maps.dtype) for x in seen),
                flows[:, :2].flatten(1, 2) * 4,
                maps,
                flows[:, 2:].flatten(1, 2) * 4,
                worn,
            )
        )
        if field is not None:
            x0 = x0 + self.told(field.to(maps.dtype) * FIELD_GAIN)
        elif self.told.bias is not None:
            x0 = x0 + self.told.bias[:, None, None]  # a field that says nothing, bit for bit
        x1 = self.down1(x0, z)
        x2 = self.mid(self.down2(x1, z), z)
        y1 = self.up1.enlarging(x2, x1, z=z)
        y0 = self.up2.enlarging(y1, x0)
        raw = self.head(y0).float()
        choice = raw[:, :4].softmax(1)
        flow = (choice[:, :, None] * flows).sum(1) + 0.1 * raw[:, 4:]
        if field is not None:
            flow = flow + field
        return flow, self.hidden(y0), y0
