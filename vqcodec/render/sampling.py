"""Bilinear sampling of one portrait at many places: the renderer's warps.

Training and GPUs use grid_sample. On a CPU, for inference, two other ways give the same pictures (level B) in a third of
the time: feature maps as weighted sums of four table rows, whose channels lie side by side in memory, and the
portrait itself by OpenCV's remap (which rounds positions to 1/32 pixel).
"""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vqcodec.render.flow import base_grid, resize_flow, warp


class Sampler(Protocol):
    """How maps and pictures are sampled at grid + flow."""

    def features(self, maps: Tensor, flow: Tensor) -> Tensor:
        """(N or 1, C, h, w) float maps, (N, 2, H, W) float32 flow -> (N, C, H, W)."""
        ...

    def picture(self, picture: Tensor, flow: Tensor, size: int) -> Tensor:
        """(N or 1, 3, S, S) float32 picture, (N, 2, H, W) flow, enlarged to `size` first -> (N, 3, size, size)."""
        ...

    def moved(self, picture: Tensor, matrices: Tensor) -> Tensor:
        """(N or 1, 3, S, S) float32 picture, (N, 3, 3) float32 maps from target to source on -1..1 -> (N, 3, S, S)."""
        ...


class GridSampler:
    """Differentiable, any device."""

    def features(self, maps: Tensor, flow: Tensor) -> Tensor:
        """See Sampler."""
        return warp(maps.expand(len(flow), -1, -1, -1), flow)

    def picture(self, picture: Tensor, flow: Tensor, size: int) -> Tensor:
        """See Sampler."""
        return warp(picture.expand(len(flow), -1, -1, -1), resize_flow(flow, size))

    def moved(self, picture: Tensor, matrices: Tensor) -> Tensor:
        """See Sampler."""
        shape = [len(matrices), *picture.shape[1:]]
        grid = F.affine_grid(matrices[:, :2].float(), shape, align_corners=False)
        return F.grid_sample(
            picture.expand(shape), grid, mode="bilinear", padding_mode="border", align_corners=False
        )


class CpuSampler:
    """For inference on a CPU, with one portrait for all frames of a batch (maps and picture have N = 1)."""

    def features(self, maps: Tensor, flow: Tensor) -> Tensor:
        """See Sampler."""
        if flow.shape[-2:] == maps.shape[-2:] and not flow.any():
            return maps.expand(
                len(flow), -1, -1, -1
            )  # a background that stands still, most of the time
        _, channels, height, width = maps.shape
        table = maps.permute(0, 2, 3, 1).reshape(height * width, channels).float()
        count, _, rows, columns = flow.shape
        grid = base_grid(rows, columns, flow.device)
        x = ((grid[..., 0] + flow[:, 0] + 1) * (width / 2) - 0.5).clamp_(0, width - 1)
        y = ((grid[..., 1] + flow[:, 1] + 1) * (height / 2) - 0.5).clamp_(0, height - 1)
        # the upper left neighbour may be the last but one at most: then the lower right one always exists
        left, top = x.floor().clamp_(max=width - 2), y.floor().clamp_(max=height - 2)
        right_share, bottom_share = x - left, y - top
        corner = (top * width + left).to(torch.int32)
        places = torch.stack([corner, corner + 1, corner + width, corner + width + 1], -1)
        lower = torch.stack([bottom_share * (1 - right_share), bottom_share * right_share], -1)
        upper = torch.stack(
            [(1 - bottom_share) * (1 - right_share), (1 - bottom_share) * right_share], -1
        )
        shares = torch.cat([upper, lower], -1)
        sampled = F.embedding_bag(
            places.reshape(-1, 4), table, mode="sum", per_sample_weights=shares.reshape(-1, 4)
        )
        return sampled.view(count, rows, columns, channels).permute(0, 3, 1, 2)

    def picture(self, picture: Tensor, flow: Tensor, size: int) -> Tensor:
        """See Sampler."""
        pixels = np.ascontiguousarray(picture[0].permute(1, 2, 0).numpy())
        span = pixels.shape[0]
        centres = (np.arange(size, dtype=np.float32) + np.float32(0.5)) * np.float32(
            span / size
        ) - np.float32(0.5)
        out = np.empty((len(flow), size, size, 3), np.float32)
        for (x, y), target in zip((flow * (span / 2)).numpy(), out, strict=True):
            across, down = (_enlarge(axis, size) for axis in (x, y))
            cv2.remap(
                pixels,
                across + centres,
                down + centres[:, None],
                cv2.INTER_LINEAR,
                dst=target,
                borderMode=cv2.BORDER_REPLICATE,
            )
        return torch.from_numpy(out).permute(0, 3, 1, 2)

    def moved(self, picture: Tensor, matrices: Tensor) -> Tensor:
        """See Sampler."""
        pixels = np.ascontiguousarray(picture[0].permute(1, 2, 0).numpy())
        side = pixels.shape[0]
        scale, half = side / 2, (side - 1) / 2
        out = np.empty((len(matrices), side, side, 3), np.float32)
        for matrix, target in zip(matrices.double().numpy(), out, strict=True):
            if np.array_equal(matrix, np.eye(3)):
                target[:] = pixels
                continue
            # from -1..1 to pixel indices: x -> scale x + half
            linear = matrix[:2, :2]
            shift = scale * matrix[:2, 2] + half - linear @ (half, half)
            cv2.warpAffine(
                pixels,
                np.c_[linear, shift],
                (side, side),
                dst=target,
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REPLICATE,
            )
        return torch.from_numpy(out).permute(0, 3, 1, 2)


def _enlarge(axis: np.ndarray, size: int) -> np.ndarray:
    return (
        axis
        if axis.shape[0] == size
        else cv2.resize(axis, (size, size), interpolation=cv2.INTER_LINEAR)
    )
