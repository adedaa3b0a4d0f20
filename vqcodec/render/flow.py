"""Flow from landmarks: what the geometry alone says about where each output pixel comes from.

Flows are backward, in normalised units of grid_sample (the picture spans -1..1): the output at x is the source at
x + flow(x).
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vqcodec.geometry.mesh import ANCHORS, EYES, IRISES, LIPS, OVAL


@lru_cache(maxsize=32)
def base_grid(height: int, width: int, device: torch.device) -> Tensor:
    """(1, H, W, 2) float32 pixel centres in -1..1, x first (align_corners=False). Shared: don't write to it."""
    # an inference tensor in the cache could not take part in training later
    with torch.inference_mode(False):
        y = (torch.arange(height, device=device, dtype=torch.float32) * 2 + 1) / height - 1
        x = (torch.arange(width, device=device, dtype=torch.float32) * 2 + 1) / width - 1
        return torch.stack(torch.meshgrid(x, y, indexing="xy"), -1)[None]


def warp(image: Tensor, flow: Tensor) -> Tensor:
    """Sample `image` (N, C, h, w) at grid + flow, flow (N, 2, H, W) float32 -> (N, C, H, W) of image's dtype."""
    grid = base_grid(flow.shape[2], flow.shape[3], flow.device) + flow.permute(0, 2, 3, 1)
    sampled = F.grid_sample(
        image.float(), grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    return sampled.to(image.dtype)


def resize_flow(flow: Tensor, size: int) -> Tensor:
    """(N, 2, h, w) flow at another resolution; the values are relative to the picture, so they stay."""
    if flow.shape[-1] == size:
        return flow
    if flow.shape[-1] > size:
        return F.avg_pool2d(flow, flow.shape[-1] // size)
    # two channels side by side would defeat the vector units
    return F.interpolate(flow.contiguous(), size=(size, size), mode="bilinear", align_corners=False)


def affine_flow(source: Tensor, target: Tensor, size: int) -> Tensor:
    """Flow of the least-squares affine map that takes target landmarks to source landmarks.

    Args:
        source: (N, K, 2) landmarks in -1..1.
        target: (N, K, 2) landmarks in -1..1.
        size: side of the flow.

    Returns:
        (N, 2, size, size) float32: how head and hair move if they are rigid.
    """
    ones = torch.ones_like(target[..., :1])
    design = torch.cat([target, ones], -1)
    grid = base_grid(size, size, target.device).reshape(1, -1, 2)
    with torch.autocast(target.device.type, enabled=False):
        gram = design.transpose(1, 2) @ design + 1e-4 * torch.eye(3, device=target.device)
        solution = torch.linalg.solve(gram, design.transpose(1, 2) @ (source - target))
        moved = torch.cat([grid, torch.ones_like(grid[..., :1])], -1) @ solution
    return moved.transpose(1, 2).reshape(-1, 2, size, size)


def similarity_flow(matrices: Tensor, size: int) -> Tensor:
    """Flow of (N, 3, 3) float32 maps from target to source, on -1..1 -> (N, 2, size, size) float32."""
    grid = base_grid(size, size, matrices.device).reshape(1, -1, 2)
    with torch.autocast(matrices.device.type, enabled=False):
        flow = (
            grid @ (matrices[:, :2, :2] - torch.eye(2, device=matrices.device)).transpose(1, 2)
            + matrices[:, None, :2, 2]
        )
    return flow.transpose(1, 2).reshape(-1, 2, size, size)


def outside(flow: Tensor) -> Tensor:
    """(N, 2, h, w) flow -> (N, 1, h, w): 0 where it points into the picture, 1 where a quarter of its half beside it."""
    grid = base_grid(flow.shape[2], flow.shape[3], flow.device).permute(0, 3, 1, 2)
    return (((grid + flow).abs() - 1).clamp(0, 0.25) * 4).amax(1, keepdim=True)


def carried_body(source: Tensor, background: Tensor, size: int) -> Tensor:
    """Where a portrait that is moved with its background shows the person, who doesn't move with it: a ghost.

    Args:
        source: (N, 478, 2) the portrait's landmarks in -1..1.
        background: (N, 3, 3) float32 maps from target to portrait on -1..1.
        size: side of the mask.

    Returns:
        (N, 1, size, size) float32 in 0..1: head with hair, and the torso below; 0 everywhere while the background stands.
    """
    oval = source[:, list(OVAL)]
    low, high = oval.amin(1), oval.amax(1)
    span = (high - low).clamp(min=0.05)
    centre = (low + high) / 2 - span * torch.tensor([0.0, 0.12], device=source.device)
    grid = base_grid(size, size, source.device)
    at = grid + similarity_flow(background, size).permute(0, 2, 3, 1)
    away = (at - centre[:, None, None]) / span[:, None, None]
    head = torch.sigmoid((1 - (away / 0.8).square().sum(-1)) * 6)
    torso = torch.sigmoid((away[..., 1] - 0.72) * 12) * torch.sigmoid(
        (1.9 - away[..., 0].abs()) * 6
    )
    # three pixels of 256 are enough to see two outlines
    moved = (background - torch.eye(3, device=source.device)).abs().sum((1, 2)) * (128 / 3)
    return (torch.maximum(head, torso) * moved.clamp(0, 1)[:, None, None])[:, None]


class LandmarkFlow(nn.Module):
    """Gaussian-weighted mean of landmark displacements with a learned width per landmark (design: base flow)."""

    def __init__(self) -> None:
        super().__init__()
        fine = set(LIPS) | set(EYES) | set(IRISES)
        widths = torch.tensor([0.03 if k in fine else 0.09 for k in ANCHORS])
        self.log_width = nn.Parameter(widths.log())
        self.log_floor = nn.Parameter(torch.tensor(-3.0))
        self.anchors: Tensor
        self.register_buffer("anchors", torch.tensor(ANCHORS), persistent=False)

    def forward(self, source: Tensor, target: Tensor, size: int) -> Tensor:
        """(N, 478, 2) source and target landmarks in -1..1 -> (N, 2, size, size) float32, fading to 0 far away."""
        p_s, p_t = source[:, self.anchors], target[:, self.anchors]
        grid = base_grid(size, size, target.device).reshape(1, -1, 2)
        # -|x - p|^2 / 2w^2 - log w, written as one product: [|x|^2, x, 1] . [-1, 2p, -|p|^2] / 2w^2
        half = 0.5 * torch.exp(-2 * self.log_width)
        by_anchor = torch.stack(
            [
                -half.expand_as(p_t[..., 0]),
                2 * half * p_t[..., 0],
                2 * half * p_t[..., 1],
                -half * (p_t**2).sum(-1) - self.log_width,
            ],
            1,
        )
        by_pixel = torch.cat(
            [(grid**2).sum(-1, keepdim=True), grid, torch.ones_like(grid[..., :1])], -1
        )
        with torch.autocast(
            target.device.type, enabled=False
        ):  # the terms cancel: bfloat16 would not do
            # narrow kernels outweigh wide ones where they apply: lips decide about lips
            # clamped, because exp is twelve times slower where its result is denormal
            weight = by_pixel @ by_anchor
            if torch.is_grad_enabled():
                weight = weight.clamp(min=-60.0).exp()
            else:  # in place: fresh memory takes longer than the sums
                weight.clamp_(min=-60.0).exp_()
            moved = weight @ torch.cat([p_s - p_t, torch.ones_like(p_s[..., :1])], -1)
        flow = moved[..., :2] / (moved[..., 2:] + torch.exp(self.log_floor))
        return flow.transpose(1, 2).reshape(-1, 2, size, size)


def candidate_flows(
    near_landmarks: LandmarkFlow, source: Tensor, target: Tensor, around: Tensor, size: int
) -> Tensor:
    """What FlowNet chooses from: landmarks, rigid head, background, torso.

    Args:
        near_landmarks: makes the first.
        source: (N, 478, 2) the portrait's landmarks in -1..1.
        target: (N, 478, 2) the frames'.
        around: (N, 2, 3, 3) float32 maps from target to portrait, of background and torso.
        size: side of the flows.

    Returns:
        (N, 4, 2, size, size) float32.
    """
    return torch.stack(
        [
            near_landmarks(source, target, size),
            affine_flow(source, target, size),
            similarity_flow(around[:, 0], size),
            similarity_flow(around[:, 1], size),
        ],
        1,
    )
