"""The speech tokenizer's network: log-mel -> Whisper's lower layers -> a head of our own -> FSQ.

The paper's Figure 2 b takes CosyVoice's tokenizer (Du et al. 2024), which is supervised by the meaning of speech; so is this.

    (B, 4 T, 80) log-mel --trunk--> (B, T, 1024) --layers--> (B, T, width) -> (B, T, 5) --FSQ 5x5x5x5x5--> code in 0..3124

What teaches the head is vqcodec.training.speech_tokens.teacher_head; the trunk is Whisper's and isn't trained.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from vqcodec.runtime.transformer import Stack
from vqcodec.speech.trunk import TRUNK_HEADS, TRUNK_WIDTH, Trunk

TOKEN_DIMS = 5
TOKEN_LEVELS = 5
TOKEN_CODES = TOKEN_LEVELS**TOKEN_DIMS


@dataclass(frozen=True, slots=True)
class EncoderShape:
    """Size of the encoder.

    Attributes:
        width, layers, heads: of the head.
        trunk_layers, trunk_width, trunk_heads: of what stands before it.
    """

    width: int = 256
    layers: int = 2
    heads: int = 4
    trunk_layers: int = 3
    trunk_width: int = TRUNK_WIDTH
    trunk_heads: int = TRUNK_HEADS

    def to_facts(self) -> dict[str, int]:
        """For a file's header."""
        return asdict(self)


class TokenHead(nn.Module):
    """From what the trunk hears to levels."""

    def __init__(self, shape: EncoderShape) -> None:
        super().__init__()
        self.shape = shape
        self.norm = nn.LayerNorm(2 * shape.trunk_width)
        self.join = nn.Linear(2 * shape.trunk_width, shape.width)
        self.stack = Stack(shape.layers, shape.width, shape.heads)
        self.narrow = nn.Linear(shape.width, TOKEN_DIMS)
        with torch.no_grad():
            self.narrow.weight.mul_(
                1.7
            )  # unit scale before tanh, so that all levels are used from the start

    def wide(self, heard: Tensor) -> Tensor:
        """(B, T, 1024) of the trunk -> (B, T, width), before the bottleneck."""
        result: Tensor = self.stack(self.join(self.norm(heard)))
        return result

    def bounded(self, wide: Tensor) -> Tensor:
        """(B, T, width) -> (B, T, 5) between -2.4 and 2.4, not yet rounded."""
        return (TOKEN_LEVELS // 2 + 0.4) * torch.tanh(self.narrow(wide).float())

    def forward(self, heard: Tensor) -> Tensor:
        """(B, T, 1024) of the trunk -> (B, T, 5), `bounded`."""
        return self.bounded(self.wide(heard))

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


class SpeechEncoder(nn.Module):
    """Log-mel to levels: all that ships."""

    def __init__(self, shape: EncoderShape) -> None:
        super().__init__()
        self.trunk = Trunk(shape.trunk_layers, shape.trunk_width, shape.trunk_heads)
        self.head = TokenHead(shape)

    def forward(self, mel: Tensor) -> Tensor:
        """(B, 4 T, 80) log-mel of a window -> (B, T, 5), `TokenHead.bounded`."""
        result: Tensor = self.head(self.trunk(mel))
        return result
