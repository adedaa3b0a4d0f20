"""The renderer as modules of plain tensors, which ONNX can hold: a portrait once, frames from one portrait or from two.

    portrait 512 --RestoreGraph--> small 256           most of the work for a portrait: a page in a hurry averages 2 x 2 instead
    small, maps --EncodeGraph--> s0, s1, s2, s3
    maps and landmarks of the frame; of each portrait small, s0 to s3, and how it differs --FrameGraph--> picture 256

What is left to the page is small: landmarks from features, maps from landmarks, two similarities, the sum of a field.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vqcodec.format import DIMS, LANDMARKS
from vqcodec.render.flow import carried_body, similarity_flow, warp
from vqcodec.render.maps import MAP_CHANNELS, MAP_SIDE
from vqcodec.render.network import Geometry, PortraitView, RendererNet
from vqcodec.render.sampling import GridSampler
from vqcodec.render.source import SourceFeatures

SIZE_PX = 256
_FLOW_SIDE = 64

Shapes: TypeAlias = Mapping[str, tuple[int, ...]]
"""Names of tensors and their shapes without the leading 1."""

SMALL: Shapes = {"small": (3, SIZE_PX, SIZE_PX)}
MAPS: Shapes = {"maps": (MAP_CHANNELS, MAP_SIDE, MAP_SIDE)}
RESTORE_INPUTS: Shapes = {"rgb": (3, 2 * SIZE_PX, 2 * SIZE_PX)}
ENCODE_INPUTS: Shapes = {**SMALL, **MAPS}
"""Pictures and maps are in 0..1."""

FEATURES: Shapes = {
    "s0": (16, 128, 128),
    "s1": (64, 64, 64),
    "s2": (96, 32, 32),
    "s3": (128, 16, 16),
}
"""What EncodeGraph gives: see SourceFeatures."""

FRAME_INPUTS: Shapes = {**MAPS, "landmarks": (LANDMARKS, 2)}
"""What FrameGraph takes of the frame; landmarks are in -1..1."""

VIEW_INPUTS: Shapes = {
    **SMALL,
    **FEATURES,
    **MAPS,
    "landmarks": (LANDMARKS, 2),
    "delta": (DIMS,),
    "state": (DIMS,),
    "around": (2, 3, 3),
    "field": (2, _FLOW_SIDE, _FLOW_SIDE),
}
"""The same of each portrait, with its number behind the name: see PortraitView, and conditioning_inputs for two of them."""


def frame_inputs(portraits: int) -> dict[str, tuple[int, ...]]:
    """All inputs of FrameGraph in order."""
    of_views = (
        (f"{name}{number}", shape)
        for number in range(portraits)
        for name, shape in VIEW_INPUTS.items()
    )
    return {**FRAME_INPUTS, **dict(of_views)}


class _GraphSampler(GridSampler):
    """Warps with operations that ONNX has."""

    def moved(self, picture: Tensor, matrices: Tensor) -> Tensor:
        """See Sampler."""
        return warp(picture, similarity_flow(matrices.float(), picture.shape[-1]))


class RestoreGraph(nn.Module):
    """A portrait's detail given back, at half of its size.

    Args:
        net: in float32; a copy is made.
    """

    def __init__(self, net: RendererNet) -> None:
        super().__init__()
        self._net = _plain(net)

    def forward(self, rgb: Tensor) -> Tensor:
        """RESTORE_INPUTS -> SMALL."""
        return F.avg_pool2d(self._net.restoration(rgb).clamp(0, 1), 2)


class EncodeGraph(nn.Module):
    """What the network keeps of a portrait.

    Args:
        net: in float32; a copy is made.
    """

    def __init__(self, net: RendererNet) -> None:
        super().__init__()
        self._net = _plain(net)

    def forward(self, small: Tensor, maps: Tensor) -> tuple[Tensor, ...]:
        """ENCODE_INPUTS -> FEATURES."""
        return tuple(self._net.encoder(small, maps))


class FrameGraph(nn.Module):
    """A frame from one portrait, or from two of which each place shows what suits it.

    Args:
        net: in float32; a copy is made.
        portraits: 1 or 2.
    """

    def __init__(self, net: RendererNet, portraits: int) -> None:
        super().__init__()
        self._net = _plain(net)
        self._portraits = portraits

    def forward(self, maps_t: Tensor, lm_t: Tensor, *inputs: Tensor) -> Tensor:
        """Inputs as `frame_inputs` orders them -> (1, 3, 256, 256) the picture, about 0..1, not clamped."""
        size = len(VIEW_INPUTS)
        views = [self._view(inputs[n * size : (n + 1) * size]) for n in range(self._portraits)]
        known = [self._geometry(view, lm_t) for view in views]
        picture: Tensor = self._net(views, maps_t, lm_t, _GraphSampler(), geometry=known).output
        return picture

    def _view(self, part: Sequence[Tensor]) -> PortraitView:
        small, *source, maps, landmarks, delta, state, around, field = part
        z = self._net.conditioning(delta, state)
        return PortraitView(small, SourceFeatures(*source), maps, landmarks, z, around, field)

    def _geometry(self, view: PortraitView, lm_t: Tensor) -> Geometry:
        """`RendererNet.geometry` without operations that ONNX lacks."""
        assert view.around is not None
        background, torso = view.around[:, 0], view.around[:, 1]
        flows = torch.stack(
            [
                self._net.landmark_flow(view.landmarks, lm_t, _FLOW_SIDE),
                similarity_flow(_affine_map(view.landmarks, lm_t), _FLOW_SIDE),
                similarity_flow(background, _FLOW_SIDE),
                similarity_flow(torso, _FLOW_SIDE),
            ],
            1,
        )
        still = _GraphSampler().moved(view.portrait, background)
        ghost = carried_body(view.landmarks, background, 2 * _FLOW_SIDE)
        return Geometry(flows, background, still, ghost)


def _affine_map(source: Tensor, target: Tensor) -> Tensor:
    """The map of `render.flow.affine_flow`, solved in closed form: (1, K, 2) twice -> (1, 3, 3) from target to source."""
    design = torch.cat([target, torch.ones_like(target[..., :1])], -1)
    gram = design.transpose(1, 2) @ design + 1e-4 * torch.eye(3)
    moved = _inverse(gram) @ (design.transpose(1, 2) @ (source - target))
    return torch.cat([moved.transpose(1, 2), torch.zeros(1, 1, 3)], 1) + torch.eye(3)


def _inverse(matrix: Tensor) -> Tensor:
    """(N, 3, 3) symmetric -> its inverse, by cofactors."""
    a, b, c = matrix.unbind(1)
    columns = torch.stack([_cross(b, c), _cross(c, a), _cross(a, b)], 2)
    return columns / (a * _cross(b, c)).sum(-1)[:, None, None]


def _cross(a: Tensor, b: Tensor) -> Tensor:
    """(N, 3) twice -> (N, 3)."""
    (ax, ay, az), (bx, by, bz) = a.unbind(-1), b.unbind(-1)
    return torch.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], -1)


def _plain(net: RendererNet) -> RendererNet:
    own = copy.deepcopy(net).float()
    return own.to(memory_format=torch.contiguous_format).eval().requires_grad_(False)  # type: ignore[call-overload, no-any-return]
