"""The quantizers of the paper's Table 3: VQ, GVQ, RVQ, GRVQ with learned codebooks, and GRFSQ with fixed levels.

For comparison and training only: streams hold the integer GRFSQ of grfsq.py. All of them follow the paper's Algorithm 1:
split into groups, quantize what is left of each group R times, add up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vqcodec.format import DIMS, GROUP_DIMS

FRAME_RATE_HZ = 25
DECAY = 0.99
"""Of the running means that learned codes follow."""
_REACH_QUANTILE = 0.999
_DISTANCES_AT_ONCE = 1 << 24


@dataclass(frozen=True, slots=True)
class Design:
    """One row of Table 3.

    Attributes:
        key: short name for files.
        method: as the paper calls it.
        groups: G, quantized separately.
        residuals: R, stages.
        codes: entries of each of the G x R codebooks.
        levels: FSQ levels of each of a group's four dimensions; None stands for a learned codebook.
    """

    key: str
    method: str
    groups: int
    residuals: int
    codes: int
    levels: int | None = None

    @property
    def latent_dims(self) -> int:
        """Width of what is quantized: 4 a group with FSQ (its lists have four entries), else the least multiple of G >= 48."""
        if self.levels is not None:
            return self.groups * GROUP_DIMS
        return self.groups * math.ceil(DIMS / self.groups)

    @property
    def bits_per_frame(self) -> float:
        """G R log2(codes), raw indices."""
        return self.groups * self.residuals * math.log2(self.codes)

    @property
    def raw_kbps(self) -> float:
        """Raw indices at 25 frames a second, as the paper counts: 12 x 4 x log2 625 x 25 = 11.1 kbit/s."""
        return self.bits_per_frame * FRAME_RATE_HZ / 1000

    @property
    def code_text(self) -> str:
        """The column "# Codes"."""
        return str(self.codes) if self.levels is None else "x".join([str(self.levels)] * GROUP_DIMS)


def _grfsq(groups: int, residuals: int, levels: int) -> Design:
    return Design(
        f"grfsq-{groups}x{residuals}-{levels}",
        "GRFSQ",
        groups,
        residuals,
        levels**GROUP_DIMS,
        levels,
    )


DESIGNS = (
    Design("vq", "VQ", 1, 1, 8196),
    Design("gvq", "GVQ", 32, 1, 1024),
    Design("rvq", "RVQ", 1, 32, 1024),
    Design("grvq", "GRVQ", 12, 4, 1024),
    _grfsq(8, 4, 5),
    _grfsq(12, 2, 5),
    _grfsq(12, 4, 4),
    _grfsq(12, 4, 6),
    _grfsq(12, 4, 5),
)
"""The rows in the paper's order (8196 codes are the paper's number)."""


class Quantized(NamedTuple):
    """What a quantizer makes of latents.

    Attributes:
        values: (N, D), gradients pass straight through to the latents.
        indices: (N, G, R) int64 in 0..codes-1.
        stray: scalar, how far latents lie from what they became (learned codes) or out of reach (FSQ), mean square.
    """

    values: Tensor
    indices: Tensor
    stray: Tensor


class Fsq(nn.Module):
    """Grouped residual FSQ (paper, Algorithm 1, with FSQ of Fabian et al. 2024).

    Stage r has L levels at (c - (L-1)/2) (L-1)^(R-1-r), c = 0..L-1, in units of `gain`: symmetric for even L, too, which
    differs from FSQ's own placing only by a constant that the layers around it absorb. Latents out of reach are clipped.
    """

    def __init__(self, design: Design) -> None:
        super().__init__()
        assert design.levels is not None
        self.design, self.levels = design, design.levels
        self.steps = tuple(
            float((self.levels - 1) ** (design.residuals - 1 - r)) for r in range(design.residuals)
        )
        self.reach = (self.levels - 1) / 2 * sum(self.steps)
        self.gain: Tensor
        self.register_buffer("gain", torch.ones(design.latent_dims))

    @torch.no_grad()
    def fit(self, latents: Tensor) -> None:
        """Set the gains so that 99.9 % of (N, D) latents are in reach, dimension by dimension."""
        self.gain.copy_((latents.abs().quantile(_REACH_QUANTILE, 0) / self.reach).clamp(min=1e-6))

    def forward(self, latents: Tensor, *, learn: bool = False, revive: bool = False) -> Quantized:
        """(N, D) -> Quantized; nothing is learned here."""
        with torch.no_grad():
            rest = latents / self.gain
            centre, digits = (self.levels - 1) / 2, []
            for step in self.steps:
                digit = (rest / step + centre).round().clamp(0, self.levels - 1)
                rest = rest - (digit - centre) * step
                digits.append(digit.long())
            indices = self._packed(torch.stack(digits, -1))
            values = self.decode(indices)
        limit = self.reach * self.gain
        stray = (latents - latents.detach().clamp(-limit, limit)).square().mean()
        return Quantized(latents + (values - latents).detach(), indices, stray)

    def _places(self) -> Tensor:
        return self.levels ** torch.arange(GROUP_DIMS, device=self.gain.device)

    def _packed(self, digits: Tensor) -> Tensor:
        grouped = digits.unflatten(1, (self.design.groups, GROUP_DIMS))
        return (grouped * self._places()[:, None]).sum(2)

    def decode(self, indices: Tensor) -> Tensor:
        """(N, G, R) indices -> (N, D) values."""
        digits = indices[:, :, None] // self._places()[:, None] % self.levels
        steps = torch.tensor(self.steps, device=indices.device)
        return ((digits - (self.levels - 1) / 2) * steps).sum(-1).flatten(1) * self.gain


class LearnedCodes(nn.Module):
    """Grouped residual vector quantization; codes are running means of what chose them (van den Oord et al. 2017, app. A.1).

    Codes that almost nothing chooses are put where data is when `revive` asks for it.
    """

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.design, self.width = design, design.latent_dims // design.groups
        shape = (design.residuals, design.groups, design.codes)
        self.codes: Tensor
        self.hits: Tensor
        self.sums: Tensor
        self.register_buffer("codes", torch.zeros(*shape, self.width))
        self.register_buffer("hits", torch.ones(shape), persistent=False)
        self.register_buffer("sums", torch.zeros(*shape, self.width), persistent=False)

    @torch.no_grad()
    def fit(self, latents: Tensor, rounds: int = 2) -> None:
        """Codebooks by a few rounds of k-means over (N, D) latents, stage after stage."""
        rest = self._split(latents)
        count = rest.shape[1]
        for stage in range(self.design.residuals):
            chosen = torch.stack(
                [
                    torch.randperm(max(count, self.design.codes))[: self.design.codes] % count
                    for _ in rest
                ]
            )
            self._place(stage, rest.gather(1, chosen[..., None].expand(-1, -1, self.width)), 1.0)
            for _ in range(rounds):
                hits, sums = self._gathered(rest, self._nearest(rest, stage))
                used = hits > 0
                means = torch.where(
                    used[..., None], sums / hits.clamp(min=1)[..., None], self.codes[stage]
                )
                self._place(stage, means, 1.0)
            rest = rest - self._taken(self._nearest(rest, stage), stage)

    def forward(self, latents: Tensor, *, learn: bool = False, revive: bool = False) -> Quantized:
        """(N, D) -> Quantized; `learn` lets the codes follow, `revive` also moves dead ones onto these latents."""
        with torch.no_grad():
            rest, indices = self._split(latents), []
            for stage in range(self.design.residuals):
                index = self._nearest(rest, stage)
                taken = self._taken(index, stage)
                if learn:
                    self._follow(rest, index, stage)
                if revive:
                    self._revive(rest, stage)
                rest = rest - taken
                indices.append(index)
            values = latents - rest.transpose(0, 1).flatten(1)
        stray = (latents - values).square().mean()
        return Quantized(
            latents + (values - latents).detach(), torch.stack(indices, -1).transpose(0, 1), stray
        )

    def decode(self, indices: Tensor) -> Tensor:
        """(N, G, R) indices -> (N, D) values."""
        return (
            torch.stack([self._taken(indices[..., r].T, r) for r in range(self.design.residuals)])
            .sum(0)
            .transpose(0, 1)
            .flatten(1)
        )

    def _split(self, latents: Tensor) -> Tensor:
        """(N, D) -> (G, N, D/G)."""
        return (
            latents.detach()
            .unflatten(1, (self.design.groups, self.width))
            .transpose(0, 1)
            .contiguous()
        )

    def _nearest(self, rest: Tensor, stage: int) -> Tensor:
        codes = self.codes[stage]
        offset = codes.square().sum(-1)[:, None] / 2
        chunk = max(1, _DISTANCES_AT_ONCE // (self.design.groups * self.design.codes))
        return torch.cat(
            [
                (torch.baddbmm(offset, part, codes.transpose(1, 2), alpha=-1)).argmin(-1)
                for part in rest.split(chunk, 1)
            ],
            1,
        )

    def _taken(self, index: Tensor, stage: int) -> Tensor:
        return self.codes[stage].gather(1, index[..., None].expand(-1, -1, self.width))

    def _gathered(self, rest: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        hits = torch.zeros_like(self.hits[0]).scatter_add_(1, index, torch.ones_like(rest[..., 0]))
        sums = torch.zeros_like(self.sums[0]).scatter_add_(
            1, index[..., None].expand_as(rest), rest
        )
        return hits, sums

    def _place(self, stage: int, codes: Tensor, hits: float) -> None:
        self.codes[stage], self.hits[stage], self.sums[stage] = codes, hits, codes * hits

    def _follow(self, rest: Tensor, index: Tensor, stage: int) -> None:
        hits, sums = self._gathered(rest, index)
        self.hits[stage].lerp_(hits, 1 - DECAY)
        self.sums[stage].lerp_(sums, 1 - DECAY)
        self.codes[stage] = self.sums[stage] / self.hits[stage].clamp(min=1e-6)[..., None]

    def _revive(self, rest: Tensor, stage: int) -> None:
        fair = rest.shape[1] / self.design.codes
        dead = self.hits[stage] < 0.05 * fair
        chosen = torch.randint(rest.shape[1], dead.shape)
        fresh = rest.gather(1, chosen[..., None].expand(-1, -1, self.width))
        self.codes[stage] = torch.where(dead[..., None], fresh, self.codes[stage])
        self.hits[stage] = torch.where(
            dead, torch.full_like(self.hits[stage], fair), self.hits[stage]
        )
        self.sums[stage] = torch.where(dead[..., None], fresh * fair, self.sums[stage])


def quantizer_of(design: Design) -> Fsq | LearnedCodes:
    """The quantizer of a row, not fitted yet."""
    return LearnedCodes(design) if design.levels is None else Fsq(design)
