"""The speech tokenizer's network: log-mel -> encoder -> FSQ.

The paper's Figure 2 b takes CosyVoice's tokenizer (Du et al. 2024), which is supervised by the meaning of speech; so is this.

    (B, 4 T, 80) log-mel --conv, halved twice--> (B, T, width) --layers--> (B, T, 5) --FSQ 5x5x5x5x5--> code in 0..3124

What teaches it is vqcodec.training.speech_tokens.teacher_head.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from vqcodec.runtime.transformer import Stack
from vqcodec.speech.mel import BANDS

TOKEN_DIMS = 5
TOKEN_LEVELS = 5
TOKEN_CODES = TOKEN_LEVELS**TOKEN_DIMS
MEL_MEAN, MEL_SCALE = -3.5, 2.0
"""Bring log-mel to about unit scale; constants, since a stream can't know its own mean."""


@dataclass(frozen=True, slots=True)
class EncoderShape:
    """Size of the encoder."""

    width: int = 256
    layers: int = 4
    heads: int = 4

    def to_facts(self) -> dict[str, int]:
        """For a file's header."""
        return asdict(self)


class SpeechEncoder(nn.Module):
    """Log-mel to codes: all that ships."""

    def __init__(self, shape: EncoderShape) -> None:
        super().__init__()
        self.shape = shape
        self.first = nn.Conv1d(BANDS, shape.width, 3, padding=1)
        self.halve = nn.ModuleList(
            nn.Conv1d(shape.width, shape.width, 4, stride=2, padding=1) for _ in range(2)
        )
        self.stack = Stack(shape.layers, shape.width, shape.heads)
        self.narrow = nn.Linear(shape.width, TOKEN_DIMS)
        with torch.no_grad():
            self.narrow.weight.mul_(
                1.7
            )  # unit scale before tanh, so that all levels are used from the start

    def wide(self, mel: Tensor) -> Tensor:
        """(B, 4 T, 80) log-mel -> (B, T, width), before the bottleneck."""
        x = functional.gelu(self.first((mel.transpose(1, 2) - MEL_MEAN) / MEL_SCALE))
        for halve in self.halve:
            x = functional.gelu(halve(x))
        result: Tensor = self.stack(x.transpose(1, 2))
        return result

    def bounded(self, wide: Tensor) -> Tensor:
        """(B, T, width) -> (B, T, 5) between -2.4 and 2.4, not yet rounded."""
        return (TOKEN_LEVELS // 2 + 0.4) * torch.tanh(self.narrow(wide).float())

    def forward(self, mel: Tensor) -> Tensor:
        """(B, 4 T, 80) log-mel -> (B, T, 5), `bounded`."""
        return self.bounded(self.wide(mel))

    @staticmethod
    def quantized(bounded: Tensor) -> Tensor:
        """Rounded to whole levels, gradient passed straight through."""
        return (
            bounded
            + (
                torch.round(bounded).clamp(-(TOKEN_LEVELS // 2), TOKEN_LEVELS // 2) - bounded
            ).detach()
        )

    @staticmethod
    def codes(bounded: Tensor) -> Tensor:
        """(..., 5) -> (...) int64 in 0..3124: the first dimension counts least."""
        digits = (
            torch.round(bounded).clamp(-(TOKEN_LEVELS // 2), TOKEN_LEVELS // 2).long()
            + TOKEN_LEVELS // 2
        )
        return (digits * TOKEN_LEVELS ** torch.arange(TOKEN_DIMS, device=digits.device)).sum(-1)
