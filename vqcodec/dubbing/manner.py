"""How head, gaze and lids of a dub move, by name: still, low, natural, recorded; the gaze may rest on the camera.

            still               low                           natural       recorded
head        as in the portrait  .4 of the made-up way         made up       --poses, or the recording's own
blink       as in the portrait  every other blink             made up       likewise
gaze        camera: whatever the head does, eyes stay on it   made up       likewise
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vqcodec.choices import GazeChoice, MotionChoice, named_blink
from vqcodec.config import DubOptions
from vqcodec.errors import UsageError
from vqcodec.geometry.controls import Controls
from vqcodec.speech.rest import runs

LOW_SHARE = 0.4
"""Of the made-up motion of a head."""
COUNTER = 0.35
"""Eye widths that an iris goes the other way for each radian that the head turns, while eyes stay on the camera: on clips of
people who look into it, what is left then moves by .012 eye widths."""
AT_CAMERA = 0.08
"""Eye widths: who looks so near to the camera looks into it; the rest is how this person's eyes are."""
_BLINKS = 0.05

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Manner:
    """What was chosen, with the defaults filled in."""

    head: MotionChoice
    gaze: GazeChoice
    blink: MotionChoice

    @classmethod
    def of(cls, options: DubOptions) -> Manner:
        """For a portrait.

        Raises:
            UsageError: something recorded is wanted, but no recording given.
        """
        usual: Literal["natural", "recorded"] = "natural" if options.poses is None else "recorded"
        chosen = cls(
            options.head or usual, options.gaze or usual, named_blink(options.blink) or usual
        )
        for name in ("head", "gaze", "blink"):
            if getattr(chosen, name) == "recorded" and options.poses is None:
                raise UsageError(
                    f"--{name} recorded needs a recording",
                    hint="Give one with --poses, or in place of the picture.",
                )
        return chosen

    @property
    def makes_up(self) -> bool:
        """Whether anything is made up."""
        return "natural" in (self.head, self.gaze, self.blink) or "low" in (self.head, self.blink)

    def controls(
        self, own: Controls, made_up: Controls | None, recorded: Controls | None
    ) -> Controls:
        """Frames of a portrait whose own controls are one frame; of the others that is given which is needed."""
        sources = {"natural": made_up, "low": made_up, "recorded": recorded}
        count = len(next(c for c in (made_up, recorded) if c is not None))
        pose, blink = np.repeat(own.pose, count, 0), np.repeat(own.blink, count)
        moved = sources.get(self.head)
        if moved is not None:
            share = LOW_SHARE if self.head == "low" else 1.0
            pose = (
                own.pose + np.float32(share) * (moved.pose - own.pose) if share < 1 else moved.pose
            )
        lids = sources.get(self.blink)
        if lids is not None:
            blink = every_other(lids.blink) if self.blink == "low" else lids.blink
        looks = sources.get(self.gaze)
        gaze = camera_gaze(pose, own) if looks is None else looks.gaze
        return Controls(pose.astype(np.float32), gaze, blink.astype(np.float32))


def every_other(blink: Floats) -> Floats:
    """(T,) blinks without the second, fourth ..: there lids are as they were before."""
    rest = float(np.median(blink))
    out = blink.copy()
    for start, stop in runs(blink > rest + _BLINKS)[1::2]:
        out[start:stop] = blink[max(start - 1, 0)]
    return out


def camera_gaze(poses: Floats, usual: Controls) -> Floats:
    """(T, 2) gaze of eyes on the camera, for heads held so (T, 6).

    Args:
        poses: see Controls.
        usual: frames that tell how this person looks: near the camera, into it.
    """
    beside = np.median(usual.gaze + COUNTER * usual.pose[:, 1::-1], axis=0)
    beside = beside if float(np.hypot(*beside)) < AT_CAMERA else np.zeros(2)
    return np.asarray(beside - COUNTER * poses[:, 1::-1], np.float32)


def own_seed(seed: int, picture: NDArray[np.integer], tokens: NDArray[np.int64]) -> int:
    """What is made up for a picture and a sound: others move otherwise; `seed` chooses among many.

    Args:
        seed: of the caller's.
        picture: (S, S, 3) the portrait, or a row of numbers that stands for it.
        tokens: (T,) what was heard.
    """
    told = hashlib.blake2b(digest_size=8)
    for part in (seed.to_bytes(8, "little"), picture.tobytes(), tokens.astype("<i8").tobytes()):
        told.update(part)
    return int.from_bytes(told.digest(), "little") >> 1
