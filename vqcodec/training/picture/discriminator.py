"""A discriminator on frozen image features (projected GAN): what tells drawn hair, teeth and skin from filmed ones.

The perceptual loss already computes EfficientNet-Lite0's features of output and target; the discriminator looks at these
alone, so it costs a twentieth of a step. Hinge losses, spectral normalisation, feature matching on its middle layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

FEATURE_CHANNELS = (16, 24, 40, 80, 112)
"""Channels of the blocks that training.picture.losses.LEVELS names."""
_USED = (0, 1, 2, 3)  # sharpness lies in the finer levels
_WIDTH = 48
_RATE = 2e-4


class _Judge(nn.Module):
    """(N, c, h, w) normalised features of one level -> logits (N, 1, h, w) and a middle layer."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mix = spectral_norm(nn.Conv2d(channels, _WIDTH, 1))
        self.look = spectral_norm(nn.Conv2d(_WIDTH, _WIDTH, 3, 1, 1))
        self.out = spectral_norm(nn.Conv2d(_WIDTH, 1, 1))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        # unit vectors over the channels: brought to about unit scale a channel
        x = F.leaky_relu(self.mix(features * features.shape[1] ** 0.5), 0.2)
        middle = F.leaky_relu(self.look(x), 0.2)
        return self.out(middle), middle


class Discriminator(nn.Module):
    """Judges windows of whole pictures and enlarged mouths and eyes apart: they look different."""

    def __init__(self) -> None:
        super().__init__()
        self.judges = nn.ModuleList(
            nn.ModuleList(_Judge(FEATURE_CHANNELS[i]) for i in _USED) for _ in range(2)
        )

    def judge(self, features: Sequence[Tensor], enlarged: bool) -> list[tuple[Tensor, Tensor]]:
        """Logits and middle layers by level, of PerceptualLoss.features."""
        judges = self.judges[int(enlarged)]
        return [judge(features[i]) for i, judge in zip(_USED, judges, strict=True)]  # type: ignore[call-overload]

    def fooled(
        self, made: Sequence[Tensor], real: Sequence[Tensor], enlarged: bool
    ) -> tuple[Tensor, Tensor]:
        """What the renderer wants small: how surely its features are seen through, and how far the middle layers are apart."""
        with torch.no_grad():
            wanted = self.judge(real, enlarged)
        got = self.judge(made, enlarged)
        seen = torch.stack([-logits.float().mean() for logits, _ in got]).mean()
        apart = torch.stack(
            [
                (a.float() - b.float()).abs().mean()
                for (_, a), (_, b) in zip(got, wanted, strict=True)
            ]
        ).mean()
        return seen, apart

    def error(self, made: Sequence[Tensor], real: Sequence[Tensor], enlarged: bool) -> Tensor:
        """Hinge loss of the discriminator itself, on features without gradients."""
        losses = [
            F.relu(1 - r.float()).mean() + F.relu(1 + m.float()).mean()
            for (r, _), (m, _) in zip(
                self.judge(real, enlarged), self.judge(made, enlarged), strict=True
            )
        ]
        return torch.stack(losses).mean()


class Opponent:
    """The discriminator with its optimizer, one step after each of the renderer's."""

    def __init__(self, device: torch.device) -> None:
        self.net = Discriminator().to(device)
        self._optimizer = torch.optim.Adam(self.net.parameters(), lr=_RATE, betas=(0.0, 0.99))

    def learn(self, made: Sequence[Tensor], real: Sequence[Tensor], enlarged: bool) -> float:
        """Train on one batch of features; returns the hinge loss (2: blind, 0: sure of everything)."""
        self._optimizer.zero_grad(set_to_none=True)
        error = self.net.error(made, real, enlarged)
        error.backward()
        if torch.distributed.is_initialized():
            for parameter in self.net.parameters():
                if parameter.grad is not None:
                    torch.distributed.all_reduce(parameter.grad)
                    parameter.grad /= torch.distributed.get_world_size()
        self._optimizer.step()
        return float(error.detach())

    def save(self, path: Path) -> None:
        """Write the weights; the optimizer starts anew after a pause."""
        save_file({k: v.contiguous() for k, v in self.net.state_dict().items()}, str(path))

    def load(self, path: Path) -> None:
        """Read what `save` wrote."""
        self.net.load_state_dict(load_file(str(path)))
