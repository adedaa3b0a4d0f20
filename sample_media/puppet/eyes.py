"""Lids, lashes and irises. What lies inside the lids stays put, and the lids slide over it."""

from __future__ import annotations

import cv2
import numpy as np

from .pose import Portrait, Pose
from .warp import F32, Spline, grid, mask, smooth_polygon


class Eye:
    """One eye of a portrait.

    Args:
        portrait: whose eye.
        points: its landmarks, one of `points.EYES`.
    """

    def __init__(self, portrait: Portrait, points: dict) -> None:
        self._portrait = portrait
        self._points = points
        centre = portrait.p[points["upper"] + points["lower"]].mean(0)
        self._spline = Spline(portrait.region(centre, 0.34 * portrait.width))

    def draw(self, face: F32, pose: Pose) -> None:
        """Draw the eye into `face`, (S, S, 3), in place."""
        portrait, eye, spline = self._portrait, self._points, self._spline
        p, box = portrait.p, (slice(spline.y0, spline.y1), slice(spline.x0, spline.x1))
        # lash lines lie just outside the landmarks
        edge = np.array([0, 0.011 * portrait.width], np.float32)
        upper, lower = p[eye["upper"]] - edge, p[eye["lower"]] + edge
        lift = np.array([0, -0.035 * portrait.width * pose.brow], np.float32)
        new_upper = upper + (lower - upper) * 0.93 * pose.lids + lift * 0.1 * (1 - pose.lids)
        new_lower = lower + (upper - lower) * 0.07 * pose.lids
        corners, crease, brow = p[eye["corners"]], p[eye["crease"]], p[eye["brow"]]
        new_crease = crease + (new_upper - upper) * 0.3 + lift * 0.4
        above = (
            np.concatenate([new_upper, corners, new_crease, brow + lift]),
            np.concatenate([upper, corners, crease, brow]),
        )
        below = (
            np.concatenate([new_lower, corners, p[eye["under"]]]),
            np.concatenate([lower, corners, p[eye["under"]]]),
        )
        seam = np.concatenate([corners, (new_upper + new_lower) / 2])
        seam = seam[np.argsort(seam[:, 0])]
        lids = spline.remap(face, spline.parted(above, below, seam, 0.004 * portrait.side))
        lids = self._lid_skin(lids, (crease + brow.mean(0)) / 2, new_crease, seam, pose)
        ball = spline.remap(portrait.canvas.astype(np.float32), self._gaze(pose))
        outline = np.concatenate(
            [corners[:1], new_upper + edge, corners[1:], new_lower[::-1] - edge]
        )
        offset = np.array([spline.x0, spline.y0], np.float32)
        inside = mask(lids.shape, smooth_polygon(outline - offset), 0.0018 * portrait.side)
        shade = 1 - 0.25 * pose.lids
        aperture = float(np.clip(1.3 - 1.3 * pose.lids, 0, 1))
        face[box] = lids + (ball * shade - lids) * inside * aperture

    def _lid_skin(self, lids: F32, above: F32, crease: F32, seam: F32, pose: Pose) -> F32:
        """Skin for the lid that unrolls when the eye shuts (the portrait shows too little of it), and its lashes."""
        portrait, spline = self._portrait, self._spline
        offset = np.array([spline.x0, spline.y0], np.float32)
        samples = cv2.remap(portrait.canvas, above[None, :, 0], above[None, :, 1], cv2.INTER_LINEAR)
        tone = np.median(samples[0].astype(np.float32), 0) * 0.93
        outline = np.concatenate([seam[:1], crease, seam[:0:-1]]).astype(np.float32) - offset
        lid = mask(lids.shape, smooth_polygon(outline), 0.006 * portrait.side) * 0.72 * pose.lids
        lids = lids + (tone - lids) * lid
        line = np.zeros(lids.shape[:2], np.uint8)
        cv2.polylines(
            line,
            [np.round((seam - offset + (0, 0.004 * portrait.width)) * 16).astype(np.int32)],
            False,
            255,
            max(1, round(0.012 * portrait.width)),
            cv2.LINE_AA,
            shift=4,
        )
        lash = (cv2.GaussianBlur(line, (0, 0), 0.0022 * portrait.side).astype(np.float32) / 255)[
            ..., None
        ]
        return lids + (np.array([58, 38, 30], np.float32) - lids) * lash * 0.8 * pose.lids**2

    def _gaze(self, pose: Pose) -> F32:
        """Displacement of the eyeball, (h, w, 2): the iris moves, the corners stay."""
        portrait, spline = self._portrait, self._spline
        x, y = grid(spline.y1 - spline.y0, spline.x1 - spline.x0)
        cx, cy = portrait.p[self._points["iris"]] - (spline.x0, spline.y0)
        reach = 0.075 * portrait.width
        near = np.exp(-((((x - cx) / reach) ** 2 + ((y - cy) / reach) ** 2) ** 2))
        step = np.array(pose.gaze, np.float32) * 0.014 * portrait.width
        return (-near[..., None] * step).astype(np.float32)
