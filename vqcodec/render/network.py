"""The image renderer (paper, section "Quantized Facial Motion Tokenizer", Image Renderer).

    portrait 256 --SourceEncoder--> s0 128x128, s1 64, s2 32, s3 16          once per portrait
    landmarks s,t --LandmarkFlow, affine--> flows --FlowNet (FiLM by f)--> flow 64x64, hidden h
    background, torso --similarities--> two more flows for FlowNet to choose from
    s3,s2,s1,s0 warped by the flow, h, maps --Decoder--> features 128, flow refined at 128
    warped portrait, still portrait, features --Head--> generated, weights, correction
    output = w1 * warped + w2 * still + w3 * generated + correction

The still portrait has moved with the background only, as a whole: what is copied from it doesn't bend. With two portraits
everything up to the warped features is done for each, and render.fusion makes one set of them before the decoder.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vqcodec.format import DIMS
from vqcodec.render.blocks import ConvBlock, Residual, cat, conv, unshuffle
from vqcodec.render.flow import (
    LandmarkFlow,
    affine_flow,
    carried_body,
    outside,
    resize_flow,
    similarity_flow,
)
from vqcodec.render.fusion import Fusion, Shares, mixed, mixed_levels
from vqcodec.render.maps import MAP_CHANNELS
from vqcodec.render.sampling import GridSampler, Sampler

FILM = 96
# landmark coefficients are coded in units; these many units bring motion and portrait features to about unit scale
MOTION_SPREAD_UNITS = 20.0
STATE_SPREAD_UNITS = 40.0


class SourceFeatures(NamedTuple):
    """What the renderer keeps of a portrait: s0 (N,16,128,128), s1 (N,64,64,64), s2 (N,96,32,32), s3 (N,128,16,16)."""

    s0: Tensor
    s1: Tensor
    s2: Tensor
    s3: Tensor


class View(NamedTuple):
    """One portrait and how N targets differ from it.

    Attributes:
        portrait: (N or 1, 3, S, S) in 0..1, float32.
        source: encoder(portrait, maps), with the same leading number.
        maps: (N or 1, 8, S/2, S/2) maps of the portrait, 0..1.
        landmarks: (N, 478, 2) of the portrait, in -1..1.
        z: (N, FILM) from `RendererNet.conditioning`.
        around: (N, 2, 3, 3) float32 maps from target to portrait on -1..1, of background and torso; None: still.
    """

    portrait: Tensor
    source: SourceFeatures
    maps: Tensor
    landmarks: Tensor
    z: Tensor
    around: Tensor | None = None


class Placed(NamedTuple):
    """Where a portrait's parts go in N targets.

    Attributes:
        flow64: (N, 2, S/4, S/4) backward flow.
        flow128: (N, 2, S/2, S/2) the same, refined.
        background: (N, 3, 3) map of the background from target to portrait.
        ghost: (N, 1, S/2, S/2) where the portrait, moved with the background, would show the person.
    """

    flow64: Tensor
    flow128: Tensor
    background: Tensor
    ghost: Tensor


class Rendering(NamedTuple):
    """A rendered batch at 256: the output and the parts that training supervises.

    Attributes:
        output, generated, warped: (N, 3, S, S), about 0..1, not clamped.
        features: (N, 16, S, S) for the 512 head.
        layers: (N, 9, S, S) blend logits (3), generated (3), correction (3).
        still: (N, 3, S, S) the portrait, moved with the background, the warped one where it would show the person.
        placed: of each portrait.
        shares: how much of each place the first portrait shows, at S/4; None with one portrait.
    """

    output: Tensor
    generated: Tensor
    warped: Tensor
    features: Tensor
    layers: Tensor
    still: Tensor
    placed: tuple[Placed, ...]
    shares: Shares | None = None


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


class FlowNet(nn.Module):
    """Chooses between the flows of landmarks, rigid head, background and torso per pixel, and adds what they miss.

    Outputs flow (N, 2, 64, 64) float32, hidden features (N, 16, 64, 64) and those behind them (N, 48, 64, 64) for a 256
    portrait.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvBlock(64 + 32 + 4 * 2 + 2 * MAP_CHANNELS + 16, 48)
        self.down1 = ConvBlock(48, 96, stride=2, film=FILM)
        self.down2 = ConvBlock(96, 128, stride=2, film=FILM)
        self.mid = Residual(128, film=FILM)
        self.up1 = ConvBlock(128 + 96, 96, film=FILM)
        self.up2 = ConvBlock(96 + 48, 48)
        self.hidden = nn.Conv2d(48, 16, 1)
        self.head = conv(
            48, 6, gain=0.0, bias=[2.0, 0.0, 0.0, 0.0, 0.0, 0.0]
        )  # start from the landmark flow

    def forward(
        self, s1: Tensor, flows: Tensor, maps: Tensor, z: Tensor, sampler: Sampler
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Portrait features (N or 1,64,h,w), candidate flows (N,4,2,h,w), maps (N,16,h,w), z (N,FILM)."""
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
        x1 = self.down1(x0, z)
        x2 = self.mid(self.down2(x1, z), z)
        y1 = self.up1(cat(F.interpolate(x2, scale_factor=2.0), x1), z)
        y0 = self.up2(cat(F.interpolate(y1, scale_factor=2.0), x0))
        raw = self.head(y0).float()
        choice = raw[:, :4].softmax(1)
        flow = (choice[:, :, None] * flows).sum(1) + 0.1 * raw[:, 4:]
        return flow, self.hidden(y0), y0


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
        x = self.res2(self.up2(cat(F.interpolate(x, scale_factor=2.0), w2), z), z)
        x = self.conv1(
            self.up1(cat(F.interpolate(x, scale_factor=2.0), w1, hidden, maps64, beside))
        )
        x = self.conv0(self.up0(cat(F.interpolate(self.narrow(x), scale_factor=2.0), w0, maps128)))
        return x, 0.02 * self.flow(x).float()


class Head(nn.Module):
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
            layers: (N, 9, 256, 256) of Head.
            features: (N, 16, 256, 256) of Head.
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
        """(N, 9, 256, 256) layers of Head -> (N, 5, 512, 512): weights of warped and still, and what is added."""
        return F.interpolate(
            premultiplied(layers), scale_factor=2.0, mode="bilinear", align_corners=False
        )


def premultiplied(layers: Tensor) -> Tensor:
    """(N, 9, S, S) layers of Head -> (N, 5, S, S) float32: 5 channels to enlarge instead of 9, and no softmax over 512x512."""
    layers = layers.float()
    weight = layers[:, :3].softmax(1)
    return torch.cat(
        [weight[:, :2], weight[:, 2:] * layers[:, 3:6] + layers[:, 6:]], 1
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


class RendererNet(nn.Module):
    """All of the 256 renderer.

    Landmarks are in -1..1 of the crop; `delta` is the decoded motion, `state` the portrait's own features, both
    (N, 48) in units of their spread.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder = SourceEncoder()
        self.landmark_flow = LandmarkFlow()
        self.film = nn.Sequential(
            nn.Linear(2 * DIMS, FILM), nn.LeakyReLU(0.1), nn.Linear(FILM, FILM)
        )
        self.flow_net = FlowNet()
        self.decoder = Decoder()
        self.head = Head()
        self.detail = Detail()
        self.fusion = Fusion(48)

    def conditioning(self, delta: Tensor, state: Tensor) -> Tensor:
        """(N, 48) twice -> (N, FILM)."""
        # no autocast at inference: the weights themselves may be bfloat16 there
        dtype = next(self.film.parameters()).dtype
        z: Tensor = self.film(torch.cat([delta, state], 1).to(dtype))
        return z

    def forward(
        self,
        views: Sequence[View],
        maps_t: Tensor,
        lm_t: Tensor,
        sampler: Sampler | None = None,
        *,
        finish: bool = True,
    ) -> Rendering:
        """Render N targets.

        Args:
            views: the portrait, or two.
            maps_t: (N, 8, S/2, S/2) maps of the targets.
            lm_t: (N, 478, 2) target landmarks.
            sampler: how to warp; None for the differentiable way.
            finish: blend at 256; without it, output and generated are empty (the 512 blend needs only the layers).
        """
        sampler = sampler or GridSampler()
        maps64 = F.avg_pool2d(maps_t, 2)
        moved = [self._moved(view, maps64, lm_t, sampler) for view in views]
        z, shares, (hidden, *warped) = views[0].z, None, moved[0].levels
        if len(views) == 2:
            shares = self._compared(views, moved, lm_t)
            hidden, *warped = mixed_levels(moved[0].levels, moved[1].levels, shares.warped)
            z = torch.lerp(views[1].z, z, shares.warped.mean((1, 2, 3)).to(z.dtype)[:, None])
        x, refinement = self.decoder(warped, hidden, maps64, maps_t, z)
        placed = tuple(
            self._placed(view, part, refinement) for view, part in zip(views, moved, strict=True)
        )
        front, still = both_layers(views, placed, shares, sampler)
        beside = [
            torch.cat(
                [outside(p.flow128), outside(resize_flow(part.still, p.flow128.shape[-1]))], 1
            )
            for p, part in zip(placed, moved, strict=True)
        ]
        edge = (
            beside[0]
            if shares is None
            else torch.cat(
                [
                    mixed(a, b, share)
                    for a, b, share in zip(
                        beside[0].split(1, 1), beside[1].split(1, 1), shares, strict=True
                    )
                ],
                1,
            )
        )
        layers, features = self.head(x, front, still, edge)
        output, generated = composite(layers, front, still) if finish else (front[:0], front[:0])
        return Rendering(output, generated, front, features, layers, still, placed, shares)

    def _moved(self, view: View, maps64: Tensor, lm_t: Tensor, sampler: Sampler) -> _Moved:
        side = view.portrait.shape[-1] // 4
        around = view.around
        if around is None:
            around = torch.eye(3, device=view.portrait.device).expand(len(lm_t), 2, 3, 3)
        flows = torch.stack(
            [
                self.landmark_flow(view.landmarks, lm_t, side),
                affine_flow(view.landmarks, lm_t, side),
                similarity_flow(around[:, 0], side),
                similarity_flow(around[:, 1], side),
            ],
            1,
        )
        maps = torch.cat([maps64, F.avg_pool2d(view.maps, 2).expand(len(maps64), -1, -1, -1)], 1)
        flow, hidden, seen = self.flow_net(view.source.s1, flows, maps, view.z, sampler)
        return _Moved(
            flow,
            around[:, 0],
            flows[:, 2],
            seen,
            [hidden, *self.decoder.warped(view.source, flow, sampler)],
        )

    def _compared(self, views: Sequence[View], moved: Sequence[_Moved], lm_t: Tensor) -> Shares:
        first, second = (
            self.fusion.score(part.seen, view.landmarks, lm_t)
            for view, part in zip(views, moved, strict=True)
        )
        return self.fusion.shares(first, second)

    @staticmethod
    def _placed(view: View, moved: _Moved, refinement: Tensor) -> Placed:
        side = refinement.shape[-1]
        ghost = carried_body(view.landmarks, moved.background, side)
        return Placed(
            moved.flow, resize_flow(moved.flow, side) + refinement, moved.background, ghost
        )


class _Moved(NamedTuple):
    """A portrait after FlowNet: flow, map and flow of the background, FlowNet's features, hidden and warped features."""

    flow: Tensor
    background: Tensor
    still: Tensor
    seen: Tensor
    levels: list[Tensor]


def both_layers(
    views: Sequence[View], placed: Sequence[Placed], shares: Shares | None, sampler: Sampler
) -> tuple[Tensor, Tensor]:
    """The warped portrait and the one that moves with the background, of one or two: (N, 3, S, S) each."""
    size = views[0].portrait.shape[-1]
    warped = [
        sampler.picture(v.portrait, p.flow128, size) for v, p in zip(views, placed, strict=True)
    ]
    front = warped[0] if shares is None else mixed(warped[0], warped[1], shares.warped)
    still = [
        without_ghost(sampler.moved(v.portrait, p.background), front, p.ghost)
        for v, p in zip(views, placed, strict=True)
    ]
    return front, still[0] if shares is None else mixed(still[0], still[1], shares.still)
