"""Smooth warps of a region, and the curves and masks they need; lengths in pixels of the canvas."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]


def smooth_polygon(points: F32, steps: int = 8) -> F32:
    """Closed Catmull-Rom curve through (N, 2) points: (N * steps, 2)."""
    before, after, beyond = np.roll(points, 1, 0), np.roll(points, -1, 0), np.roll(points, -2, 0)
    t = np.linspace(0, 1, steps, endpoint=False, dtype=np.float32)[None, :, None]
    p0, p1, p2, p3 = (p[:, None] for p in (before, points, after, beyond))
    curve = 0.5 * (
        2 * p1
        + (p2 - p0) * t
        + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
        + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )
    return curve.reshape(-1, 2).astype(np.float32)


def mask(shape: tuple[int, ...], polygon: F32, blur: float) -> F32:
    """Soft mask of a polygon, 0..1, (H, W, 1)."""
    filled = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(filled, [np.round(polygon * 16).astype(np.int32)], 255, cv2.LINE_AA, shift=4)
    return (cv2.GaussianBlur(filled, (0, 0), blur).astype(np.float32) / 255)[..., None]


def grid(height: int, width: int) -> tuple[F32, F32]:
    """x and y of every pixel, each (height, width)."""
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return x, y


class Spline:
    """Backward displacement field through control points, on a region, zero on its border."""

    def __init__(self, region: tuple[int, int, int, int], cells: int = 48) -> None:
        self.x0, self.y0, self.x1, self.y1 = region
        self.cells = cells
        gx, gy = np.meshgrid(
            np.linspace(self.x0, self.x1, cells), np.linspace(self.y0, self.y1, cells)
        )
        self._at = np.stack([gx.ravel(), gy.ravel()], 1)
        u = np.linspace(0, 1, cells)
        edge = np.clip(np.minimum(u, 1 - u) * 6, 0, 1)
        edge = edge * edge * (3 - 2 * edge)
        self._window = (edge[:, None] * edge[None, :])[..., None]

    def field(self, moved: F32, source: F32) -> F32:
        """(H, W, 2) of source minus target for the region, from control points (N, 2) each."""
        spline = RBFInterpolator(moved, source - moved, kernel="thin_plate_spline", smoothing=1e-3)
        coarse = spline(self._at).reshape(self.cells, self.cells, 2) * self._window
        return cv2.resize(
            coarse.astype(np.float32),
            (self.x1 - self.x0, self.y1 - self.y0),
            interpolation=cv2.INTER_CUBIC,
        )

    def parted(self, above: tuple[F32, F32], below: tuple[F32, F32], seam: F32, blur: float) -> F32:
        """Two fields of (moved, source) points that meet at a seam ((N, 2), x rising): lips and lids that touch slide
        past each other, which no single smooth field can do."""
        x, y = grid(self.y1 - self.y0, self.x1 - self.x0)
        level = np.interp(x[0], seam[:, 0] - self.x0, seam[:, 1] - self.y0).astype(np.float32)
        lower = np.clip((y - level) / blur + 0.5, 0, 1)[..., None]
        top, bottom = self.field(*above), self.field(*below)
        return top + (bottom - top) * lower

    def remap(self, image: F32, field: F32) -> F32:
        """The region of `image`, (h, w, C), each pixel taken from where `field` points."""
        x, y = grid(self.y1 - self.y0, self.x1 - self.x0)
        return cv2.remap(
            image,
            x + self.x0 + field[..., 0],
            y + self.y0 + field[..., 1],
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
