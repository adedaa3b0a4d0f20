"""A linear probe: multinomial logistic regression from features of 40 ms to phones, the same for dense features and for tokens.

Tokens enter as one-hot vectors: one per code and, where the code is a number of FSQ digits, one per digit as well, so that
rare codes still say what their digits say. Dense features enter standardised by the training frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

DIGITS = {3125: (5, 5), 6561: (8, 3)}
"""How many digits of how many levels a code of that many codes is: this codec's, CosyVoice 2's."""
BATCH = 1024


@dataclass(frozen=True, slots=True)
class ProbeSettings:
    """Of the regression.

    Attributes:
        epochs: passes over the training frames.
        rate: Adam's step at the start, falling to zero by a half cosine.
        penalty: of the squared weights (L2), in units of a frame's loss.
        seed: of the order of frames.
    """

    epochs: int = 8
    rate: float = 3e-3
    penalty: float = 1e-5
    seed: int = 0


class Features(Protocol):
    """Frames' features as the regression takes them."""

    @property
    def width(self) -> int:
        """Length of one frame's vector."""
        ...

    def times(self, rows: Tensor, weights: Tensor) -> Tensor:
        """(B,) rows' vectors times (width, classes) -> (B, classes)."""
        ...


class DenseFeatures:
    """Numbers, standardised."""

    def __init__(
        self, values: NDArray[np.floating], mean: NDArray[np.float32], scale: NDArray[np.float32]
    ) -> None:
        self._values = torch.from_numpy(np.ascontiguousarray(values))
        self._mean, self._scale = torch.from_numpy(mean), torch.from_numpy(scale)
        self.width = values.shape[1]

    @classmethod
    def pair(
        cls, train: NDArray[np.floating], tests: list[NDArray[np.floating]]
    ) -> tuple[DenseFeatures, list[DenseFeatures]]:
        """Training and test features on the training features' scale."""
        mean = train.mean(0, dtype=np.float64).astype(np.float32)
        # a float16 array's own variance would overflow
        power = np.mean(np.square(train.astype(np.float32) - mean), axis=0)
        scale = (1 / np.sqrt(power + 1e-6)).astype(np.float32)
        return cls(train, mean, scale), [cls(test, mean, scale) for test in tests]

    def times(self, rows: Tensor, weights: Tensor) -> Tensor:
        """See Features."""
        return ((self._values[rows].float() - self._mean) * self._scale) @ weights


class TokenFeatures:
    """One-hot vectors of codes and of their digits."""

    def __init__(self, tokens: NDArray[np.int64], codes: int) -> None:
        count, levels = DIGITS.get(codes, (0, 1))
        digits = (
            tokens[:, None] // levels ** np.arange(count) % levels
            + codes
            + levels * np.arange(count)
        )
        self._hot = torch.from_numpy(np.concatenate([tokens[:, None], digits], 1).astype(np.int64))
        self.width = codes + count * levels

    def times(self, rows: Tensor, weights: Tensor) -> Tensor:
        """See Features."""
        return functional.embedding_bag(self._hot[rows], weights, mode="sum")


class WithNeighbours:
    """The frame before, the frame and the frame after, side by side."""

    def __init__(
        self, features: Features, before: NDArray[np.int64], after: NDArray[np.int64]
    ) -> None:
        self._features, self.width = features, 3 * features.width
        self._before, self._after = torch.from_numpy(before), torch.from_numpy(after)

    def times(self, rows: Tensor, weights: Tensor) -> Tensor:
        """See Features."""
        first, here, last = weights.split(self._features.width)
        times = self._features.times
        return times(self._before[rows], first) + times(rows, here) + times(self._after[rows], last)


class Probe(nn.Module):
    """Weights and a bias."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(width, classes))
        self.bias = nn.Parameter(torch.zeros(classes))

    def forward(self, features: Features, rows: Tensor) -> Tensor:
        """(B,) rows -> (B, classes) logits."""
        return features.times(rows, self.weights) + self.bias


def fitted(
    features: Features, labels: NDArray[np.int64], classes: int, settings: ProbeSettings
) -> Probe:
    """The probe of training frames; frames with a negative label are left out.

    Args:
        features: of F frames.
        labels: (F,) in 0..classes - 1, or negative.
        classes: how many.
        settings: how to fit.
    """
    probe = Probe(features.width, classes)
    rows, wanted = torch.from_numpy(np.flatnonzero(labels >= 0)), torch.from_numpy(labels)
    order = torch.Generator().manual_seed(settings.seed)
    optimizer = torch.optim.Adam(probe.parameters(), settings.rate)
    batches = -(-len(rows) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
        optimizer, max(settings.epochs * batches, 1)
    )
    for _ in range(settings.epochs):
        for batch in rows[torch.randperm(len(rows), generator=order)].split(BATCH):
            loss = functional.cross_entropy(probe(features, batch), wanted[batch])
            loss = loss + settings.penalty * probe.weights.square().sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return probe


@torch.no_grad()
def predicted(probe: Probe, features: Features, frames: int) -> NDArray[np.int64]:
    """(frames,) int64, the likeliest class of each."""
    parts = [probe(features, rows).argmax(1) for rows in torch.arange(frames).split(8 * BATCH)]
    result: NDArray[np.int64] = torch.cat(parts).numpy() if parts else np.zeros(0, np.int64)
    return result
