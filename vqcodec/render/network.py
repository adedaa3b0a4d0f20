"""The image renderer (paper, section "Quantized Facial Motion Tokenizer", Image Renderer).

    portrait 512 --Restoration--> 512 --averaged--> 256                       once per portrait (render.restoration)
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
from torch import Tensor
from torch.nn import functional as F

from vqcodec.render.blending import Detail, composite, without_ghost
from vqcodec.render.decoder import BlendHead, Decoder
from vqcodec.render.field_flow import field_share
from vqcodec.render.flow import candidate_flows, carried_body, outside, resize_flow
from vqcodec.render.front import FlowFront
from vqcodec.render.fusion import Fusion, Shares, mixed, mixed_levels
from vqcodec.render.restoration import Restoration
from vqcodec.render.sampling import GridSampler, Sampler
from vqcodec.render.source import SourceFeatures


class PortraitView(NamedTuple):
    """One portrait and how N targets differ from it.

    Attributes:
        portrait: (N or 1, 3, S, S) in 0..1, float32.
        source: encoder(portrait, maps), with the same leading number.
        maps: (N or 1, 8, S/2, S/2) maps of the portrait, 0..1.
        landmarks: (N, 478, 2) of the portrait, in -1..1.
        z: (N, FILM) from `RendererNet.conditioning`.
        around: (N, 2, 3, 3) float32 maps from target to portrait on -1..1, of background and torso; None: still.
        field: (N, 2, S/4, S/4) float32 what the motion space's field adds to the flow, in -1..1 units; None: nothing.
    """

    portrait: Tensor
    source: SourceFeatures
    maps: Tensor
    landmarks: Tensor
    z: Tensor
    around: Tensor | None = None
    field: Tensor | None = None


class Geometry(NamedTuple):
    """What landmarks and similarities alone say of N targets: no network has looked at anything yet.

    Attributes:
        flows: (N, 4, 2, S/4, S/4) what FlowNet chooses from.
        background: (N, 3, 3) map of the background from target to portrait.
        still: (N, 3, S, S) the portrait, moved with the background.
        ghost: (N, 1, S/2, S/2) where that would show the person.
    """

    flows: Tensor
    background: Tensor
    still: Tensor
    ghost: Tensor


class PlacedPortrait(NamedTuple):
    """Where a portrait's parts go in N targets.

    Attributes:
        flow64: (N, 2, S/4, S/4) backward flow.
        flow128: (N, 2, S/2, S/2) the same, refined.
        geometry: where landmarks and background alone put it.
    """

    flow64: Tensor
    flow128: Tensor
    geometry: Geometry


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
    placed: tuple[PlacedPortrait, ...]
    shares: Shares | None = None


class RendererNet(FlowFront):
    """All of the 256 renderer. Landmarks are in -1..1 of the crop."""

    def __init__(self) -> None:
        super().__init__()
        self.decoder = Decoder()
        self.head = BlendHead()
        self.detail = Detail()
        self.fusion = Fusion(48)
        self.restoration = Restoration()

    def use_phases(self) -> None:
        """Convolve what is to be enlarged before it is (blocks.Phases): for inference."""
        self.decoder.use_phases()
        self.flow_net.use_phases()

    def forward(
        self,
        views: Sequence[PortraitView],
        maps_t: Tensor,
        lm_t: Tensor,
        sampler: Sampler | None = None,
        *,
        finish: bool = True,
        geometry: Sequence[Geometry] | None = None,
    ) -> Rendering:
        """Render N targets.

        Args:
            views: the portrait, or two.
            maps_t: (N, 8, S/2, S/2) maps of the targets.
            lm_t: (N, 478, 2) target landmarks.
            sampler: how to warp; None for the differentiable way.
            finish: blend at 256; without it, output and generated are empty (the 512 blend needs only the layers).
            geometry: of each view, where the caller has it from `geometry`.
        """
        sampler = sampler or GridSampler()
        maps64 = F.avg_pool2d(maps_t, 2)
        known = geometry or [self.geometry(view, lm_t, sampler) for view in views]
        moved = [self._moved(*each, maps64, sampler) for each in zip(views, known, strict=True)]
        z, shares, (hidden, *warped) = views[0].z, None, moved[0].levels
        if len(views) == 2:
            shares = self._compared(views, moved, maps64, lm_t)
            hidden, *warped = mixed_levels(moved[0].levels, moved[1].levels, shares.warped)
            z = torch.lerp(views[1].z, z, shares.warped.mean((1, 2, 3)).to(z.dtype)[:, None])
        x, refinement = self.decoder(warped, hidden, maps64, maps_t, z)
        placed = tuple(self._placed(part, refinement) for part in moved)
        front, still = both_layers(views, placed, shares, sampler)
        beside = [
            torch.cat(
                [
                    outside(p.flow128),
                    outside(resize_flow(part.geometry.flows[:, 2], p.flow128.shape[-1])),
                ],
                1,
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

    def geometry(self, view: PortraitView, lm_t: Tensor, sampler: Sampler) -> Geometry:
        """What is known of N targets with landmarks (N, 478, 2) before any network has looked at the portrait."""
        side = view.portrait.shape[-1] // 4
        around = view.around
        if around is None:
            around = torch.eye(3, device=view.portrait.device).expand(len(lm_t), 2, 3, 3)
        background = around[:, 0]
        return Geometry(
            candidate_flows(self.landmark_flow, view.landmarks, lm_t, around, side),
            background,
            sampler.moved(view.portrait, background),
            carried_body(view.landmarks, background, 2 * side),
        )

    def _moved(
        self, view: PortraitView, geometry: Geometry, maps64: Tensor, sampler: Sampler
    ) -> _Moved:
        flows = geometry.flows
        maps = torch.cat([maps64, F.avg_pool2d(view.maps, 2).expand(len(maps64), -1, -1, -1)], 1)
        field = None if view.field is None else view.field * field_share(maps64[:, :1])
        flow, hidden, seen = self.flow_net(view.source.s1, flows, maps, view.z, sampler, field)
        return _Moved(
            flow, geometry, seen, [hidden, *self.decoder.warped(view.source, flow, sampler)]
        )

    def _compared(
        self, views: Sequence[PortraitView], moved: Sequence[_Moved], maps64: Tensor, lm_t: Tensor
    ) -> Shares:
        face = maps64[:, :1].float()
        first, second = (
            self.fusion.score(
                part.seen,
                (part.geometry.flows[:, 0] - part.geometry.flows[:, 1]) * face,
                view.landmarks,
                lm_t,
            )
            for view, part in zip(views, moved, strict=True)
        )
        return self.fusion.shares(first, second)

    @staticmethod
    def _placed(moved: _Moved, refinement: Tensor) -> PlacedPortrait:
        flow128 = resize_flow(moved.flow, refinement.shape[-1]) + refinement
        return PlacedPortrait(moved.flow, flow128, moved.geometry)


class _Moved(NamedTuple):
    """A portrait after FlowNet: flow, what it chose from, FlowNet's features, hidden and warped ones."""

    flow: Tensor
    geometry: Geometry
    seen: Tensor
    levels: list[Tensor]


def both_layers(
    views: Sequence[PortraitView],
    placed: Sequence[PlacedPortrait],
    shares: Shares | None,
    sampler: Sampler,
) -> tuple[Tensor, Tensor]:
    """The warped portrait and the one that moves with the background, of one or two: (N, 3, S, S) each."""
    size = views[0].portrait.shape[-1]
    warped = [
        sampler.picture(v.portrait, p.flow128, size) for v, p in zip(views, placed, strict=True)
    ]
    front = warped[0] if shares is None else mixed(warped[0], warped[1], shares.warped)
    still = [without_ghost(p.geometry.still, front, p.geometry.ghost) for p in placed]
    return front, still[0] if shares is None else mixed(still[0], still[1], shares.still)
