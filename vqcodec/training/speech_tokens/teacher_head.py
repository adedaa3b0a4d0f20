"""What teaches the speech encoder to keep what is said; thrown away after training.

(B, T, 5) levels --a layer--> teacher's features (B, T, 128), log-mel (B, T, 80), lips (B, T, 3)
"""

from __future__ import annotations

from torch import Tensor, nn

from vqcodec.runtime.transformer import Stack
from vqcodec.speech.encoder import TOKEN_DIMS
from vqcodec.speech.mel import BANDS

LIP_SIGNALS = 3


class TeacherHead(nn.Module):
    """From quantized levels to what the teacher hears; thrown away after training."""

    def __init__(self, width: int, layers: int, heads: int, features: int) -> None:
        super().__init__()
        self.widen = nn.Linear(TOKEN_DIMS, width)
        self.stack = Stack(layers, width, heads)
        self.features, self.mel, self.lips = (
            nn.Linear(width, n) for n in (features, BANDS, LIP_SIGNALS)
        )

    def forward(self, levels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, T, 5) -> the teacher's features (B, T, features), log-mel (B, T, 80) and lips (B, T, 3), all at unit scale."""
        x = self.stack(self.widen(levels))
        return self.features(x), self.mel(x), self.lips(x)
