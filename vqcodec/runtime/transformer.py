"""What the networks of speech and of motion from it are made of: transformer layers that look both ways."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


def rotary(length: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosine and sine of rotary positions (Su et al. 2021), each (length, width); only differences of positions count."""
    rates = 10000.0 ** (-torch.arange(0, width, 2, device=device) / width)
    angle = torch.arange(length, device=device)[:, None] * rates
    return torch.cat([angle.cos()] * 2, -1), torch.cat([angle.sin()] * 2, -1)


def rotated(x: Tensor, positions: tuple[Tensor, Tensor]) -> Tensor:
    """(B, H, T, D) with every pair of numbers turned by its position's angle."""
    first, second = x.chunk(2, -1)
    cosine, sine = positions
    return x * cosine.to(x.dtype) + torch.cat([-second, first], -1) * sine.to(x.dtype)


def _attended(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, *, fused: bool) -> Tensor:
    """Attention, (B, H, T, D) each. Spelt out in training: on CPUs the fused one's gradient takes ten times as long."""
    if fused:
        return functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e4)
    return functional.softmax(scores, -1) @ v


class Layer(nn.Module):
    """Pre-norm self-attention and feed-forward, as BERT's layers are but for the place of the norms.

    Args:
        width: of the stream.
        heads: of the attention.
        dropout: after attention and feed-forward.
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.drop = nn.Dropout(dropout)

    def forward(
        self, x: Tensor, positions: tuple[Tensor, Tensor] | None, mask: Tensor | None = None
    ) -> Tensor:
        """(B, T, width) -> the same.

        Args:
            x: the stream.
            positions: from `rotary`; None where the stream itself tells them.
            mask: (B, 1, 1, T) is true where there is something to attend to.
        """
        batch, length, width = x.shape
        q, k, v = (
            self.qkv(self.norm1(x)).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        )
        if positions is not None:
            q, k = rotated(q, positions), rotated(k, positions)
        seen = _attended(q, k, v, mask, fused=not self.training)
        x = x + self.drop(self.out(seen.transpose(1, 2).reshape(batch, length, width)))
        added: Tensor = x + self.drop(self.down(functional.gelu(self.up(self.norm2(x)))))
        return added


class Stack(nn.Module):
    """Layers one after another, and a last norm."""

    def __init__(self, layers: int, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head_width = width // heads

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, T, width) -> the same."""
        positions = rotary(x.shape[1], self.head_width, x.device)
        for layer in self.layers:
            x = layer(x, positions, mask)
        result: Tensor = self.norm(x)
        return result
