"""The last step with gradients: three layers to one picture, at 256 and at 512."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vqcodec.render.blocks import ConvBlock, cat, conv


def fold(picture: Tensor, dtype: torch.dtype) -> Tensor:
    """(N, 3, 2S, 2S) in 0..1 -> (N, 12, S, S) in -1..1 of `dtype`, channels-last."""
    count, channels, height, width = picture.shape
    # pixel_unshuffle's order of channels, but straight into channels-last
    blocks = picture.permute(0, 2, 3, 1).reshape(count, height // 2, 2, width // 2, 2, channels)
    folded = (
        blocks.to(dtype)
        .permute(0, 1, 3, 5, 2, 4)
        .reshape(count, height // 2, width // 2, 4 * channels)
    )
    return (folded * 2 - 1).permute(0, 3, 1, 2)


class Detail(nn.Module):
    """The 512 head: what 256 can't say about 512, from the warped and the still portrait at full size.

    Starts as plain enlargement (zero residual), so a renderer without 512 training still works at 512.
    """

    def __init__(self) -> None:
        super().__init__()
        self.mix = ConvBlock(16 + 24, 16, norm=False)
        self.out = conv(16, 20, gain=0.0)

    def forward(
        self,
        layers: Tensor,
        features: Tensor,
        warped: Tensor,
        still: Tensor,
        still_folded: Tensor | None = None,
    ) -> Tensor:
        """Blend at 512.

        Args:
            layers: (N, 9, 256, 256) of BlendHead.
            features: (N, 16, 256, 256) of BlendHead.
            warped: (N, 3, 512, 512) float32.
            still: (N, 3, 512, 512) float32.
            still_folded: `fold(still)`, when the caller has it: it is the same for all frames of a portrait.

        Returns:
            (N, 3, 512, 512) float32 output.
        """
        large = self.enlarged(layers)
        folded = fold(still, features.dtype) if still_folded is None else still_folded
        fine = self.mix(
            cat(features, fold(warped, features.dtype), folded.expand(len(warped), -1, -1, -1))
        )
        return blend(large + F.pixel_shuffle(self.out(fine).float(), 2), warped, still)

    @staticmethod
    def enlarged(layers: Tensor) -> Tensor:
        """(N, 9, 256, 256) layers of BlendHead -> (N, 5, 512, 512): weights of warped and still, and what is added."""
        return F.interpolate(
            premultiplied(layers), scale_factor=2.0, mode="bilinear", align_corners=False
        )


def premultiplied(layers: Tensor) -> Tensor:
    """(N, 9, S, S) layers of BlendHead -> (N, 5, S, S) float32: fewer to enlarge, and no softmax over 512x512."""
    layers = layers.float()
    # softmax, which torch takes three times as long for where the three lie planes apart
    powers = torch.exp(layers[:, :3] - layers[:, :3].amax(1, keepdim=True))
    weight = powers / powers.sum(1, keepdim=True)
    return torch.cat(
        [weight[:, :2], torch.addcmul(layers[:, 6:], weight[:, 2:], layers[:, 3:6])], 1
    ).contiguous()


def blend(large: Tensor, warped: Tensor, still: Tensor) -> Tensor:
    """(N, 5, S, S) of Detail.enlarged and two portraits (N, 3, S, S) -> (N, 3, S, S) float32 output."""
    return torch.addcmul(torch.addcmul(large[:, 2:], large[:, :1], warped), large[:, 1:2], still)


def composite(layers: Tensor, warped: Tensor, still: Tensor) -> tuple[Tensor, Tensor]:
    """Blend: (N,9,S,S) layers and two portraits (N,3,S,S) -> output and generated, float32."""
    layers = layers.float()
    weight = layers[:, :3].softmax(1)
    generated = layers[:, 3:6]
    output = (
        weight[:, :1] * warped + weight[:, 1:2] * still + weight[:, 2:] * generated + layers[:, 6:]
    )
    return output, generated


def without_ghost(still: Tensor, warped: Tensor, ghost: Tensor) -> Tensor:
    """The moved portrait (N, 3, S, S) with the warped one where `ghost` (N, 1, s, s) says that it shows the person."""
    mask = F.interpolate(ghost, size=still.shape[-2:], mode="bilinear", align_corners=False)
    return torch.lerp(still, warped, mask)
