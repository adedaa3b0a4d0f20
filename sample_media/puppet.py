"""A talking puppet out of one portrait: expression warps in the neutral pose, then a smooth warp of the head.

Per frame, two passes. The first moves lids and lips of the neutral portrait by thin-plate splines through MediaPipe
landmarks; what lies inside the lids stays put, and what lies between the lips is painted (dark mouth, tongue, the
portrait's own teeth). The second turns the head as an ellipsoid with a nose and fades to stillness away from it.
All lengths are in pixels of the square canvas unless a name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

UPPER_INNER = [191, 80, 81, 82, 13, 312, 311, 310, 415]
LOWER_INNER = [95, 88, 178, 87, 14, 317, 402, 318, 324]
UPPER_OUTER = [185, 40, 39, 37, 0, 267, 269, 270, 409]
LOWER_OUTER = [146, 91, 181, 84, 17, 314, 405, 321, 375]
CORNERS = [61, 78, 308, 291]
JAW = {
    152: 0.85,
    175: 0.92,
    199: 0.95,
    200: 0.97,
    18: 1.0,
    148: 0.8,
    377: 0.8,
    176: 0.72,
    400: 0.72,
    149: 0.6,
    378: 0.6,
    150: 0.42,
    379: 0.42,
    136: 0.25,
    365: 0.25,
    172: 0.12,
    397: 0.12,
}
STILL = [
    50,
    280,
    205,
    425,
    132,
    361,
    93,
    323,
    117,
    346,
    58,
    288,
    2,
    97,
    326,
    98,
    327,
    129,
    358,
    36,
    266,
    1,
]
NOSE = 12  # the points from here on have no say below the lips
EYES = [
    dict(
        upper=[246, 161, 160, 159, 158, 157, 173],
        lower=[7, 163, 144, 145, 153, 154, 155],
        corners=[33, 133],
        crease=[247, 30, 29, 27, 28, 56, 190],
        under=[25, 110, 24, 23, 22, 26, 112],
        brow=[46, 53, 52, 65, 55],
        iris=468,
    ),
    dict(
        upper=[466, 388, 387, 386, 385, 384, 398],
        lower=[249, 390, 373, 374, 380, 381, 382],
        corners=[263, 362],
        crease=[467, 260, 259, 257, 258, 286, 414],
        under=[255, 339, 254, 253, 252, 256, 341],
        brow=[276, 283, 282, 295, 285],
        iris=473,
    ),
]


@dataclass(frozen=True, slots=True)
class Pose:
    """One frame of the puppet.

    Attributes:
        gap: lip gap as a fraction of the face's width, 0 closed .. about 0.16.
        narrow: -1 (spread lips) .. 1 (rounded lips).
        lids: 0 open .. 1 closed.
        brow: -1 .. 1, brows down or up.
        gaze: x and y of the irises, -1 .. 1.
        yaw_rad, pitch_rad, roll_rad: head rotation, right-handed in image axes.
        shift: x and y of the head, fractions of the canvas.
        scale: size of the head.
    """

    gap: float = 0.0
    narrow: float = 0.0
    lids: float = 0.0
    brow: float = 0.0
    gaze: tuple[float, float] = (0.0, 0.0)
    yaw_rad: float = 0.0
    pitch_rad: float = 0.0
    roll_rad: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)
    scale: float = 1.0


def _smooth_polygon(points: F32, steps: int = 8) -> F32:
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


def _mask(shape: tuple[int, ...], polygon: F32, blur: float) -> F32:
    """Soft mask of a polygon, 0..1, (H, W, 1)."""
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(polygon * 16).astype(np.int32)], 255, cv2.LINE_AA, shift=4)
    return (cv2.GaussianBlur(mask, (0, 0), blur).astype(np.float32) / 255)[..., None]


def _grid(height: int, width: int) -> tuple[F32, F32]:
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
        x, y = _grid(self.y1 - self.y0, self.x1 - self.x0)
        level = np.interp(x[0], seam[:, 0] - self.x0, seam[:, 1] - self.y0).astype(np.float32)
        lower = np.clip((y - level) / blur + 0.5, 0, 1)[..., None]
        top, bottom = self.field(*above), self.field(*below)
        return top + (bottom - top) * lower


class Puppet:
    """Renders poses of one portrait.

    Args:
        canvas: (S, S, 3) uint8, the neutral portrait, sharper than the frames wanted.
        points: (478, 2) landmarks in pixels of `canvas`.
    """

    def __init__(self, canvas: U8, points: F32) -> None:
        self.canvas = canvas
        self.p = points.astype(np.float32)
        self.side = canvas.shape[0]
        self.width = float(np.ptp(self.p[:468, 0]))
        mouth = self.p[UPPER_OUTER + LOWER_OUTER]
        centre, reach = mouth.mean(0), self.width
        self._mouth = Spline(self._region(centre + np.array([0, 0.15 * reach]), 0.72 * reach))
        self._eyes = [
            Spline(self._region(self.p[e["upper"] + e["lower"]].mean(0), 0.34 * reach))
            for e in EYES
        ]
        self._depth, self._weight = self._head()

    def _region(self, centre: F32, half: float) -> tuple[int, int, int, int]:
        low = np.clip(centre - half, 0, self.side).astype(int)
        high = np.clip(centre + half, 0, self.side).astype(int)
        return int(low[0]), int(low[1]), int(high[0]), int(high[1])

    def render(self, pose: Pose, size_px: int) -> U8:
        """(size_px, size_px, 3) uint8 frame."""
        face = self.canvas.astype(np.float32)
        for eye, spline in zip(EYES, self._eyes, strict=True):
            self._draw_eye(face, eye, spline, pose)
        self._draw_mouth(face, pose)
        return self._turn(face, pose, size_px)

    # lids ------------------------------------------------------------------------------------------------------
    def _draw_eye(self, face: F32, eye: dict, spline: Spline, pose: Pose) -> None:
        p, box = self.p, (slice(spline.y0, spline.y1), slice(spline.x0, spline.x1))
        edge = np.array(
            [0, 0.011 * self.width], np.float32
        )  # lash lines lie just outside the landmarks
        upper, lower = p[eye["upper"]] - edge, p[eye["lower"]] + edge
        lift = np.array([0, -0.035 * self.width * pose.brow], np.float32)
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
        lids = self._remap(face, spline, spline.parted(above, below, seam, 0.004 * self.side))
        lids = self._lid_skin(lids, spline, (crease + brow.mean(0)) / 2, new_crease, seam, pose)
        ball = self._remap(self.canvas.astype(np.float32), spline, self._gaze(eye, spline, pose))
        outline = np.concatenate(
            [corners[:1], new_upper + edge, corners[1:], new_lower[::-1] - edge]
        )
        offset = np.array([spline.x0, spline.y0], np.float32)
        inside = _mask(lids.shape, _smooth_polygon(outline - offset), 0.0018 * self.side)
        shade = 1 - 0.25 * pose.lids
        aperture = float(np.clip(1.3 - 1.3 * pose.lids, 0, 1))
        face[box] = lids + (ball * shade - lids) * inside * aperture

    def _lid_skin(
        self, lids: F32, spline: Spline, above: F32, crease: F32, seam: F32, pose: Pose
    ) -> F32:
        """Skin for the lid that unrolls when the eye shuts (the portrait shows too little of it), and its lashes."""
        offset = np.array([spline.x0, spline.y0], np.float32)
        samples = cv2.remap(self.canvas, above[None, :, 0], above[None, :, 1], cv2.INTER_LINEAR)
        tone = np.median(samples[0].astype(np.float32), 0) * 0.93
        outline = np.concatenate([seam[:1], crease, seam[:0:-1]]).astype(np.float32) - offset
        lid = _mask(lids.shape, _smooth_polygon(outline), 0.006 * self.side) * 0.72 * pose.lids
        lids = lids + (tone - lids) * lid
        line = np.zeros(lids.shape[:2], np.uint8)
        cv2.polylines(
            line,
            [np.round((seam - offset + (0, 0.004 * self.width)) * 16).astype(np.int32)],
            False,
            255,
            max(1, round(0.012 * self.width)),
            cv2.LINE_AA,
            shift=4,
        )
        lash = (cv2.GaussianBlur(line, (0, 0), 0.0022 * self.side).astype(np.float32) / 255)[
            ..., None
        ]
        return lids + (np.array([58, 38, 30], np.float32) - lids) * lash * 0.8 * pose.lids**2

    def _gaze(self, eye: dict, spline: Spline, pose: Pose) -> F32:
        x, y = _grid(spline.y1 - spline.y0, spline.x1 - spline.x0)
        cx, cy = self.p[eye["iris"]] - (spline.x0, spline.y0)
        reach = 0.075 * self.width
        near = np.exp(-((((x - cx) / reach) ** 2 + ((y - cy) / reach) ** 2) ** 2))
        step = np.array(pose.gaze, np.float32) * 0.014 * self.width
        return (-near[..., None] * step).astype(np.float32)

    # lips ------------------------------------------------------------------------------------------------------
    def _lips(self, pose: Pose) -> tuple[tuple[F32, F32], tuple[F32, F32], F32, F32, F32]:
        """Control points (moved, source) above and below, and the moved inner lips: upper, lower, corners."""
        p = self.p
        upper, lower = p[UPPER_INNER], p[LOWER_INNER]
        middle = p[[13, 14]].mean(0)
        half = float(np.ptp(p[[78, 308], 0])) / 2
        was, now = float(p[14, 1] - p[13, 1]), pose.gap * self.width
        bow = np.clip(1 - ((upper[:, 0] - middle[0]) / half) ** 2, 0, 1) ** 0.7
        gaps = lower[:, 1] - upper[:, 1]
        wanted = gaps * min(now / was, 1.0) + max(now - was, 0.0) * bow
        change = wanted - gaps
        down = np.where(change > 0, 0.88, 0.62) * change
        up = down - change

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
        corners = squeeze(p[CORNERS], 0.13) + np.array([0, 0.06 * max(now - was, 0.0)])
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

    def _draw_mouth(self, face: F32, pose: Pose) -> None:
        spline = self._mouth
        above, below, upper, lower, corners = self._lips(pose)
        seam = np.concatenate([corners[:1], (upper + lower) / 2, corners[1:]])
        skin = self._remap(face, spline, spline.parted(above, below, seam, 0.004 * self.side))
        offset = np.array([spline.x0, spline.y0], np.float32)
        outline = _smooth_polygon(
            np.concatenate([corners[:1], upper, corners[1:], lower[::-1]]) - offset
        )
        inside = _mask(skin.shape, outline, 0.0022 * self.side)
        open_px = float(lower[4, 1] - upper[4, 1])
        inside *= float(np.clip(open_px / (0.012 * self.width), 0, 1))
        box = (slice(spline.y0, spline.y1), slice(spline.x0, spline.x1))
        face[box] = skin + (self._cavity(face, spline, upper, lower, pose) - skin) * inside

    def _cavity(self, face: F32, spline: Spline, upper: F32, lower: F32, pose: Pose) -> F32:
        """The mouth's inside: dark, a tongue low down, the portrait's own upper teeth hanging from the upper jaw."""
        height, width = spline.y1 - spline.y0, spline.x1 - spline.x0
        x, y = _grid(height, width)
        offset = np.array([spline.x0, spline.y0], np.float32)
        top, bottom = upper[4] - offset, lower[4] - offset
        depth = max(float(bottom[1] - top[1]), 1.0)
        v = (y - top[1]) / depth
        half = float(np.ptp(self.p[[78, 308], 0])) / 2
        u = (x - top[0]) / half
        dark = np.array([46, 20, 19], np.float32) * (1.15 - 0.5 * np.clip(v, 0, 1))[..., None]
        tongue = np.exp(-((u / 0.55) ** 2) - ((v - 1.12) / 0.34) ** 2)[..., None] * min(
            depth / (0.1 * self.width), 1
        )
        inner = dark + (np.array([142, 68, 66], np.float32) - dark) * tongue * 0.8
        rise = self.p[13] - upper[4]
        shift = np.broadcast_to(rise.astype(np.float32), (height, width, 2)).copy()
        shift[..., 0] += (u * half) * (1 / (1 - 0.10 * pose.narrow) - 1)
        teeth = self._remap(self.canvas.astype(np.float32), spline, shift)
        was = np.concatenate(
            [
                self.p[[78]],
                self.p[UPPER_INNER] - (0, 2),
                self.p[[308]],
                self.p[LOWER_INNER][::-1] - (0, 0.10 * (self.p[14, 1] - self.p[13, 1])),
            ]
        )
        there = _mask(face.shape, _smooth_polygon(was.astype(np.float32)), 0.003 * self.side)
        there = self._remap(there, spline, shift)
        shade = np.clip(1.02 - 0.22 * u**2, 0, 1)[..., None] * (
            0.96 - 0.12 * min(depth / (0.12 * self.width), 1)
        )
        return (inner + (teeth * shade - inner) * there.reshape(height, width, 1)).astype(
            np.float32
        )

    # head ------------------------------------------------------------------------------------------------------
    def _head(self, cells: int = 128) -> tuple[F32, F32]:
        """Depth (towards the viewer) and share of the head's motion, (cells, cells) over the canvas."""
        x, y = _grid(cells, cells)
        x, y = (x + 0.5) * self.side / cells, (y + 0.5) * self.side / cells
        w = self.width
        cx, cy = self.p[[234, 454]].mean(0)
        cy -= 0.12 * w
        r2 = ((x - cx) / (0.98 * w)) ** 2 + ((y - cy) / (1.15 * w)) ** 2
        depth = 0.55 * w * np.sqrt(np.clip(1 - r2, 0, 1) + 0.02)
        nx, ny = self.p[4]
        depth += (
            0.16
            * w
            * np.exp(-(((x - nx) / (0.15 * w)) ** 2) - ((y - ny + 0.06 * w) / (0.2 * w)) ** 2)
        )
        away = np.sqrt(((x - cx) / (0.92 * w)) ** 2 + ((y - cy) / (1.12 * w)) ** 2)
        fade = np.clip((2.0 - away) / 1.15, 0, 1)
        weight = fade * fade * (3 - 2 * fade)
        torso = 0.16 * np.clip((y - cy) / w - 0.9, 0, 1)
        border = np.clip(np.minimum(np.minimum(x, self.side - x), y) / (0.1 * self.side), 0, 1)
        weight = np.maximum(weight, torso) * border * border * (3 - 2 * border)
        return cv2.GaussianBlur(depth, (0, 0), 1.5), cv2.GaussianBlur(weight, (0, 0), 2.0)

    def _forward(self, pose: Pose) -> F32:
        """Where each cell of the neutral portrait goes, as a displacement, (cells, cells, 2)."""
        cells = self._depth.shape[0]
        x, y = _grid(cells, cells)
        x, y = (x + 0.5) * self.side / cells, (y + 0.5) * self.side / cells
        pivot = self.p[152] + (0, 0.1 * self.width)
        dx, dy, z = x - pivot[0], y - pivot[1], self._depth - 0.1 * self.width
        cy, sy = np.cos(pose.yaw_rad), np.sin(pose.yaw_rad)
        dx, z = cy * dx + sy * z, -sy * dx + cy * z
        cp, sp = np.cos(pose.pitch_rad), np.sin(pose.pitch_rad)
        dy, z = cp * dy + sp * z, -sp * dy + cp * z
        cr, sr = np.cos(pose.roll_rad), np.sin(pose.roll_rad)
        dx, dy = cr * dx - sr * dy, sr * dx + cr * dy
        near = pose.scale / (1 - z / (9 * self.width))
        base = 1 / (1 - (self._depth - 0.1 * self.width) / (9 * self.width))
        to_x = pivot[0] + dx * near / base + pose.shift[0] * self.side
        to_y = pivot[1] + dy * near / base + pose.shift[1] * self.side
        return (np.stack([to_x - x, to_y - y], -1) * self._weight[..., None]).astype(np.float32)

    def _turn(self, face: F32, pose: Pose, size_px: int) -> U8:
        forward = self._forward(pose)
        cells = forward.shape[0]
        x, y = _grid(cells, cells)
        back = np.zeros_like(forward)
        for _ in range(12):  # q = p - d(q)
            at = back * (cells / self.side)
            back = -cv2.remap(
                forward,
                x + at[..., 0],
                y + at[..., 1],
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )
        ratio = self.side / size_px
        fine = cv2.resize(back, (size_px, size_px), interpolation=cv2.INTER_CUBIC)
        px, py = _grid(size_px, size_px)
        soft = cv2.GaussianBlur(face, (0, 0), 0.35 * ratio)
        out = cv2.remap(
            soft,
            (px + 0.5) * ratio - 0.5 + fine[..., 0],
            (py + 0.5) * ratio - 0.5 + fine[..., 1],
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.clip(out + 0.5, 0, 255).astype(np.uint8)

    @staticmethod
    def _remap(image: F32, spline: Spline, field: F32) -> F32:
        x, y = _grid(spline.y1 - spline.y0, spline.x1 - spline.x0)
        return cv2.remap(
            image,
            x + spline.x0 + field[..., 0],
            y + spline.y0 + field[..., 1],
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
