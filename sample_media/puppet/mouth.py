"""Lips and jaw, and what is painted between the lips: dark mouth, tongue, the portrait's own teeth."""

from __future__ import annotations

import numpy as np

from .points import CORNERS, JAW, LOWER_INNER, LOWER_OUTER, NOSE, STILL, UPPER_INNER, UPPER_OUTER
from .pose import Portrait, Pose
from .warp import F32, Spline, grid, mask, smooth_polygon


class Mouth:
    """The mouth of a portrait."""

    def __init__(self, portrait: Portrait) -> None:
        self._portrait = portrait
        centre, reach = portrait.p[UPPER_OUTER + LOWER_OUTER].mean(0), portrait.width
        self._spline = Spline(portrait.region(centre + np.array([0, 0.15 * reach]), 0.72 * reach))

    def _opening(self, pose: Pose) -> tuple[F32, F32, float]:
        """How far each inner point of the upper and of the lower lip goes, (9,) each, and how much the gap grew."""
        p = self._portrait.p
        upper, lower = p[UPPER_INNER], p[LOWER_INNER]
        middle = p[[13, 14]].mean(0)
        half = float(np.ptp(p[[78, 308], 0])) / 2
        was, now = float(p[14, 1] - p[13, 1]), pose.gap * self._portrait.width
        bow = np.clip(1 - ((upper[:, 0] - middle[0]) / half) ** 2, 0, 1) ** 0.7
        gaps = lower[:, 1] - upper[:, 1]
        wanted = gaps * min(now / was, 1.0) + max(now - was, 0.0) * bow
        change = wanted - gaps
        down = np.where(change > 0, 0.88, 0.62) * change
        return down - change, down, max(now - was, 0.0)

    def _lips(self, pose: Pose) -> tuple[tuple[F32, F32], tuple[F32, F32], F32, F32, F32]:
        """Control points (moved, source) above and below, and the moved inner lips: upper, lower, corners."""
        p = self._portrait.p
        upper, lower = p[UPPER_INNER], p[LOWER_INNER]
        middle = p[[13, 14]].mean(0)
        up, down, grown = self._opening(pose)

        def squeeze(points: F32, amount: float) -> F32:
            out = points.copy()
            out[:, 0] = middle[0] + (points[:, 0] - middle[0]) * (1 - amount * pose.narrow)
            return out

        def lip(index: list[int], dy: F32, share: float) -> F32:
            return squeeze(p[index], 0.13) + np.stack([np.zeros(9), dy * share], 1)

        lower_centre = float(down[4])
        jaw = np.array(
            [[0, share * max(lower_centre, 0.25 * lower_centre)] for share in JAW.values()]
        )
        new_upper, new_lower = lip(UPPER_INNER, up, 1.0), lip(LOWER_INNER, down, 1.0)
        corners = squeeze(p[CORNERS], 0.13) + np.array([0, 0.06 * grown])
        low, high = STILL[:NOSE], STILL
        above = (
            np.concatenate([new_upper, lip(UPPER_OUTER, up, 0.75), corners, p[high]]),
            np.concatenate([upper, p[UPPER_OUTER], p[CORNERS], p[high]]),
        )
        below = (
            np.concatenate(
                [new_lower, lip(LOWER_OUTER, down, 0.96), corners, p[list(JAW)] + jaw, p[low]]
            ),
            np.concatenate([lower, p[LOWER_OUTER], p[CORNERS], p[list(JAW)], p[low]]),
        )
        return (
            above,
            below,
            new_upper.astype(np.float32),
            new_lower.astype(np.float32),
            corners[1:3].astype(np.float32),
        )

    def draw(self, face: F32, pose: Pose) -> None:
        """Draw the mouth into `face`, (S, S, 3), in place."""
        portrait, spline = self._portrait, self._spline
        above, below, upper, lower, corners = self._lips(pose)
        seam = np.concatenate([corners[:1], (upper + lower) / 2, corners[1:]])
        skin = spline.remap(face, spline.parted(above, below, seam, 0.004 * portrait.side))
        offset = np.array([spline.x0, spline.y0], np.float32)
        outline = smooth_polygon(
            np.concatenate([corners[:1], upper, corners[1:], lower[::-1]]) - offset
        )
        inside = mask(skin.shape, outline, 0.0022 * portrait.side)
        open_px = float(lower[4, 1] - upper[4, 1])
        inside *= float(np.clip(open_px / (0.012 * portrait.width), 0, 1))
        box = (slice(spline.y0, spline.y1), slice(spline.x0, spline.x1))
        face[box] = skin + (self._cavity(face, upper, lower, pose) - skin) * inside

    def _cavity(self, face: F32, upper: F32, lower: F32, pose: Pose) -> F32:
        """The mouth's inside: dark, a tongue low down, the portrait's own upper teeth hanging from the upper jaw."""
        portrait, spline = self._portrait, self._spline
        height, width = spline.y1 - spline.y0, spline.x1 - spline.x0
        x, y = grid(height, width)
        offset = np.array([spline.x0, spline.y0], np.float32)
        top, bottom = upper[4] - offset, lower[4] - offset
        depth = max(float(bottom[1] - top[1]), 1.0)
        v = (y - top[1]) / depth
        half = float(np.ptp(portrait.p[[78, 308], 0])) / 2
        u = (x - top[0]) / half
        dark = np.array([46, 20, 19], np.float32) * (1.15 - 0.5 * np.clip(v, 0, 1))[..., None]
        tongue = np.exp(-((u / 0.55) ** 2) - ((v - 1.12) / 0.34) ** 2)[..., None] * min(
            depth / (0.1 * portrait.width), 1
        )
        inner = dark + (np.array([142, 68, 66], np.float32) - dark) * tongue * 0.8
        rise = portrait.p[13] - upper[4]
        shift = np.broadcast_to(rise.astype(np.float32), (height, width, 2)).copy()
        shift[..., 0] += (u * half) * (1 / (1 - 0.10 * pose.narrow) - 1)
        teeth = spline.remap(portrait.canvas.astype(np.float32), shift)
        there = spline.remap(self._was_open(face.shape), shift)
        shade = np.clip(1.02 - 0.22 * u**2, 0, 1)[..., None] * (
            0.96 - 0.12 * min(depth / (0.12 * portrait.width), 1)
        )
        return (inner + (teeth * shade - inner) * there.reshape(height, width, 1)).astype(
            np.float32
        )

    def _was_open(self, shape: tuple[int, ...]) -> F32:
        """Where the portrait shows its teeth, 0..1, (S, S, 1)."""
        portrait, p = self._portrait, self._portrait.p
        was = np.concatenate(
            [
                p[[78]],
                p[UPPER_INNER] - (0, 2),
                p[[308]],
                p[LOWER_INNER][::-1] - (0, 0.10 * (p[14, 1] - p[13, 1])),
            ]
        )
        return mask(shape, smooth_polygon(was.astype(np.float32)), 0.003 * portrait.side)
