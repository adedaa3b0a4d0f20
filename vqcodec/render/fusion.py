"""Two portraits in one picture: both are warped to the frame, and each place shows the one that says more about it.

    portrait a --FlowNet--> features a, warped a --\
                                                     share(a) = sigmoid(4 (score(a) - score(b))) --> one set of features
    portrait b --FlowNet--> features b, warped b --/

A score is what FlowNet's last features say about a place, less how much the portrait must bend there (a mouth that opens, an
eye that shuts), less, up to a limit, how far all of it is from the frame. So, untrained, the nearer portrait shows most, and
the other one those parts that it shows as they are. A portrait alone is never scored: its rendering is what it would be
without this file.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vqcodec.render.blocks import conv

NEARNESS = 150.0
"""How much score a portrait loses for each unit of its landmarks' mean distance: .02 of half the picture are enough."""
BEND = 150.0
"""The same for what a place must move beyond what the head as a whole does."""
LIMIT = 3.0
"""What distance alone can make of the difference of two scores: a place may still disagree."""
SHARPNESS = 4.0
"""How hard the choice is. Mixing (1) has the lower perceptual distance and doubled outlines, which ST-LPIPS sees."""


class Score(NamedTuple):
    """What speaks for one portrait.

    Attributes:
        places: (N, 2, s, s) float32: for what is warped, for what stands still.
        apart: (N,) float32 mean distance of its landmarks from the frame's, in -1..1 units.
    """

    places: Tensor
    apart: Tensor


class Shares(NamedTuple):
    """How much of each place the first of two portraits shows.

    Attributes:
        warped: (N, 1, s, s) float32 in 0..1, of what is bent to the frame.
        still: (N, 1, s, s) float32 in 0..1, of what moves with the background.
    """

    warped: Tensor
    still: Tensor


class Fusion(nn.Module):
    """Scores portraits place by place."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.confidence = conv(channels, 2, gain=0.0)
        self.log_nearness = nn.Parameter(torch.tensor(math.log(NEARNESS)))
        self.log_bend = nn.Parameter(torch.tensor(math.log(BEND)))

    def score(self, features: Tensor, bent: Tensor, lm_s: Tensor, lm_t: Tensor) -> Score:
        """Score of one portrait.

        Args:
            features: (N, channels, s, s) of FlowNet.
            bent: (N, 2, s, s) float32, on the face: by how much the landmarks' flow differs from the whole head's.
            lm_s: (N, 478, 2) the portrait's landmarks in -1..1.
            lm_t: (N, 478, 2) the frames' landmarks.
        """
        apart = torch.linalg.vector_norm(lm_s - lm_t, dim=-1).mean(1)
        warped, still = self.confidence(features).float().split(1, 1)
        length = torch.linalg.vector_norm(bent, dim=1, keepdim=True)
        return Score(torch.cat([warped - self.log_bend.float().exp() * length, still], 1), apart)

    def shares(self, first: Score, second: Score) -> Shares:
        """Two scores -> shares of the first."""
        nearer = self.log_nearness.float().exp() * (second.apart - first.apart)
        nearer = LIMIT * torch.tanh(nearer / LIMIT)
        difference = first.places - second.places + nearer[:, None, None, None]
        shares = torch.sigmoid(SHARPNESS * difference)
        return Shares(*shares.split(1, 1))


def at_size(share: Tensor, size: int) -> Tensor:
    """(N, 1, s, s) share at another resolution."""
    side = share.shape[-1]
    if side == size:
        return share
    if side > size:
        return F.avg_pool2d(share, side // size)
    return F.interpolate(share, size=(size, size), mode="bilinear", align_corners=False)


def mixed(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    """(N, C, S, S) twice, by a share (N, 1, s, s) of the first -> (N, C, S, S)."""
    return torch.lerp(second, first, at_size(share, first.shape[-1]).to(first.dtype))


def mixed_levels(first: Sequence[Tensor], second: Sequence[Tensor], share: Tensor) -> list[Tensor]:
    """`mixed` of features at several resolutions."""
    return [mixed(a, b, share) for a, b in zip(first, second, strict=True)]


def mixed_pictures(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    """`mixed` without gradients, in a third of the time on a CPU: OpenCV's blend, picture by picture.

    Args:
        first: (N or 1, 3, S, S) float32, channels-last in memory.
        second: (N or 1, 3, S, S) float32, likewise.
        share: (N, 1, s, s) float32 of the first.

    Returns:
        (N, 3, S, S) float32.
    """
    size = first.shape[-1]
    if first.device.type != "cpu":
        return mixed(first, second, share)
    out = torch.empty((len(share), size, size, 3))
    pictures = [_pictures(x, len(share)) for x in (first, second)]
    for number, weight in enumerate(share[:, 0].float().numpy()):
        large = cv2.resize(weight, (size, size), interpolation=cv2.INTER_LINEAR)
        a, b = (p[number] for p in pictures)
        out[number] = torch.from_numpy(cv2.blendLinear(a, b, large, 1 - large))
    return out.permute(0, 3, 1, 2)


def _pictures(x: Tensor, count: int) -> np.ndarray:
    pictures = np.ascontiguousarray(x.permute(0, 2, 3, 1).numpy())
    return np.broadcast_to(pictures, (count, *pictures.shape[1:]))
