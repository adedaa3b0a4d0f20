"""The head as an ellipsoid with a nose: turned, moved, and fading to stillness away from it."""

from __future__ import annotations

import cv2
import numpy as np

from .pose import Portrait, Pose
from .warp import F32, U8, grid


class Head:
    """The head of a portrait."""

    def __init__(self, portrait: Portrait) -> None:
        self._portrait = portrait
        self._depth, self._weight = self._shape()

    def _shape(self, cells: int = 128) -> tuple[F32, F32]:
        """Depth (towards the viewer) and share of the head's motion, (cells, cells) over the canvas."""
        portrait = self._portrait
        x, y = grid(cells, cells)
        x, y = (x + 0.5) * portrait.side / cells, (y + 0.5) * portrait.side / cells
        w = portrait.width
        cx, cy = portrait.p[[234, 454]].mean(0)
        cy -= 0.12 * w
        r2 = ((x - cx) / (0.98 * w)) ** 2 + ((y - cy) / (1.15 * w)) ** 2
        depth = 0.55 * w * np.sqrt(np.clip(1 - r2, 0, 1) + 0.02)
        nx, ny = portrait.p[4]
        depth += (
            0.16
            * w
            * np.exp(-(((x - nx) / (0.15 * w)) ** 2) - ((y - ny + 0.06 * w) / (0.2 * w)) ** 2)
        )
        away = np.sqrt(((x - cx) / (0.92 * w)) ** 2 + ((y - cy) / (1.12 * w)) ** 2)
        fade = np.clip((2.0 - away) / 1.15, 0, 1)
        weight = fade * fade * (3 - 2 * fade)
        torso = 0.16 * np.clip((y - cy) / w - 0.9, 0, 1)
        border = np.clip(
            np.minimum(np.minimum(x, portrait.side - x), y) / (0.1 * portrait.side), 0, 1
        )
        weight = np.maximum(weight, torso) * border * border * (3 - 2 * border)
        return cv2.GaussianBlur(depth, (0, 0), 1.5), cv2.GaussianBlur(weight, (0, 0), 2.0)

    def _forward(self, pose: Pose) -> F32:
        """Where each cell of the neutral portrait goes, as a displacement, (cells, cells, 2)."""
        portrait = self._portrait
        cells = self._depth.shape[0]
        x, y = grid(cells, cells)
        x, y = (x + 0.5) * portrait.side / cells, (y + 0.5) * portrait.side / cells
        pivot = portrait.p[152] + (0, 0.1 * portrait.width)
        dx, dy, z = x - pivot[0], y - pivot[1], self._depth - 0.1 * portrait.width
        cy, sy = np.cos(pose.yaw_rad), np.sin(pose.yaw_rad)
        dx, z = cy * dx + sy * z, -sy * dx + cy * z
        cp, sp = np.cos(pose.pitch_rad), np.sin(pose.pitch_rad)
        dy, z = cp * dy + sp * z, -sp * dy + cp * z
        cr, sr = np.cos(pose.roll_rad), np.sin(pose.roll_rad)
        dx, dy = cr * dx - sr * dy, sr * dx + cr * dy
        near = pose.scale / (1 - z / (9 * portrait.width))
        base = 1 / (1 - (self._depth - 0.1 * portrait.width) / (9 * portrait.width))
        to_x = pivot[0] + dx * near / base + pose.shift[0] * portrait.side
        to_y = pivot[1] + dy * near / base + pose.shift[1] * portrait.side
        return (np.stack([to_x - x, to_y - y], -1) * self._weight[..., None]).astype(np.float32)

    def turn(self, face: F32, pose: Pose, size_px: int) -> U8:
        """The frame of `face`, (S, S, 3), with its head in this pose: (size_px, size_px, 3) uint8."""
        portrait = self._portrait
        forward = self._forward(pose)
        cells = forward.shape[0]
        x, y = grid(cells, cells)
        back = np.zeros_like(forward)
        for _ in range(12):  # q = p - d(q)
            at = back * (cells / portrait.side)
            back = -cv2.remap(
                forward,
                x + at[..., 0],
                y + at[..., 1],
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )
        ratio = portrait.side / size_px
        fine = cv2.resize(back, (size_px, size_px), interpolation=cv2.INTER_CUBIC)
        px, py = grid(size_px, size_px)
        soft = cv2.GaussianBlur(face, (0, 0), 0.35 * ratio)
        out = cv2.remap(
            soft,
            (px + 0.5) * ratio - 0.5 + fine[..., 0],
            (py + 0.5) * ratio - 0.5 + fine[..., 1],
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.clip(out + 0.5, 0, 255).astype(np.uint8)
