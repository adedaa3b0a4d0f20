"""What the speech tokenizer hears with: the lower layers of Whisper's encoder (Radford et al. 2022, section 2.2), as they are.

    (B, 4 T, 80) log-mel --Whisper's scale--> conv, conv halved in time --layers--> (B, 2 T, 512) -> (B, T, 1024)

Whisper has heard 680,000 hours of speech in a hundred languages; no network taught by the sound at hand holds for new voices as
well. Lips are read best from its third layer of six. It hears windows of four seconds here, not thirty.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from vqcodec.runtime.transformer import Layer
from vqcodec.speech.mel import BANDS

TRUNK_WIDTH, TRUNK_HEADS = 512, 8
HEARD = 2 * TRUNK_WIDTH
"""Two of Whisper's frames of 20 ms to a token."""
_LOUDNESS_SPAN = 8.0
"""Powers of ten below a window's loudest place that are told apart."""


def scaled(mel: Tensor) -> Tensor:
    """(B, N, 80) log-mel -> the same on Whisper's scale: what is far below the window's loudest place is silence."""
    loudest = mel.amax((1, 2), keepdim=True)
    return (torch.maximum(mel, loudest - _LOUDNESS_SPAN) + 4) / 4


def sinusoids(length: int, width: int, device: torch.device) -> Tensor:
    """(length, width) positions as Whisper tells them: sines, then cosines, of periods in geometric progression."""
    half = width // 2
    rates = torch.exp(-math.log(10000) / (half - 1) * torch.arange(half, device=device))
    angle = torch.arange(length, device=device)[:, None] * rates
    return torch.cat([angle.sin(), angle.cos()], 1)


class Trunk(nn.Module):
    """Whisper's first layers.

    Args:
        layers: how many of them.
        width, heads: as the weights have them.
    """

    def __init__(self, layers: int, width: int = TRUNK_WIDTH, heads: int = TRUNK_HEADS) -> None:
        super().__init__()
        self.first = nn.Conv1d(BANDS, width, 3, padding=1)
        self.halve = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.layers = nn.ModuleList(Layer(width, heads) for _ in range(layers))

    def forward(self, mel: Tensor) -> Tensor:
        """(B, 4 T, 80) log-mel of a window -> (B, T, 2 width)."""
        x = functional.gelu(self.first(scaled(mel).transpose(1, 2)))
        x = functional.gelu(self.halve(x)).transpose(1, 2)
        batch, frames, width = x.shape
        x = x + sinusoids(frames, width, x.device)
        for layer in self.layers:
            x = layer(x, None)
        return x.reshape(batch, frames // 2, 2 * width)
