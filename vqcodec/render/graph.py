"""The renderer's network as a module of plain tensors, one frame at a time, which another library can take over."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vqcodec.format import LANDMARKS
from vqcodec.render.conditioning import FILM
from vqcodec.render.maps import MAP_CHANNELS, MAP_SIDE
from vqcodec.render.network import Geometry, PortraitView, RendererNet
from vqcodec.render.source import SourceFeatures

_SHAPES = (
    (3, 256, 256),  # portrait
    (16, 128, 128),  # what the encoder made of it
    (64, 64, 64),
    (96, 32, 32),
    (128, 16, 16),
    (MAP_CHANNELS, MAP_SIDE, MAP_SIDE),
    (FILM,),
    (2, 64, 64),  # field
    (4, 2, 64, 64),  # flows
    (3, 256, 256),  # still
    (1, 128, 128),  # ghost
)
_APART = (LANDMARKS, 2)
"""With two portraits: how far the landmarks of each are from the frame's."""


class GraphNet(nn.Module):
    """RendererNet.forward behind its geometry.

    Args:
        net: in float32; a copy is made.
        portraits: 1 or 2.
        finish: give the picture at 256, not its layers.
        phased: don't enlarge what is convolved (blocks.Phases).
    """

    def __init__(self, net: RendererNet, portraits: int, *, finish: bool, phased: bool) -> None:
        super().__init__()
        self._net = copy.deepcopy(net)
        self._net.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        self._finish = finish
        _plain_norms(self._net)
        if phased:
            self._net.use_phases()
        self._shapes = _SHAPES if portraits == 1 else (*_SHAPES, _APART)
        self.requires_grad_(False)

    def example(self) -> tuple[Tensor, ...]:
        """Inputs of one frame, to trace it with."""
        shapes = [(MAP_CHANNELS, MAP_SIDE, MAP_SIDE), *self._shapes * self._portraits]
        return tuple(torch.rand(1, *shape) for shape in shapes)

    @property
    def _portraits(self) -> int:
        return 1 if len(self._shapes) == len(_SHAPES) else 2

    def forward(self, maps_t: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Inputs as `graph_inputs` orders them -> output or layers, a flow128 of each portrait, two shares of two portraits."""
        size = len(self._shapes)
        each = [inputs[start : start + size] for start in range(0, len(inputs), size)]
        # only differences of landmarks count here
        lm_t = torch.zeros(1, *_APART)
        views = [_view(part, part[-1] if len(part) > len(_SHAPES) else lm_t) for part in each]
        known = [Geometry(part[8], torch.eye(3)[None], part[9], part[10]) for part in each]
        made = self._net(views, maps_t, lm_t, finish=self._finish, geometry=known)
        flows = tuple(p.flow128 for p in made.placed)
        return (made.output if self._finish else made.layers, *flows, *(made.shares or ()))


def _view(part: Sequence[Tensor], landmarks: Tensor) -> PortraitView:
    portrait, *source, maps, z, field = part[:8]
    return PortraitView(portrait, SourceFeatures(*source), maps, landmarks, z, None, field)


def graph_inputs(
    views: Sequence[PortraitView], known: Sequence[Geometry], maps_t: Tensor, lm_t: Tensor
) -> list[Tensor]:
    """What GraphNet takes, (N or 1, ...) each; see `RendererNet.forward`."""
    inputs = [maps_t]
    for view, geometry in zip(views, known, strict=True):
        field = torch.zeros(1, *_SHAPES[7]) if view.field is None else view.field
        inputs += [view.portrait, *view.source, view.maps, view.z, field]
        inputs += [geometry.flows, geometry.still, geometry.ghost]
        if len(views) > 1:
            inputs.append(view.landmarks - lm_t)
    return inputs


class _PlainNorm(nn.Module):
    """GroupNorm by sums over each channel, which need no other order of the values in memory."""

    def __init__(self, norm: nn.GroupNorm) -> None:
        super().__init__()
        self._groups, self._eps = norm.num_groups, norm.eps
        self.weight = nn.Parameter(norm.weight.detach()[None, :, None, None])
        self.bias = nn.Parameter(norm.bias.detach()[None, :, None, None])

    def _mean(self, x: Tensor) -> Tensor:
        """(N, C, h, w) -> (N, C, 1, 1), the mean of each channel's group."""
        channels = x.shape[1]
        by_group = x.mean((2, 3)).reshape(-1, self._groups, channels // self._groups)
        mean = by_group.mean(2, keepdim=True).expand_as(by_group)
        return mean.reshape(-1, channels, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        away = x - self._mean(x)
        spread = torch.rsqrt(self._mean(away * away) + self._eps)
        return away * (self.weight * spread) + self.bias


def _plain_norms(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.GroupNorm):
            setattr(module, name, _PlainNorm(child))
        else:
            _plain_norms(child)
