"""Building blocks of the renderer."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ConvBlock(nn.Module):
    """3x3 convolution, optional GroupNorm, optional FiLM, leaky ReLU. (N, cin, h, w) -> (N, cout, h/stride, w/stride)."""

    def __init__(
        self, cin: int, cout: int, *, stride: int = 1, norm: bool = True, film: int = 0
    ) -> None:
        super().__init__()
        self.conv: nn.Module = nn.Conv2d(cin, cout, 3, stride, 1)
        self.norm = nn.GroupNorm(8, cout) if norm else None
        self.film = nn.Linear(film, 2 * cout) if film else None
        if self.film is not None:
            nn.init.zeros_(self.film.weight)
            nn.init.zeros_(self.film.bias)
        self.act = nn.LeakyReLU(0.1)

    def forward(self, x: Tensor, z: Tensor | None = None) -> Tensor:
        """See the class; `z` (N, film) is needed when the block has FiLM."""
        return self._finished(self.conv(x), z)

    def enlarging(self, small: Tensor, *beside: Tensor, z: Tensor | None = None) -> Tensor:
        """The block of `small` (N, c, h/2, w/2), enlarged by repetition, and what lies beside it (N, ..., h, w)."""
        if isinstance(self.conv, nn.Conv2d):
            return self(cat(F.interpolate(small, scale_factor=2.0), *beside), z)
        return self._finished(self.conv(small, *beside), z)

    def use_phases(self, channels: int) -> None:
        """From now on `enlarging` takes the shorter way, with so many channels of `small`, and is all that the block can do."""
        assert isinstance(self.conv, nn.Conv2d)
        self.conv = Phases(self.conv, channels)

    def _finished(self, x: Tensor, z: Tensor | None) -> Tensor:
        if self.norm is not None:
            x = self.norm(x)
        if self.film is not None and z is not None:
            scale, shift = self.film(z)[:, :, None, None].chunk(2, 1)
            x = x * (1 + scale) + shift
        return self.act(x)


class Phases(nn.Module):
    """A 3x3 convolution of cat(enlarged, *beside) without enlarging: 4/9 of the work for that part, the same sums reordered.

        small (h, w) --2x2, for each quarter of a place--> (h+1, w+1) --interleaved--> (2h+2, 2w+2) --cropped--> (2h, 2w)
        what lies beside it (2h, 2w) --3x3--> (2h, 2w) --added

    Repeated twice along both axes, a picture gives two of three neighbouring places the same value: their weights add up.

    Args:
        whole: that convolution, with a border of one.
        channels: of what is enlarged, the first ones.
    """

    def __init__(self, whole: nn.Conv2d, channels: int) -> None:
        super().__init__()
        made = whole.out_channels
        self.small = nn.Conv2d(channels, 4 * made, 2, padding=1, bias=False)
        self.beside = nn.Conv2d(whole.in_channels - channels, made, 3, padding=1)
        with torch.no_grad():
            self.small.weight.copy_(_quarters(whole.weight[:, :channels]))
            self.beside.weight.copy_(whole.weight[:, channels:])
            if whole.bias is not None and self.beside.bias is not None:
                self.beside.bias.copy_(whole.bias)

    def forward(self, small: Tensor, *beside: Tensor) -> Tensor:
        """(N, C, h, w), and others at (2h, 2w) -> (N, made, 2h, 2w)."""
        enlarged = F.pixel_shuffle(self.small(small), 2)[..., 1:-1, 1:-1]
        return enlarged + self.beside(cat(*beside))


def _quarters(weight: Tensor) -> Tensor:
    """(O, C, 3, 3) -> (4 O, C, 2, 2), in pixel_shuffle's order: odd rows and columns first, which the crop puts in place."""
    before, at, after = weight.unbind(2)
    rows = torch.stack(
        [torch.stack([before + at, after], 2), torch.stack([before, at + after], 2)], 1
    )  # (O, 2, C, 2, 3)
    left, centre, right = rows.unbind(4)
    both = torch.stack(
        [torch.stack([left + centre, right], 4), torch.stack([left, centre + right], 4)], 2
    )  # (O, 2, 2, C, 2, 2)
    return both.flatten(0, 2)


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
