"""Which clips have a steady camera: measured on the source alone, before anything is coded.

Published figures of talking heads are of tripod shots. To put figures of such clips beside them, a clip is called steady
by what its picture's border does, never by how well it was coded. At 256x256, for the first frame and every tenth after it:

    border    the outer sixth at the left, right and top (a speaker's body is at the bottom), where it is textured
              (gradient of at least 2 grey levels a pixel); all of it where less than a fifth is textured
    flow      dense, from the first frame to the later one (DIS: Kroeger et al. 2016, ECCV); nought where the pixels
              around (5x5) have not changed: flow of flat areas is only guessed from the speaker beside them
    motion    median length of the flow over the border, pixels
    steady    the median of that over the frames is below 1 pixel, and it is below 1 pixel in at least two of three frames

A moving camera moves all of the border; a speaker's hair, hands or shadow most often less than half of it. A clip whose
border is mostly the speaker counts as moving, since nothing there shows that the camera is still.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import UsageError
from vqcodec.evaluation.tools.frames import METRIC_SIDE_PX

FRAME_STEP = 10
BORDER_SHARE = 1 / 6
MOTION_LIMIT_PX = 1.0
STILL_FRAMES_SHARE = 2 / 3
_TEXTURE_LEVELS = 2.0
_TEXTURED_SHARE = 0.2
_UNCHANGED_LEVELS = 4.0
_UNCHANGED_WINDOW_PX = 5


@dataclass(frozen=True, slots=True)
class Camera:
    """What the border of a clip does.

    Attributes:
        steady: whether the camera stands still.
        motion_px: median over the compared frames of each frame's median border motion, pixels at 256x256.
        still_share: share of the compared frames whose border moved less than MOTION_LIMIT_PX.
        frames: frames compared with the first.
    """

    steady: bool
    motion_px: float
    still_share: float
    frames: int

    def to_json(self) -> dict[str, Any]:
        """JSON-ready fields."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Camera:
        """The inverse of `to_json`; raises KeyError when a field is missing."""
        return cls(**{f.name: values[f.name] for f in fields(cls)})


def border(height: int, width: int) -> NDArray[np.bool_]:
    """(H, W) true in the outer BORDER_SHARE at the left, right and top, without the lower third of the sides."""
    mask = np.zeros((height, width), np.bool_)
    rows, columns = round(height * BORDER_SHARE), round(width * BORDER_SHARE)
    mask[:rows] = True
    mask[: height * 2 // 3, :columns] = True
    mask[: height * 2 // 3, width - columns :] = True
    return mask


def _watched(grey: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Border pixels at which motion can be seen."""
    mask = border(*grey.shape)
    across, down = (
        cv2.Scharr(grey, cv2.CV_32F, *order, scale=1 / 32) for order in ((1, 0), (0, 1))
    )
    textured = mask & (np.hypot(across, down) >= _TEXTURE_LEVELS)
    return textured if textured.sum() >= _TEXTURED_SHARE * mask.sum() else mask


def camera(frames: NDArray[np.uint8], step: int = FRAME_STEP) -> Camera:
    """Decide whether a clip's camera is steady.

    Args:
        frames: (T, 256, 256, 3) uint8 RGB, all of the clip.
        step: compare every so many frames with the first.

    Raises:
        UsageError: not such frames, or a step below 1.
    """
    if (
        frames.ndim != 4
        or frames.dtype != np.uint8
        or frames.shape[1:] != (METRIC_SIDE_PX, METRIC_SIDE_PX, 3)
        or step < 1
    ):
        raise UsageError(
            f"{frames.shape} by steps of {step} is not a video of {METRIC_SIDE_PX}x{METRIC_SIDE_PX} RGB frames"
        )
    search: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    first = cv2.cvtColor(np.ascontiguousarray(frames[0]), cv2.COLOR_RGB2GRAY)
    watched = _watched(np.asarray(first, np.uint8))
    motion = []
    for number in range(step, len(frames), step):
        later = cv2.cvtColor(np.ascontiguousarray(frames[number]), cv2.COLOR_RGB2GRAY)
        flow_px = np.linalg.norm(np.asarray(search.calc(first, later, None), np.float32), axis=2)
        change = cv2.blur(
            cv2.absdiff(first, later).astype(np.float32),
            (_UNCHANGED_WINDOW_PX, _UNCHANGED_WINDOW_PX),
        )
        flow_px[change < _UNCHANGED_LEVELS] = 0
        motion.append(float(np.median(flow_px[watched])))
    if not motion:  # one frame cannot show a motion
        return Camera(True, 0.0, 1.0, 0)
    middle, still = float(np.median(motion)), float(np.mean(np.array(motion) < MOTION_LIMIT_PX))
    return Camera(
        middle < MOTION_LIMIT_PX and still >= STILL_FRAMES_SHARE, middle, still, len(motion)
    )
