"""What a head does besides speaking: pose, gaze and blink, read from landmarks and put into them.

The training of the generator, `dub --poses` and the behaviour model all speak in `Controls`. They are read from the 478
landmarks alone, frame by frame, because a .vqt stream holds landmarks and nothing else of MediaPipe's output.

Against MediaPipe's own pose matrix and blendshapes, on 24 real training clips of different people, the correlation within a
clip (median) is .93 for pitch, .99 for yaw and roll, .95 for blink, .99 and .93 for gaze across and down. Our yaw is 1.25
times and our pitch .74 times MediaPipe's; angles here are those under which `moved_head` explains the landmarks: over turns of
10 to 20 degrees it leaves the skull's points .025 head radii off, where a move within the picture's plane leaves .112
(`python -m vqcodec.training.behaviour.controls_check`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vqcodec.format import LANDMARKS
from vqcodec.geometry.headpose import (
    POSE_NUMBERS,
    HeadShape,
    angles,
    fitted_poses,
    rotations,
    turned,
)
from vqcodec.geometry.openings import (
    BLINK_HIDES_REST,
    BOTH_EYES,
    LIDS_OPEN,
    LIDS_SHUT,
    gaze_and_lid_gap,
)

__all__ = ["Controls", "HeadShape", "moved_head", "read_controls", "transferred"]

Array = NDArray[np.float64]
Floats = NDArray[np.float32]

# where the iris of eyes that look straight ahead is, in eye widths below the line of the corners
_IRIS_REST = -0.07
_LARGEST_GAZE = 0.5


@dataclass(frozen=True, slots=True)
class Controls:
    """T frames of head motion; frames without a face are NaN.

    Attributes:
        pose: (T, 6) float32: pitch, yaw, roll in radians (positive: nod down, turn to the picture's right, tilt clockwise
            as seen), x, y of the head's centre in 0..1 of the coded square, natural logarithm of the head's size (rms
            radius of the skull's points, in sides of the square).
        gaze: (T, 2) float32, offset of the iris from where it rests, in eye widths, in the head's axes: x to the picture's
            right, y down, mean of both eyes.
        blink: (T,) float32, 0 open .. 1 shut, mean of both eyes.
    """

    pose: Floats
    gaze: Floats
    blink: Floats

    def __post_init__(self) -> None:
        frames = len(self.blink)
        if (
            self.pose.shape != (frames, POSE_NUMBERS)
            or self.gaze.shape != (frames, 2)
            or self.blink.shape != (frames,)
        ):
            raise ValueError(
                f"controls of one length: pose (T, 6), gaze (T, 2), blink (T,), not {self.pose.shape}, "
                f"{self.gaze.shape}, {self.blink.shape}"
            )

    def __len__(self) -> int:
        return len(self.blink)

    def __getitem__(self, frames: slice) -> Controls:
        return Controls(self.pose[frames], self.gaze[frames], self.blink[frames])

    @staticmethod
    def concatenate(parts: Sequence[Controls]) -> Controls:
        """One after the other; none gives no frames."""
        if not parts:
            return Controls(
                np.zeros((0, POSE_NUMBERS), np.float32),
                np.zeros((0, 2), np.float32),
                np.zeros(0, np.float32),
            )
        return Controls(
            np.concatenate([p.pose for p in parts]),
            np.concatenate([p.gaze for p in parts]),
            np.concatenate([p.blink for p in parts]),
        )

    def filled(self) -> Controls:
        """Frames without a face (NaN) by straight lines between their neighbours, the nearest one at the ends.

        Raises:
            ValueError: no frame has a face.
        """
        good = np.isfinite(self.blink)
        if good.all():
            return self
        if not good.any():
            raise ValueError("no frame has a face")
        table = np.concatenate([self.pose, self.gaze, self.blink[:, None]], 1)
        at = np.arange(len(good))
        whole = np.stack([np.interp(at, at[good], column[good]) for column in table.T], 1).astype(
            np.float32
        )
        return Controls(whole[:, :POSE_NUMBERS], whole[:, POSE_NUMBERS:-1], whole[:, -1])


def read_controls(landmarks: Floats, shape: HeadShape) -> Controls:
    """Pose, gaze and blink of every frame, each frame alone.

    The pose is a scaled-orthographic fit of the mean head to the points that move with the skull. Eyes are measured after
    turning them to face the viewer, so that a turned head does not look like a narrowed eye or a glance.

    Args:
        landmarks: (T, 478, 2) float32 in 0..1 of the square; NaN where there is no face.
        shape: the mean head.

    Returns:
        T frames of controls; NaN where there is no face.
    """
    pose = fitted_poses(landmarks, shape)
    eyes = [gaze_and_lid_gap(landmarks, pose, shape, eye) for eye in BOTH_EYES]
    gaze = np.mean([gaze for gaze, _ in eyes], axis=0) - np.array([0, _IRIS_REST])
    blink = np.mean(
        [np.clip((LIDS_OPEN - opening) / (LIDS_OPEN - LIDS_SHUT), 0, 1) for _, opening in eyes],
        axis=0,
    )
    return Controls(
        pose,
        np.clip(gaze, -_LARGEST_GAZE, _LARGEST_GAZE).astype(np.float32),
        blink.astype(np.float32),
    )


def moved_head(landmarks: Floats, start: Floats, poses: Floats, shape: HeadShape) -> Floats:
    """A portrait's own face, turned rigidly.

    Args:
        landmarks: (478, 2) float32 of the portrait, in 0..1 of the square.
        start: (6,) the pose it is seen under.
        poses: (T, 6) poses to show.
        shape: the mean head, for the depth.

    Returns:
        (T, 478, 2) float32; exactly `landmarks` where the pose is `start`.

    Raises:
        ValueError: an array has another shape.
    """
    if (
        landmarks.shape != (LANDMARKS, 2)
        or start.shape != (POSE_NUMBERS,)
        or poses.shape[1:] != (POSE_NUMBERS,)
    ):
        raise ValueError(
            f"moved_head takes (478, 2), (6,) and (T, 6), not {landmarks.shape}, {start.shape}, {poses.shape}"
        )
    depth = shape.points.astype(np.float64) @ rotations(start[:3])[2]
    moved = turned(
        landmarks.astype(np.float64)[None],
        depth[None],
        start.astype(np.float64)[None],
        poses.astype(np.float64),
    ).astype(np.float32)
    moved[(poses == start).all(-1)] = landmarks
    return moved


def transferred(driver: Controls, own: Controls, other: Controls) -> Controls:
    """A driver's motion, relative to its own portrait, for another portrait.

    Turns are composed in the head's own axes (a nod stays a nod for a portrait that looks aside), the path is as long as the
    head is large, the size changes by the same factor and gaze by the same offset. Shut is shut for everyone, and open is as
    open as each portrait's eyes are.

    Args:
        driver: T frames.
        own: one frame, the driver's portrait.
        other: one frame, the portrait to move.

    Returns:
        T frames: `driver` where the portraits are the same, `other` where the driver is as in its portrait (but a portrait
        with shut eyes opens them).

    Raises:
        ValueError: a portrait is not one frame.
    """
    if len(own) != 1 or len(other) != 1:
        raise ValueError(f"a portrait's controls are one frame, not {len(own)} and {len(other)}")
    a, b = own.pose.astype(np.float64), other.pose.astype(np.float64)
    pose = np.empty_like(driver.pose)
    pose[:, :3] = angles(
        rotations(b[:, :3]) @ rotations(a[:, :3]).swapaxes(-1, -2) @ rotations(driver.pose[:, :3])
    )
    pose[:, 3:5] = b[:, 3:5] + np.exp(b[:, 5:] - a[:, 5:]) * (driver.pose[:, 3:5] - a[:, 3:5])
    pose[:, 5] = b[:, 5] + (driver.pose[:, 5] - a[:, 5])
    (gaze_a, rest_a), (gaze_b, rest_b) = _rest(own), _rest(other)
    gaze = np.clip(driver.gaze + (gaze_b - gaze_a), -_LARGEST_GAZE, _LARGEST_GAZE)
    blink = np.clip(driver.blink + (rest_b - rest_a) * (1 - driver.blink), 0, 1)
    return Controls(pose, gaze.astype(np.float32), blink.astype(np.float32))


def _rest(portrait: Controls) -> tuple[Floats, float]:
    """Gaze (1, 2) and blink of a portrait's eyes at rest; shut ones tell neither."""
    if portrait.blink[0] > BLINK_HIDES_REST:
        return np.zeros((1, 2), np.float32), 0.0
    return portrait.gaze, float(portrait.blink[0])
