"""Pictures of the scene around the square, brought to the frames they are shown with."""

from __future__ import annotations

from collections.abc import Iterator

from vqcodec.stream.walk import PosedGroup
from vqcodec.types import ScenePicture

MOST_WAITING = 64
"""Pictures that wait for their frame: a stream that says frames far ahead costs no more memory."""


class ScenesToCome:
    """Pictures whose frame is still to come."""

    def __init__(self) -> None:
        self._waiting: list[ScenePicture] = []
        self._timed: list[tuple[int, ScenePicture]] = []

    def add(self, scene: ScenePicture) -> None:
        """Take the next picture."""
        self._waiting = [*self._waiting[1 - MOST_WAITING :], scene]

    def time(self, group: PosedGroup) -> None:
        """The group that comes next says when its frames are shown."""
        end = group.first_frame + len(group)
        for scene in self._waiting:
            if scene.first_frame < end:
                at = max(scene.first_frame - group.first_frame, 0)
                self._timed.append((int(group.ticks[at]), scene))
        self._waiting = [scene for scene in self._waiting if scene.first_frame >= end]

    def until(self, tick: int) -> Iterator[ScenePicture]:
        """Those that are shown at a time."""
        while self._timed and self._timed[0][0] <= tick:
            yield self._timed.pop(0)[1]
