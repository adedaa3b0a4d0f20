"""How background and torso move: two similarities a frame, tracked from the shot's first frame.

The face's landmarks say nothing of a moving camera or of shoulders that rise. Points outside the head are followed from
frame to frame (pyramidal Lucas-Kanade, checked backwards), and a similarity is fitted by RANSAC to where they came from
in the shot's first frame, so that errors don't add up. geometry.similarity says what the numbers mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vqcodec.format import FEATURE_SIZE_PX
from vqcodec.geometry.mesh import OVAL
from vqcodec.geometry.similarity import NUMBERS, PARTS, RADIUS_PX, Matrix, to_numbers
from vqcodec.runtime.opencv import cv2

_MOST_POINTS = 80
_LEAST_POINTS = 8
_SPACING_PX = 7
_ROUND_TRIP_PX = 0.7
_INLIER_PX = 1.0
_LEAST_INLIERS = 0.45
_DEAD_BAND_PX = 0.35
_REACH_PX = 84.0
_STILL_PX = 0.8
_CHECK_SIDE = 128
_WORTH = 0.95
_SURE_FRAMES = 4
_FLOW = dict(
    winSize=(13, 13),
    maxLevel=3,
    criteria=(cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 12, 0.02),
)


def masks(landmarks: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Where points are looked for.

    Args:
        landmarks: (478, 2) in 0..1 of the square.

    Returns:
        (2, 256, 256) uint8, 255 inside: background (beside and above the head with its hair, and not the torso), torso
        (below the chin, between the shoulders).
    """
    oval = landmarks[list(OVAL)] * FEATURE_SIZE_PX
    low, high = oval.min(0), oval.max(0)
    centre, size = (low + high) / 2, np.maximum(high - low, 8.0)
    head = np.zeros((FEATURE_SIZE_PX, FEATURE_SIZE_PX), np.uint8)
    # hair reaches half a face above the oval and a third beside it
    axes = (int(size[0] * 0.85), int(size[1] * 0.85))
    cv2.ellipse(head, (int(centre[0]), int(centre[1] - 0.12 * size[1])), axes, 0, 0, 360, 255, -1)
    neck_y, wide = high[1] + 0.05 * size[1], 0.55 * size[0]
    corners = [
        (centre[0] - wide, neck_y),
        (centre[0] + wide, neck_y),
        (centre[0] + 2.4 * size[0], neck_y + 0.9 * size[1]),
        (centre[0] + 2.4 * size[0], FEATURE_SIZE_PX),
        (centre[0] - 2.4 * size[0], FEATURE_SIZE_PX),
        (centre[0] - 2.4 * size[0], neck_y + 0.9 * size[1]),
    ]
    torso = np.zeros((FEATURE_SIZE_PX, FEATURE_SIZE_PX), np.uint8)
    cv2.fillPoly(
        torso,
        [np.round(corners).clip(-4 * FEATURE_SIZE_PX, 5 * FEATURE_SIZE_PX).astype(np.int32)],
        255,
    )
    inner = cv2.ellipse(
        np.zeros_like(head),
        (int(centre[0]), int(centre[1])),
        (int(size[0] * 0.6), int(size[1] * 0.58)),
        0,
        0,
        360,
        255,
        -1,
    )
    return np.stack([255 - cv2.max(head, torso), cv2.bitwise_and(torso, 255 - inner)])


@dataclass(slots=True)
class _Part:
    """One tracked part: its points now, where they were in the first frame, and its similarity."""

    now: NDArray[np.float32]
    origin: NDArray[np.float32]
    matrix: Matrix
    shown: NDArray[np.float32]
    moving: bool = False
    doubts: int = 0

    @classmethod
    def new(cls) -> _Part:
        empty = np.zeros((0, 2), np.float32)
        return cls(empty, empty, np.eye(3), np.zeros(NUMBERS, np.float32))

    def follow(self, before: NDArray[np.uint8], frame: NDArray[np.uint8]) -> None:
        """Move the points from one picture to the next; those that can't be followed go."""
        if not len(self.now):
            return
        there, found, _ = cv2.calcOpticalFlowPyrLK(before, frame, self.now[:, None], None, **_FLOW)  # type: ignore[call-overload]
        back, again, _ = cv2.calcOpticalFlowPyrLK(frame, before, there, None, **_FLOW)  # type: ignore[call-overload]
        error = np.abs(back[:, 0] - self.now).max(1)
        inside = ((there[:, 0] > 1) & (there[:, 0] < FEATURE_SIZE_PX - 2)).all(1)
        good = (found[:, 0] > 0) & (again[:, 0] > 0) & (error < _ROUND_TRIP_PX) & inside
        self.now, self.origin = there[good, 0], self.origin[good]

    def fit(self) -> None:
        """The similarity that most points agree on; with too few of them the one before stays."""
        if len(self.now) < _LEAST_POINTS:
            return
        half = (FEATURE_SIZE_PX - 1) / 2
        fitted, inliers = cv2.estimateAffinePartial2D(
            (self.origin - half) / RADIUS_PX,
            (self.now - half) / RADIUS_PX,
            ransacReprojThreshold=_INLIER_PX / RADIUS_PX,
            maxIters=200,
        )
        if fitted is None or inliers.sum() < max(_LEAST_POINTS, _LEAST_INLIERS * len(self.now)):
            return
        matrix = np.vstack([fitted, [0, 0, 1]])
        numbers = to_numbers(matrix)
        if not 0.5 < np.hypot(matrix[0, 0], matrix[1, 0]) < 2 or np.abs(numbers).max() > _REACH_PX:
            return
        self.matrix = matrix
        keep = inliers[:, 0] > 0
        self.now, self.origin = self.now[keep], self.origin[keep]

    def show(
        self, first: NDArray[np.uint8], small: NDArray[np.uint8], mask: NDArray[np.uint8]
    ) -> None:
        """Decide what is told: nothing moved, unless moving the first picture brings it clearly nearer to this one.

        Args:
            first: (128, 128) the shot's first picture.
            small: (128, 128) this picture.
            mask: (128, 128) where this part is.
        """
        numbers = to_numbers(self.matrix)
        helps = bool(np.abs(numbers).max() >= _STILL_PX) and self._helps(first, small, mask)
        self.doubts = 0 if helps == self.moving else self.doubts + 1
        if self.doubts == _SURE_FRAMES:
            self.moving, self.doubts = helps, 0
        if not self.moving:
            self.shown = np.zeros(NUMBERS, np.float32)
            return
        # a number moves only when it is clearly another: noise must cost nothing
        moved = np.abs(numbers - self.shown) > _DEAD_BAND_PX
        self.shown = np.where(moved, numbers, self.shown).astype(np.float32)

    def _helps(
        self, first: NDArray[np.uint8], small: NDArray[np.uint8], mask: NDArray[np.uint8]
    ) -> bool:
        half = (_CHECK_SIDE - 1) / 2
        pixels = np.array(
            [
                [2 / _CHECK_SIDE, 0, -half * 2 / _CHECK_SIDE],
                [0, 2 / _CHECK_SIDE, -half * 2 / _CHECK_SIDE],
                [0, 0, 1],
            ]
        )
        matrix = (np.linalg.inv(pixels) @ self.matrix @ pixels)[:2]
        size = (_CHECK_SIDE, _CHECK_SIDE)
        there = cv2.warpAffine(np.full(size, 255, np.uint8), matrix, size, flags=cv2.INTER_NEAREST)
        seen = cv2.bitwise_and(mask, there)
        if cv2.countNonZero(seen) < _CHECK_SIDE:
            return False
        moved = cv2.mean(cv2.absdiff(cv2.warpAffine(first, matrix, size), small), seen)[0]
        return bool(moved < _WORTH * cv2.mean(cv2.absdiff(first, small), seen)[0])

    def restock(self, frame: NDArray[np.uint8], mask: NDArray[np.uint8]) -> None:
        """Drop points that the head has covered, and take new ones where there is room."""
        if len(self.now):
            at = self.now.round().astype(int).clip(0, FEATURE_SIZE_PX - 1)
            keep = mask[at[:, 1], at[:, 0]] > 0
            self.now, self.origin = self.now[keep], self.origin[keep]
        if len(self.now) > _MOST_POINTS // 2:
            return
        free = mask.copy()
        for x, y in self.now:
            cv2.circle(free, (int(x), int(y)), _SPACING_PX, 0, -1)
        found = cv2.goodFeaturesToTrack(
            frame, _MOST_POINTS - len(self.now), 0.01, _SPACING_PX, mask=free
        )
        if found is None:
            return
        half = (FEATURE_SIZE_PX - 1) / 2
        fresh = found[:, 0].astype(np.float32)
        plane = (
            np.c_[(fresh - half) / RADIUS_PX, np.ones(len(fresh))] @ np.linalg.inv(self.matrix).T
        )
        self.now = np.concatenate([self.now, fresh])
        self.origin = np.concatenate(
            [self.origin, (plane[:, :2] * RADIUS_PX + half).astype(np.float32)]
        )


class SurroundingsTracker:
    """Follows background and torso through the frames of one shot, in order."""

    def __init__(self) -> None:
        self._parts = [_Part.new() for _ in range(PARTS)]
        self._before: NDArray[np.uint8] | None = None
        self._first: NDArray[np.uint8] | None = None

    def push(
        self, square: NDArray[np.uint8], landmarks: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Take the next frame.

        Args:
            square: (256, 256, 3) uint8 RGB.
            landmarks: (478, 2) float32 in 0..1 of it.

        Returns:
            (8,) float32 pixels at 256: background, then torso, from the shot's first frame to this one.
        """
        grey: NDArray[np.uint8] = np.asarray(cv2.cvtColor(square, cv2.COLOR_RGB2GRAY), np.uint8)
        small = np.asarray(
            cv2.resize(grey, (_CHECK_SIDE, _CHECK_SIDE), interpolation=cv2.INTER_AREA), np.uint8
        )
        for part, mask in zip(self._parts, masks(landmarks), strict=True):
            if self._before is not None and self._first is not None:
                part.follow(self._before, grey)
                part.fit()
                part.show(self._first, small, np.ascontiguousarray(mask[::2, ::2]))
            part.restock(grey, mask)
        self._before = grey
        self._first = small if self._first is None else self._first
        return np.concatenate([part.shown for part in self._parts])
