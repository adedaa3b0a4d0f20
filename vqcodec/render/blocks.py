"""Building blocks of the renderer."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ConvBlock(nn.Module):
    """3x3 convolution, optional GroupNorm, optional FiLM, leaky ReLU. (N, cin, h, w) -> (N, cout, h/stride, w/stride)."""

    def __init__(
        self, cin: int, cout: int, *, stride: int = 1, norm: bool = True, film: int = 0
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, 3, stride, 1)
        self.norm = nn.GroupNorm(8, cout) if norm else None
        self.film = nn.Linear(film, 2 * cout) if film else None
        if self.film is not None:
            nn.init.zeros_(self.film.weight)
            nn.init.zeros_(self.film.bias)
        self.act = nn.LeakyReLU(0.1)

    def forward(self, x: Tensor, z: Tensor | None = None) -> Tensor:
        """See the class; `z` (N, film) is needed when the block has FiLM."""
        x = self.conv(x)
        if self.norm is not None:
            x = self.norm(x)
        if self.film is not None and z is not None:
            scale, shift = self.film(z)[:, :, None, None].chunk(2, 1)
            x = x * (1 + scale) + shift
        return self.act(x)


class Residual(nn.Module):
    """Two ConvBlocks with a skip connection; (N, c, h, w) -> the same shape."""

    def __init__(self, channels: int, *, norm: bool = True, film: int = 0) -> None:
        super().__init__()
        self.first = ConvBlock(channels, channels, norm=norm, film=film)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1)
        nn.init.zeros_(self.second.weight)
        self.act = nn.LeakyReLU(0.1)

    def forward(self, x: Tensor, z: Tensor | None = None) -> Tensor:
        """See the class."""
        return self.act(x + self.second(self.first(x, z)))


def unshuffle(x: Tensor) -> Tensor:
    """(N, C, 2h, 2w) -> (N, 4C, h, w), channels-last."""
    return torch.nn.functional.pixel_unshuffle(x, 2).contiguous(memory_format=torch.channels_last)


def cat(*parts: Tensor) -> Tensor:
    """Channel concatenation, channels-last and in the shortest type among the parts.

    One stray layout or type would make the convolution behind it copy everything.
    """
    dtype = min((p.dtype for p in parts), key=lambda t: t.itemsize)
    return torch.cat([_channels_last(p.to(dtype)) for p in parts], 1)


def _channels_last(x: Tensor) -> Tensor:
    x = x.contiguous(memory_format=torch.channels_last)
    if x.shape[1] > 1 or torch.is_grad_enabled():
        return x
    # a single channel is both layouts at once, and torch takes it for the other one unless its strides say so
    height, width = x.shape[2:]
    return x.as_strided(x.shape, (height * width, 1, width, 1))


def conv(
    cin: int, cout: int, size: int = 3, *, bias: list[float] | None = None, gain: float = 1.0
) -> nn.Conv2d:
    """An output convolution whose weights start scaled by `gain` and whose bias starts at `bias` (zeros if None)."""
    layer = nn.Conv2d(cin, cout, size, 1, size // 2)
    with torch.no_grad():
        layer.weight.mul_(gain)
        if layer.bias is not None:
            layer.bias.copy_(torch.zeros(cout) if bias is None else torch.tensor(bias))
    return layer
