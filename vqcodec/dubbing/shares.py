"""One progress bar for all that a dub does: frames of the result, counted as the work goes on."""

from __future__ import annotations

import math
from fractions import Fraction

from vqcodec.dubbing.poses import DUB_HZ
from vqcodec.progress import Progress, ProgressEvent

# parts of the work: hearing, making motion, rendering
_STREAM_SHARES, _VIDEO_SHARES = (0.4, 0.6, 0.0), (0.1, 0.2, 0.7)


class WorkShares:
    """Tells a caller how far a dub has come.

    Args:
        progress: the caller.
        sound_s: how long the sound is said to be; None where that isn't known.
        video: a video is made, and not only its stream.
    """

    def __init__(self, progress: Progress, sound_s: Fraction | None, *, video: bool) -> None:
        self._total = None if sound_s is None else max(math.ceil(sound_s * DUB_HZ), 1)
        self._progress = progress
        self._shares = _VIDEO_SHARES if video else _STREAM_SHARES

    def heard(self, seconds: Fraction) -> None:
        """So much of the sound; its length may not be known."""
        if self._total:
            self._tell(0, float(seconds * DUB_HZ / self._total))
        else:
            self._progress(ProgressEvent("dub", 0, None, seconds))

    def known(self, frames: int) -> None:
        """All was heard: it is so many frames."""
        self._total = frames

    def made(self, done: float, file_bytes: int) -> None:
        """So much of the motion, 0..1, and of the file."""
        self._tell(1, done, file_bytes)

    def shown(self, done: float) -> None:
        """So much of the video, 0..1."""
        self._tell(2, done)

    def _tell(self, stage: int, done: float, file_bytes: int = 0) -> None:
        if self._total:
            share = sum(self._shares[:stage]) + self._shares[stage] * min(done, 1.0)
            frames = int(share * self._total)
            at_s = Fraction(frames, DUB_HZ)
            self._progress(ProgressEvent("dub", frames, self._total, at_s, None, file_bytes))
