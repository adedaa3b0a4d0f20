"""What one viewer is sent: packets that may be lost, and pieces of what must arrive, a few at a time.

packet   coarse layers of the group before | group, with the layers of the viewer's step | the sound made meanwhile
pieces   of HEAD, portraits and scenes: so many bytes between two packets, so that a portrait delays none of them
"""

from __future__ import annotations

from collections.abc import Iterator

from vqcodec.container.payloads import CodedGroup, build_audio, build_motion
from vqcodec.format import LAYERS, VERSION_2
from vqcodec.live.ladder import Ladder
from vqcodec.live.programme import Moment
from vqcodec.live.thinning import thinned
from vqcodec.live.wire import Part, PartKind, Report, build_packet

COPY_LAYERS = 2
"""Of the group before: a seventh of the bits of four, and the head and mouth are where they should be."""
PIECE_BYTES = 1000
FIRST_PIECES = 8
"""At once, to a viewer who has nothing to see yet."""


class Feed:
    """One viewer's.

    Args:
        joining: Programme.joining when the viewer came.
        groups: G of the stream.
        layers: of the stream.

    Attributes:
        ladder: what the viewer gets.
    """

    def __init__(self, joining: bytes, groups: int, layers: int = LAYERS) -> None:
        self.ladder = Ladder(layers)
        self._groups = groups
        self._number = 0
        self._before: CodedGroup | None = None
        self._left = bytearray(joining)
        self._first = FIRST_PIECES

    def packets(self, moment: Moment) -> Iterator[bytes]:
        """What may be lost of the next moment; what must arrive of it waits for `piece`."""
        self._left += moment.whole
        step = self.ladder.step
        sounds = moment.sounds if step.full_sound or not moment.spare else moment.spare
        waiting = [Part(PartKind.SOUND, build_audio(sound)) for sound in sounds]
        for group in moment.groups:
            parts = [self._copied(step.keep_every), self._own(group)]
            yield self._packet([part for part in parts if part is not None] + waiting)
            waiting = []
        if waiting:
            yield self._packet(waiting)

    def pieces(self, most: int) -> Iterator[bytes]:
        """Up to so many pieces of what must arrive; more at the beginning."""
        most, self._first = max(most, self._first), max(self._first - most, 0)
        left = self._left
        for _ in range(most):
            if not left:
                return
            yield bytes(left[:PIECE_BYTES])
            del left[:PIECE_BYTES]

    @property
    def left_bytes(self) -> int:
        """Of what must arrive."""
        return len(self._left)

    def report(self, report: Report) -> None:
        """What the viewer says has come."""
        self.ladder.report(report)

    def _packet(self, parts: list[Part]) -> bytes:
        self._number += 1
        return build_packet(self._number - 1, parts)

    def _own(self, group: CodedGroup) -> Part | None:
        step = self.ladder.step
        small = thinned(group, step.layers, step.keep_every, self._groups)
        self._before = group
        return None if small is None else Part(PartKind.MOTION, build_motion(small, VERSION_2[0]))

    def _copied(self, keep_every: int) -> Part | None:
        if self._before is None:
            return None
        layers = min(COPY_LAYERS, self.ladder.step.layers)
        small = thinned(self._before, layers, keep_every, self._groups)
        return None if small is None else Part(PartKind.COPY, build_motion(small, VERSION_2[0]))
