"""The rules about portraits and shots (vqt.md, "PORT"), and the one place where features become absolute.

PORT shot 0 number 0 | MOTN | PORT number 1, depends on 0 | MOTN | PORT shot 1 number 0 | MOTN ...
     F0                           F0 + what is written           a new F0
"""

from __future__ import annotations

from fractions import Fraction

from vqcodec.container.faults import Fault
from vqcodec.container.outlines import GroupOutline, PortraitOutline
from vqcodec.container.portraits import RelativePortrait, absolute
from vqcodec.format import MAX_PATH_UNITS, MAX_SHOT_S
from vqcodec.late import np
from vqcodec.types import PortraitUnit


class Shots:
    """Follows the portraits and groups of a stream of major version 2.

    Attributes:
        base: the D features of the number 0 of the shot at hand; None before the first shot.

    Args:
        first: number of the first shot; None when reading begins somewhere in the stream.
    """

    def __init__(self, first: int | None = 0) -> None:
        self.base: tuple[int, ...] | None = None
        self._next = first
        self._shot = -1
        self._paths: list[int] = []  # units on the path of each portrait of the shot
        self._features: tuple[int, ...] | None = None  # of the portrait taken last
        self._first_tick: int | None = None

    def check_portrait(self, outline: PortraitOutline) -> tuple[int, ...]:
        """Whether a portrait may come now.

        Returns:
            Its D features, each an i16.

        Raises:
            Fault: bad-portrait, or bad-value for features that are no i16.
        """
        if outline.number == 0:
            if self._next not in (None, outline.shot):
                raise Fault(
                    "bad-portrait", f"shot {outline.shot} begins where shot {self._next} is due"
                )
            if outline.continues and outline.shot == 0:
                raise Fault("bad-portrait", "the first shot continues none")
            return absolute(outline.elements, None)
        due = f"number {len(self._paths)} of shot {self._shot}" if self._paths else "a shot"
        if (outline.shot, outline.number) != (self._shot, len(self._paths)):
            found = f"portrait number {outline.number} of shot {outline.shot}"
            raise Fault("bad-portrait", f"{found} comes where {due} is due")
        if outline.continues:
            raise Fault("bad-portrait", "only the first portrait of a shot continues another one")
        if self._path(outline) > MAX_PATH_UNITS:
            raise Fault(
                "bad-portrait",
                f"portrait {outline.number} takes more than {MAX_PATH_UNITS} units to decode",
            )
        return absolute(outline.elements, self.base)

    def portrait(self, outline: PortraitOutline) -> None:
        """Take the next portrait; raises as `check_portrait`."""
        self._features = self.check_portrait(outline)
        if outline.number == 0:
            self.base = self._features
            self._shot, self._next = outline.shot, outline.shot + 1
            self._paths, self._first_tick = [], None
        self._paths.append(self._path(outline))

    def unit(self, portrait: RelativePortrait) -> PortraitUnit:
        """The value of the portrait that was taken last."""
        assert self._features is not None
        outline = portrait.outline
        return PortraitUnit(
            first_frame=outline.first_frame,
            shot=outline.shot,
            number=outline.number,
            depends_on=outline.depends_on,
            features=np.array(self._features, np.int16),
            unit=portrait.unit,
            continues=outline.continues,
        )

    def check_motion(self, group: GroupOutline, time_base_s: Fraction) -> None:
        """Whether a motion group may come now.

        Raises:
            Fault: bad-portrait for another shot or a portrait that hasn't come, bad-time for too long a shot.
        """
        if group.shot != self._shot:
            raise Fault("bad-portrait", f"a group of shot {group.shot} comes in shot {self._shot}")
        if group.highest_portrait >= len(self._paths):
            found = f"a group names portrait {group.highest_portrait}"
            raise Fault("bad-portrait", f"{found}; the shot has {len(self._paths)} so far")
        first = group.first_tick if self._first_tick is None else self._first_tick
        if (group.last_tick - first) * time_base_s > MAX_SHOT_S:
            raise Fault(
                "bad-time",
                f"shot {group.shot} spans ticks {first}..{group.last_tick}, more than {MAX_SHOT_S} s",
            )

    def motion(self, group: GroupOutline, time_base_s: Fraction) -> None:
        """Take the next motion group; raises as `check_motion`."""
        self.check_motion(group, time_base_s)
        if self._first_tick is None:
            self._first_tick = group.first_tick

    def _path(self, outline: PortraitOutline) -> int:
        return 1 if outline.depends_on is None else self._paths[outline.depends_on] + 1
