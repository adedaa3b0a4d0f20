"""Steadiness over time: the motion stability index of the landmarks, and the warping error of the pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import UsageError
from vqcodec.evaluation.metrics.landmarks import Points
from vqcodec.geometry.mesh import LIPS

MOUTH_CORNERS = (61, 291)
MSI_MOUTH_WIDTH = 64.0
MSI_WINDOW = 12
MSI_BIAS = 0.5
_UNIT_FRAMES = 10

Flow = tuple[NDArray[np.float32], NDArray[np.bool_]]


def motion_stability(points: Sequence[Points | None], subset: Sequence[int] = LIPS) -> float:
    """Motion stability index, MSI (Ling et al. 2023, IEEE JSTSP, "StableFace"): do the lips tremble?

        a(t) = p(t+2) - 2 p(t+1) + p(t)          acceleration of one coordinate of one landmark, per frame^2
        MSI  = mean over windows, landmarks, x and y of  1 / (var over the window a + 0.5)

    in windows of 12 accelerations, each 6 after the one before, in units in which the mouth is 64 wide (mean distance of
    its corners in the first ten frames with a face). Range 0..2; higher is steadier: 2 is uniform motion or none, so a
    still picture scores best. A landmark's own noise of .3 units alone gives about 1. Values depend on the frame rate,
    since acceleration is counted per frame.

    From the paper: the reciprocal of the variance of the landmarks' acceleration. From a public implementation of this
    index: units, windows, the 0.5 that keeps it finite, and lips as the landmarks. Our reading: MediaPipe's 40 lip
    points in place of that one's 17; only full windows count, and only those in which every frame shows a face.

    Args:
        points: (478, 2) landmarks in pixels of every frame in turn, None where no face was found.
        subset: landmark numbers.

    Returns:
        The index; NaN without a full window, which takes 14 frames.
    """
    seen = [p for p in points if p is not None]
    if not seen:
        return float("nan")
    left, right = MOUTH_CORNERS
    width = float(
        np.mean(
            [np.linalg.norm(p[left].astype(np.float64) - p[right]) for p in seen[:_UNIT_FRAMES]]
        )
    )
    if width <= 0:
        return float("nan")
    absent = np.full((len(subset), 2), np.nan)
    track = np.stack([absent if p is None else p[list(subset)].astype(np.float64) for p in points])
    acceleration = np.diff(track * (MSI_MOUTH_WIDTH / width), n=2, axis=0)
    starts = range(0, len(acceleration) - MSI_WINDOW + 1, MSI_WINDOW // 2)
    variances = [acceleration[i : i + MSI_WINDOW].var(axis=0) for i in starts]
    full = [v for v in variances if not np.isnan(v).any()]
    return float(np.mean([1 / (v + MSI_BIAS) for v in full])) if full else float("nan")


class ReferenceFlow:
    """Optical flow of a reference from each frame back to the one before, with the pixels that can be followed.

    Flow: dense inverse search (Kroeger et al. 2016, ECCV), OpenCV's medium preset, on luma. A pixel counts when the
    point it came from lies in the picture and flow there and back agree (Sundaram et al. 2010, ECCV):
    |b + f|^2 <= 0.01 (|b|^2 + |f|^2) + 0.5, b the flow to the frame before, f that frame's flow forward, read at the
    point b leads to. Each pair is computed when first asked for and kept in half precision: 0.3 MB at 256x256.

    Args:
        frames: (T, H, W, 3) uint8 RGB, consecutive.
    """

    def __init__(self, frames: NDArray[np.uint8]) -> None:
        if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8:
            raise UsageError(
                f"frames of shape {frames.shape}, {frames.dtype}, are not a video (T, H, W, 3) of uint8"
            )
        self._frames = frames
        self._search: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._kept: dict[int, tuple[NDArray[np.float16], NDArray[np.bool_]]] = {}
        self._x, self._y = np.meshgrid(
            *(np.arange(s, dtype=np.float32) for s in (frames.shape[2], frames.shape[1]))
        )

    def at(self, number: int) -> Flow:
        """Flow from frame `number` to the one before, and where it holds.

        Args:
            number: 1 to T - 1.

        Returns:
            (H, W, 2) float32: x and y in pixels to add to a pixel's place; (H, W) bool.

        Raises:
            UsageError: no such frame, or none before it.
        """
        if not 1 <= number < len(self._frames):
            raise UsageError(f"frame {number} of {len(self._frames)} has no frame before it")
        if number not in self._kept:
            self._kept[number] = self._measure(number)
        flow, holds = self._kept[number]
        return flow.astype(np.float32), holds

    def warp(self, picture: NDArray[np.float32], flow: NDArray[np.float32]) -> NDArray[np.float32]:
        """The picture (H, W[, C]) read at every pixel's place plus flow, bilinearly, its edge pixels repeated outside."""
        return np.asarray(
            cv2.remap(
                picture,
                self._x + flow[..., 0],
                self._y + flow[..., 1],
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            ),
            np.float32,
        )

    def _measure(self, number: int) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
        pair = (np.ascontiguousarray(self._frames[n]) for n in (number - 1, number))
        before, after = (cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in pair)
        back = np.asarray(self._search.calc(after, before, None), np.float16)
        flow = back.astype(np.float32)
        forth = self.warp(np.asarray(self._search.calc(before, after, None), np.float32), flow)
        agree = (
            np.square(flow + forth).sum(2)
            <= 0.01 * (np.square(flow).sum(2) + np.square(forth).sum(2)) + 0.5
        )
        x, y = self._x + flow[..., 0], self._y + flow[..., 1]
        inside = (x >= 0) & (x <= self._x[0, -1]) & (y >= 0) & (y <= self._y[-1, 0])
        return back, agree & inside


def warp_error(
    flow: ReferenceFlow, numbers: Sequence[int], output: Callable[[int], NDArray[np.uint8]]
) -> NDArray[np.float32]:
    """Warping error: does the output move as the reference does, without flicker?

    Lai et al. 2018, ECCV, "Learning Blind Video Temporal Consistency", there E_warp:

        E(t) = mean over pixels that can be followed, and R, G, B, of  (O_t - warp(O_t-1))^2

    with values in 0..1 and the flow of the reference, so that an output isn't excused by its own flow. Range 0..1; lower
    is better. The reference's own error isn't 0 (light changes, flow is inexact), and a blurred output scores below a
    sharp one: compare with the reference measured against itself. Lai et al. warp the later frame onto the earlier one
    and find occlusions by Ruder et al. 2016, which adds motion boundaries to the same test.

    Args:
        flow: of the reference, at the output's picture size.
        numbers: frame numbers; frame 0 has no frame before it.
        output: the output's frame of a number, (H, W, 3) uint8 RGB; asked for t and t - 1.

    Returns:
        (n,) float32; NaN for frame 0 and where no pixel could be followed.
    """

    def unit(number: int) -> NDArray[np.float32]:
        return output(number).astype(np.float32) / np.float32(255)

    errors = np.full(len(numbers), np.nan, np.float32)
    for place, number in enumerate(numbers):
        if number == 0:
            continue
        motion, holds = flow.at(number)
        if holds.any():
            errors[place] = np.square(unit(number) - flow.warp(unit(number - 1), motion))[
                holds
            ].mean(dtype=np.float64)
    return errors
